"""Known truth, found again: one panel of the world, and companies that the model's own priors make.

    python -m benchmarks.precision_recovery [national companies] [--companies 20] [--data DIR]

national: 156 weeks, 12 tacticals, 5 controls, a window of 13 weeks. Decay and return of every tactical inside their 90 %
intervals, at defaults and with the window declared; shares of contributions do not move by more than 1e-8 when the target
is counted in units 1,024 times smaller, and stay within Monte Carlo error at 1,000 times.

companies: made from the priors, flighted media under a tree of three levels. Those whose target has an sd near 1 are kept,
so that the scales which a fit learns are the ones that the priors were drawn at. All are fitted by one program.

Two truths of a return: `at the end` stops counting at the last week, as the panel's file does; `in full` credits what is
carried beyond it to the week that paid, as we do. Prints tables and one line of JSON.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.precision_companies import Problem, draw_parameters, make_problem, mean_of, media_of, one_draw, residuals_of
from hierforecast import results
from hierforecast.mix_model import MixModel
from hierforecast.options import PrecisionGate, Sampling
from hierforecast.precision import Background, Precision
from hierforecast.precision.hierarchy import Hierarchy, build_hierarchy
from hierforecast.precision.posterior.parameters import Parameters

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
LEVELS = ("tactical", "platform", "channel")
TREE = {
    "TV": {"Broadcast": ["spot", "sponsored"], "Streaming": ["preroll"]},
    "Search": {"Google": ["brand", "generic"], "Bing": ["generic_bing"]},
    "Social": {"Meta": ["feed", "reels"], "TikTok": ["video"]},
    "Print": {"Press": ["paper"]},
}
WEEKS, PEOPLE = 156, 20
NEAR_ONE = (0.8, 1.25)  # sd of a made target, in the unit of the priors
LEVEL, UNIT = 1000.0, 100.0  # a made target's mean, and target units per unit of the priors
FORMS = {"defaults": MixModel(), "memory 13": MixModel(memory=13)}
SEEDS = (7, 8, 9)
PARTS = ("national", "companies")


def inside(table: pd.DataFrame, truth: pd.Series, prefix: str = "") -> pd.Series:
    """Whether each truth lies within lower..upper of a table with the same index."""
    return (table[f"{prefix}lower"] <= truth) & (truth <= table[f"{prefix}upper"])


class National(NamedTuple):
    """The panel and what it was made of; tacticals in the order of the tree."""

    panel: pd.DataFrame
    hierarchy: Hierarchy
    controls: tuple[str, ...]
    truth: pd.DataFrame  # per tactical: decay, roi at the end, roi in full, contribution

    def model(self, form: MixModel, seed: int) -> Precision:
        """A model that knows spend; all else at defaults."""
        return Precision(
            self.hierarchy,
            target="kpi",
            period="date",
            spend_columns=self.hierarchy.tacticals,
            control_names=self.controls,
            model=form,
            sampling=Sampling(seed=seed),
        )


def read_national(data: Path) -> National:
    """Read the panel and its truth. Effects are per unit of spend with weights that sum to one: the return in full."""
    folder = data / "mmm_national"
    told = json.loads((folder / "national_truth.json").read_text())
    tree: dict[str, dict[str, list[str]]] = {}
    for name in told["media"]:
        channel, platform, _ = name.split("__")
        tree.setdefault(channel, {}).setdefault(f"{channel}_{platform}", []).append(name)
    hierarchy = build_hierarchy(tree, LEVELS)
    truth = pd.DataFrame(told["media"]).T.loc[list(hierarchy.tacticals), ["alpha", "roi", "beta", "contribution"]]
    truth = truth.astype(float).rename(columns={"alpha": "decay", "roi": "at the end", "beta": "in full"})
    panel = pd.read_csv(folder / "national.csv", parse_dates=["date"])
    return National(panel, hierarchy, tuple(told["controls"]), truth)


def recover_national(national: National, name: str) -> dict[str, Any]:
    """Fit one form; which decays and returns are inside, and how wide the intervals are."""
    model = national.model(FORMS[name], SEEDS[0]).fit(national.panel)
    level = national.hierarchy.levels[0]
    decay = model.decay().set_index("tactical")
    roi = model.decisions().roi()
    roi = roi[roi["level"] == level].set_index("node")
    totals = model.contribution_totals()
    totals = totals[totals["level"] == level].set_index("node")
    truth = national.truth
    told = {
        "decay": inside(decay, truth["decay"]),
        "roi": inside(roi, truth["in full"]),
        "roi at the end": inside(roi, truth["at the end"]),
        "contribution": inside(totals, truth["contribution"]),
    }
    table = pd.DataFrame(
        {
            "decay": truth["decay"],
            "decay_mean": decay["decay"],
            "decay_width": decay["upper"] - decay["lower"],
            "decay_inside": told["decay"],
            "roi": truth["in full"],
            "roi_median": roi["median"],
            "roi_width": roi["upper"] - roi["lower"],
            "roi_inside": told["roi"],
        }
    )
    print(f"\nnational, {name}\n{table.to_string(float_format='{:.3f}'.format)}", flush=True)
    return {
        "decay_and_roi_inside": int(told["decay"].sum() + told["roi"].sum()),
        "of": 2 * len(truth),
        **{f"{what}_inside": int(one.sum()) for what, one in told.items()},
        "mean_decay_width": round(float(table["decay_width"].mean()), 3),
        "mean_roi_width_over_truth": round(float((table["roi_width"] / truth["in full"]).mean()), 3),
        "media_total_over_truth": round(float(totals["total"].sum() / truth["contribution"].sum()), 3),
        "verdict": list(model.verdict(PrecisionGate())),
        "ebfmi": round(model.convergence().ebfmi, 3),
    }


def share_draws(model: Precision) -> np.ndarray:
    """Share of the fitted total per tactical under every draw, (chains, draws, tacticals)."""
    roi = model.decisions().roi_draws()
    leaves = [place for place, (level, _) in enumerate(roi.nodes) if level == model.hierarchy.levels[0]]
    draws = roi.contribution[:, leaves] / model.fitted_draws.sum(axis=1)[:, None]
    return draws.reshape(model.sampling.chains, model.sampling.draws, -1)


def distance_in_errors(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How far the means of two samples of (chains, draws, n) are apart, in standard errors of their difference, (n,)."""
    import arviz

    errors = [[float(np.squeeze(arviz.mcse(draws[..., place]))) for place in range(draws.shape[-1])] for draws in (one, other)]
    return (other.mean(axis=(0, 1)) - one.mean(axis=(0, 1))) / np.hypot(*np.array(errors))


