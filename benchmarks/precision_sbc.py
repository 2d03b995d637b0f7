"""Simulation-based calibration: whether posterior draws and the truth that made the data are one and the same kind.

    python -m benchmarks.precision_sbc [--replications 200] [--forms default full] [--out FOLDER]

    theta ~ prior;   y ~ p(y | theta);   theta_1 .. theta_L ~ p(theta | y);   rank = #{theta_l < theta} is uniform on 0 .. L

A density, a sampler or a simulation that disagree bend the ranks. Beside the parameters stand the log likelihood and what
media bring in all, which see the data: a sampler that returned the prior would pass on parameters alone.

Replications differ in the target only, so one program serves them all; its scale is never learned anew. Finished ones are
kept in FOLDER, and a killed run goes on there; whoever changes the model starts afresh. Prints a table per form and one
line of JSON.

Source: Talts, Betancourt, Simpson, Vehtari & Gelman 2018, arXiv:1804.06788; quantities that see the data: Modrak, Moon,
Kim, Burkner, Huurre, Faltejskova, Gelman & Vehtari 2023, Bayesian Analysis, doi:10.1214/23-BA1404.
"""

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks import precision_companies
from benchmarks.precision_companies import (
    Problem,
    draw_parameters,
    make_problem,
    mean_of,
    media_of,
    one_draw,
    residuals_of,
)
from hierforecast import precision
from hierforecast.mix_model import MixModel
from hierforecast.options import Sampling
from hierforecast.precision.background import Background
from hierforecast.precision.hierarchy import build_hierarchy
from hierforecast.precision.operations import in_numpy
from hierforecast.precision.posterior.density import density_of
from hierforecast.precision.posterior.parameters import Parameters, constrain
from hierforecast.precision.posterior.residuals import log_factors
from hierforecast.precision.sampling import sample

TREE = {"TV": {"Broadcast": ["spot", "sponsored"]}, "Web": {"Google": ["brand", "generic"], "Meta": ["feed", "reels"]}}
LEVELS = ("tactical", "platform", "channel")
WEEKS = 78
FORMS = {
    "default": MixModel(),
    "full": MixModel(decay="pooled_logit", saturation="log", residuals="ar1", noise="student"),
    "window": MixModel(decay="beta", memory=13, saturation="hill", prior_scale="roi"),
}
CHAINS, DRAWS, THIN, STEPS = 4, 50, 2, 5  # kept: every tenth step, nearly independent
KEPT = CHAINS * DRAWS // THIN - 1  # 99: ranks 0 .. 99 fall into equal bins
WARMUP = 300
SAMPLING = Sampling(chains=CHAINS, warmup=WARMUP, draws=DRAWS, steps_per_draw=STEPS)
LEVEL = 0.01  # of all parameters of a form together


class Replication(NamedTuple):
    """What one made data set told."""

    number: int
    ranks: dict[str, int]  # by quantity
    divergences: int
    rhat: float  # the worst quantity's
    seconds: float


def problem_of(form: str) -> Problem:
    """The company of a form, the same in every replication."""
    background = Background(seasonality=1, trend=False)
    return make_problem(build_hierarchy(TREE, LEVELS), WEEKS, model=FORMS[form], background=background, seed=11)


def made_target(parameters: Parameters, problem: Problem, seed: int) -> np.ndarray:
    """(weeks,) target of one draw of the parameters."""
    return mean_of(parameters, problem)[0] + residuals_of(parameters, WEEKS, seed=seed)


def replicate(problem: Problem, number: int, *, make: Callable[..., np.ndarray] = made_target, seed: int = 0) -> Replication:
    """Draw a truth, make its data, sample, and rank the truth among the draws.

    Args:
        problem: media, tree, form.
        number: of the replication; with `seed` it decides everything random.
        make: the target from a draw of the parameters; another law than the model's must be found out.
        seed: of the run.
    """
    began = time.process_time()
    own = int(np.random.SeedSequence((seed, number)).generate_state(1)[0] >> 1)
    truth = one_draw(draw_parameters(problem, draws=1, seed=own), 0)
    target = make(truth, problem, own + 1)
    data, spread = problem.with_target(target)
    drawn = sample(density_of(problem.model), data, spread, sampling=SAMPLING, seed=own)
    flat = drawn.flat[:, ::THIN]
    found = quantities(constrain(flat.reshape(-1, flat.shape[-1])[:KEPT], data, problem.model), problem, target)
    whole = quantities(constrain(drawn.flat.reshape(-1, flat.shape[-1]), data, problem.model), problem, target)
    true = quantities(truth, problem, target)
    return Replication(
        number,
        {name: int((values < true[name][0]).sum()) for name, values in found.items()},
        int(drawn.diverging.sum()),
        max(split_rhat(values.reshape(CHAINS, -1)) for values in whole.values()),
        time.process_time() - began,
    )


