"""Public marketing mix data of real size, run to the end: attempts in order, gate, held-out accuracy, money, pictures.

    python -m benchmarks.precision_real [retail robyn geo one_geo] [--data DIR] [--out FOLDER] [--attempts NAME ...]

`precision_real.yaml` says how each data set is modelled and what was tried in order; each attempt changes the one before.
Every attempt is fitted twice by one program: on all weeks, for the gate, contributions and returns, and with the last weeks
masked, for held-out accuracy beside a seasonal naive forecast (the week a year before) and the mean of the seen weeks.
Pictures go into FOLDER/data set/attempt. Prints a table per data set and one line of JSON.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import yaml

from benchmarks.precision_pictures import draw_all
from benchmarks.precision_real_panels import PANELS
from hierforecast import metrics, results
from hierforecast.options import PrecisionGate, Sampling
from hierforecast.precision import Precision
from hierforecast.precision.accuracy import r_squared
from hierforecast.precision.psis import LARGEST_K
from hierforecast.schema import MediaPanel

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETTINGS = Path(__file__).with_suffix(".yaml")
YEAR = 52  # weeks
SHOWN = (
    *("attempt", "gate", "ebfmi", "rhat", "ess", "divergences", "bad_k"),
    *("wape", "naive_wape", "mean_wape", "coverage_90", "r2", "baseline", "believed", "media", "largest", "cpu_s"),
)


class Attempt(NamedTuple):
    """One way to model a data set."""

    name: str
    why: str
    media: MediaPanel
    sampling: Sampling


def read_attempts(declared: dict[str, Any]) -> Iterator[Attempt]:
    """The attempts of one data set in order; what one changes holds for those after it."""
    media, sampling = declared["media"] | {"period": "week"}, {}
    for one in declared["attempts"]:
        media, sampling = media | one.get("media", {}), sampling | one.get("sampling", {})
        yield Attempt(one["name"], one["why"], MediaPanel.model_validate(media), Sampling(**sampling))


class Outcome(NamedTuple):
    """What came of an attempt."""

    model: Precision  # on all weeks
    held_out: pd.DataFrame  # forecast of the weeks that another fit did not see
    row: dict[str, Any]
    reasons: tuple[str, ...]  # why the gate refuses either fit


def run(attempt: Attempt, panel: pd.DataFrame) -> Outcome:
    """Fit on all weeks, fit without the last ones, and measure."""
    began = time.process_time()
    count, horizon = len(panel), attempt.media.horizon
    early = np.arange(count) < count - horizon
    model = Precision.from_panel_settings(attempt.media, attempt.sampling).fit(panel)
    masked = Precision.from_panel_settings(attempt.media, attempt.sampling).fit(panel, observed=early)
    spent = time.process_time() - began
    target = panel[attempt.media.target.name].to_numpy(float)
    accuracy = masked.accuracy(panel).iloc[0]
    gate = PrecisionGate()
    reasons = (*model.verdict(gate), *(f"without the last {horizon}: {said}" for said in masked.verdict(gate)))
    convergence = model.convergence()
    row = {
        "attempt": attempt.name,
        "gate": "refused" if reasons else "passed",
        "ebfmi": min(convergence.ebfmi, masked.convergence().ebfmi),
        "rhat": convergence.max_rhat,
        "ess": min(convergence.min_ess_bulk, convergence.min_ess_tail),
        "divergences": convergence.divergences,
        "bad_k": int((model.loo().pareto_k > LARGEST_K).sum()),
        "wape": accuracy["wape"],
        "naive_wape": metrics.wape(target[~early], target[count - horizon - YEAR : count - YEAR]),
        "mean_wape": metrics.wape(target[~early], np.full(horizon, target[early].mean())),
        "coverage_90": accuracy["coverage_90"],
        "r2": r_squared(target, model.fitted_draws.mean(axis=0)),
        "believed": believed_share(attempt.media, panel),
        **shares(model),
        "cpu_s": spent,
    }
    return Outcome(model, masked.predict()[~early], row, reasons)


def believed_share(media: MediaPanel, panel: pd.DataFrame) -> float:
    """Share of the target that all media bring at the prior's median effect; NaN where priors speak of returns.

    ``sum_i effect_median sd(y) / mean(y) share of weeks on air``: it grows with how many media there are.
    """
    if media.model.prior_scale == "roi":
        return float("nan")
    target, exposure = panel[media.target.name], panel[media.metric_columns(media.exposure_metric)]
    on_air = (exposure > 0).mean().sum()
    return float(media.priors.effect_median * target.std(ddof=0) / target.mean() * on_air)


def shares(model: Precision) -> dict[str, Any]:
    """Baseline, media and the largest tactical as shares of the fitted total."""
    totals = model.contribution_totals()
    tacticals = totals[totals["level"] == model.hierarchy.levels[0]].set_index("node")["share"]
    baseline = totals.loc[totals["level"] == results.BASELINE, "share"].iloc[0]
    largest = tacticals.idxmax()
    return {"baseline": baseline, "media": tacticals.sum(), "largest": f"{largest} {tacticals[largest]:.3f}"}


def channel_table(model: Precision, value: float) -> pd.DataFrame:
    """Share of the fitted total, return and decay per tactical, each with its interval."""
    level = model.hierarchy.levels[0]
    totals = model.contribution_totals()
    table = totals[totals["level"] == level].set_index("node")[["share", "share_lower", "share_upper"]]
    roi = model.decisions().roi(value=value)
    roi = roi[roi["level"] == level].set_index("node")[["spend", "median", results.LOWER, results.UPPER]]
    decay = model.decay().set_index("tactical")[["decay", results.LOWER, results.UPPER]]
    return table.join(roi.add_prefix("roi_")).join(decay.add_prefix("decay_").rename(columns={"decay_decay": "decay"}))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, draw, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"data sets, of {', '.join(PANELS)}; all if not given")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, help="folder for pictures; none are drawn without it")
    parser.add_argument("--attempts", nargs="+", help="only those of these names")
    args = parser.parse_args(arguments)
    if unknown := set(args.names) - set(PANELS):
        parser.error(f"no data set {sorted(unknown)}; wanted some of {list(PANELS)}")
    if not args.data.is_dir():
        raise SystemExit(f"the data are not at {args.data}; name their folder with --data")
    declared, told = yaml.safe_load(SETTINGS.read_text()), {}
    for name in args.names or PANELS:
        panel, value, rows = PANELS[name](args.data), declared[name]["value"], []
        for attempt in read_attempts(declared[name]):
            if args.attempts and attempt.name not in args.attempts:
                continue
            outcome = run(attempt, panel)
            rows.append(outcome.row)
            print(f"\n{name}, {attempt.name}: {attempt.why}", *outcome.reasons, *outcome.model.warnings(), sep="\n  ")
            print(channel_table(outcome.model, value).to_string(float_format="{:.3g}".format), flush=True)
            if args.out:
                draw_all(outcome.model, outcome.held_out, panel, args.out / name / attempt.name, value=value)
        table = pd.DataFrame(rows, columns=SHOWN)
        print(f"\n{name}\n{table.to_string(index=False, float_format='{:.3f}'.format)}", flush=True)
        told[name] = json.loads(table.to_json(orient="records", double_precision=4))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