def units_do_not_matter(national: National) -> dict[str, Any]:
    """Shares with the target in other units: at 1,024 the same digits, at 1,000 within Monte Carlo error, seed by seed."""

    def shares(factor: float, seed: int) -> np.ndarray:
        panel = national.panel.assign(kpi=national.panel["kpi"] * factor)
        return share_draws(national.model(FORMS["defaults"], seed).fit(panel))

    apart = []
    for seed in SEEDS:
        plain, thousand = shares(1.0, seed), shares(1000.0, seed)
        if seed == SEEDS[0]:
            exact = float(np.abs(shares(1024.0, seed).mean(axis=(0, 1)) - plain.mean(axis=(0, 1))).max())
            print(f"times 1,024 moves a share by {exact:.2g} at most", flush=True)
        apart.append(distance_in_errors(plain, thousand))
        print(f"seed {seed}: times 1,000 moves a share by {np.abs(apart[-1]).max():.2f} Monte Carlo errors at most", flush=True)
    scores = np.abs(np.concatenate(apart))
    return {
        "largest_change_of_a_share_times_1024": exact,
        "times_1000_largest_in_monte_carlo_errors": round(float(scores.max()), 2),
        "times_1000_root_mean_square_in_monte_carlo_errors": round(float(np.sqrt((scores**2).mean())), 2),
    }


class Made(NamedTuple):
    """A company from the priors."""

    panel: pd.DataFrame
    truth: dict[str, pd.Series]  # per kind, by tactical


def made_problem() -> Problem:
    """Media, tree and controls that all companies share."""
    hierarchy = build_hierarchy(TREE, LEVELS)
    return make_problem(
        hierarchy, WEEKS, model=MixModel(), background=Background(seasonality=1, trend=False), controls=2, seed=5
    )