def quantities(parameters: Parameters, problem: Problem, target: np.ndarray) -> dict[str, np.ndarray]:
    """Every scalar by name, (draws,) each: parameters, the log likelihood, and what media bring in a mean week."""
    told = {}
    for name, values in parameters._asdict().items():
        if values is None or name == "effects":
            continue
        told |= {f"{name}[{place}]": values[:, place] for place in range(values.shape[1])}
    for level, values in enumerate(parameters.effects[:-1]):  # the last are the logs of strength
        told |= {f"effect_{level}[{place}]": values[:, place] for place in range(values.shape[1])}
    residual = target - mean_of(parameters, problem)
    weeks = problem.with_target(target)[0].residuals
    factors = log_factors(residual, parameters.noise, parameters.correlation, parameters.tails, weeks, in_numpy())
    return told | {"log_likelihood": factors.sum(axis=1), "media": media_of(parameters, problem).sum(axis=1).mean(axis=1)}


def split_rhat(draws: np.ndarray) -> float:
    """R-hat of (chains, draws) with every chain cut in two (Gelman et al. 2013, Bayesian Data Analysis, 11.4)."""
    half = draws.shape[1] // 2
    halves = np.concatenate([draws[:, :half], draws[:, -half:]])
    within = halves.var(axis=1, ddof=1).mean()
    return float(np.sqrt((half - 1) / half + halves.mean(axis=1).var(ddof=1) / within))


def judge(replications: Sequence[Replication]) -> pd.DataFrame:
    """One row per quantity: mean rank as a share of L, chi-square of the ranks in equal bins, and its p-value.

    Bins hold at least four expected ranks, and there are at most twenty of them.
    """
    from scipy.stats import chi2

    count = len(replications)
    bins = max(size for size in (2, 4, 5, 10, 20) if size * 4 <= count or size == 2)
    rows = []
    for name in replications[0].ranks:
        ranks = np.array([one.ranks[name] for one in replications])
        seen = np.bincount(ranks * bins // (KEPT + 1), minlength=bins)
        statistic = float(((seen - count / bins) ** 2 / (count / bins)).sum())
        rows.append((name, ranks.mean() / KEPT, ranks.std() / KEPT, statistic, float(chi2.sf(statistic, bins - 1))))
    return pd.DataFrame(rows, columns=["quantity", "mean_rank", "sd_rank", "chi_square", "p"])


def corrected(table: pd.DataFrame) -> float:
    """The smallest p-value times how many there are (Bonferroni), at most 1."""
    return float(min(1.0, table["p"].min() * len(table)))


def fingerprint(form: str) -> str:
    """Of all that decides the ranks: the form, the sampling, and the sources of the model."""
    room = Path(precision.__file__).parent
    sources = [
        path for part in ("posterior/*.py", "sampling/*.py", "pr*.py", "training.py") for path in sorted(room.glob(part))
    ]
    sources += [Path(__file__), Path(precision_companies.__file__)]
    told = [repr(FORMS[form]), SAMPLING.model_dump_json(), *(path.read_text() for path in sources)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def kept(path: Path, mark: str) -> dict[int, Replication]:
    """Replications of an earlier run of the same model, by number."""
    if not path.is_file():
        return {}
    lines = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]  # a killed run may cut one
    told = [json.loads(line) for line in lines]
    return {one["number"]: Replication(**one) for one in ({**row} for row in told if row.pop("of") == mark)}


def calibrate(form: str, replications: int, out: Path, *, seed: int = 0) -> Iterator[Replication]:
    """Every replication of a form, the kept ones first."""
    path, mark = out / f"sbc_{form}.jsonl", fingerprint(form)
    problem, done = problem_of(form), kept(path, mark)
    for number in range(replications):
        if number not in done:
            done[number] = replicate(problem, number, seed=seed)
            with path.open("a") as file:
                file.write(json.dumps({"of": mark, **done[number]._asdict()}) + "\n")
        yield done[number]


def main(arguments: Sequence[str] | None = None) -> None:
    """Replicate, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=200)
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=["default", "full"])
    parser.add_argument(
        "--out", type=Path, default=Path(tempfile.gettempdir()) / "precision_sbc", help="folder of finished replications"
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    args.out.mkdir(parents=True, exist_ok=True)
    told = {}
    for form in args.forms:
        done = []
        for one in calibrate(form, args.replications, args.out, seed=args.seed):
            done.append(one)
            if len(done) % 20 == 0:
                print(f"{form}: {len(done)} of {args.replications}", flush=True)
        table = judge(done)
        print(table.sort_values("p").round(4).to_string(index=False), flush=True)
        told[form] = {
            "replications": len(done),
            "quantities": len(table),
            "corrected_p": round(corrected(table), 4),
            "passes": corrected(table) > LEVEL,
            "divergences": sum(one.divergences for one in done),
            "replications_with_divergences": sum(one.divergences > 0 for one in done),
            "worst_rhat": round(max(one.rhat for one in done), 3),
            "cpu_seconds": round(sum(one.seconds for one in done)),
        }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