def make_companies(problem: Problem, count: int, *, seed: int = 0) -> list[Made]:
    """The first draws of the prior whose target has an sd near 1."""
    parameters, found = draw_parameters(problem, draws=50 * count, seed=seed), []
    means = mean_of(parameters, problem)
    for place, mean in enumerate(means):
        truth = one_draw(parameters, place)
        target = mean + residuals_of(truth, WEEKS, seed=1000 * seed + place)
        if NEAR_ONE[0] <= target.std() <= NEAR_ONE[1]:
            found.append(_company(problem, truth, target))
        if len(found) == count:
            return found
    raise ValueError(f"wanted {count} companies whose target has an sd in {NEAR_ONE}, got {len(found)} of {len(means)} draws")


def _company(problem: Problem, truth: Parameters, target: np.ndarray) -> Made:
    table, names = problem.training.table, list(problem.hierarchy.tacticals)
    panel = pd.DataFrame({"week": table.periods, "revenue": LEVEL + UNIT * target})
    panel = panel.assign(**dict(zip(problem.training.design.names, table.controls.T, strict=True)))
    panel = panel.assign(**dict(zip(names, table.media, strict=True)))
    panel = panel.assign(**{f"{name}_spend": spend for name, spend in zip(names, table.spend, strict=True)})
    exposure = problem.training.scaling.media_in(table.media).sum(axis=1)
    brought, spent = UNIT * media_of(truth, problem)[0].sum(axis=1), table.spend.sum(axis=1)
    kinds = {"decay": truth.decay[0], "contribution": brought, "roi": UNIT * truth.strength[0] * exposure / spent}
    return Made(panel, {kind: pd.Series(values, names) for kind, values in kinds.items()})


def fit_company(problem: Problem, made: Made, *, sampling: Sampling) -> Precision:
    """The front door, as any company would come in."""
    names = problem.hierarchy.tacticals
    model = Precision(
        problem.hierarchy,
        target="revenue",
        spend_columns=[f"{name}_spend" for name in names],
        control_names=problem.training.design.names,
        background=problem.training.design.date.background,
        model=problem.model,
        sampling=sampling,
    )
    return model.fit(made.panel)


def covered(model: Precision, made: Made) -> dict[str, pd.Series]:
    """Per kind and tactical, whether the truth is inside its interval."""
    level = model.hierarchy.levels[0]
    roi, totals = model.decisions().roi(), model.contribution_totals()
    tables = {
        "decay": model.decay().set_index("tactical"),
        "roi": roi[roi["level"] == level].set_index("node"),
        "contribution": totals[totals["level"] == level].set_index("node"),
    }
    return {
        kind: inside(table[[results.LOWER, results.UPPER]].loc[made.truth[kind].index], made.truth[kind])
        for kind, table in tables.items()
    }


def recover_companies(count: int) -> dict[str, Any]:
    """Coverage over all made companies."""
    problem, rows, refused = made_problem(), [], {}
    for number, made in enumerate(make_companies(problem, count)):
        began = time.process_time()
        model = fit_company(problem, made, sampling=Sampling(seed=number))
        if reasons := model.verdict(PrecisionGate()):
            refused[number] = list(reasons)
        rows.append({kind: found.mean() for kind, found in covered(model, made).items()})
        spent = time.process_time() - began
        held = ", ".join(f"{kind} {share:.1f}" for kind, share in rows[-1].items())
        print(f"company {number}: inside {held}; {spent:.1f} CPU s, {'; '.join(reasons) or 'gate passed'}", flush=True)
    means = pd.DataFrame(rows).mean()
    return {
        "companies": count,
        "coverage": round(float(means.mean()), 3),
        **{f"coverage_{kind}": round(float(share), 3) for kind, share in means.items()},
        "refused_by_the_gate": refused,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Recover, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if not given")
    parser.add_argument("--companies", type=int, default=PEOPLE)
    parser.add_argument("--data", type=Path, default=DATA)
    args = parser.parse_args(arguments)
    parts, told = args.parts or PARTS, {}
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no part {sorted(unknown)}; wanted some of {list(PARTS)}")
    if "national" in parts:
        if not args.data.is_dir():
            raise SystemExit(f"the data are not at {args.data}; name their folder with --data")
        national = read_national(args.data)
        told["national"] = {name: recover_national(national, name) for name in FORMS}
        told["national"] |= units_do_not_matter(national)
    if "companies" in parts:
        told["companies"] = recover_companies(args.companies)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
