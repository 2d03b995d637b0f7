"""What a run tells in Prefect's own pages: the decision as a text, the scores as a table."""

import math
from pathlib import Path
from typing import Any

import pandas as pd

from hierforecast.gates import Decision
from tasks import telling
from tasks.evaluation import Score
from tasks.registry.records import Version
from tasks.studies import Found


def tell_decision(company: str, family: str, version: Version, decision: Decision) -> None:
    """A markdown artifact: which version, what was decided, and every gate with its numbers."""
    lines = [
        f"# {version.name} version {version.version}: {decision.verdict}",
        "",
        decision.sentence,
        "",
        "| gate | value | limit | held | in words |",
        "|---|---|---|---|---|",
        *(
            f"| {r.gate} | {_number(r.value)} | {_number(r.limit)} | {'yes' if r.held else '**no**'} | {r.sentence} |"
            for r in decision.results
        ),
        "",
        f"MLflow run `{version.run_id}`, fingerprint `{version.fingerprint[:12]}`.",
    ]
    telling.markdown("\n".join(lines), key=f"{company}-{family}-decision", description=decision.summary[:200])


def tell_scores(company: str, family: str, scores: str) -> None:
    """A table artifact: accuracy after the cutoff at every level."""
    rows = pd.read_parquet(scores).round(4).to_dict("records")
    telling.table(
        [{name: _cell(value) for name, value in row.items()} for row in rows],
        key=f"{company}-{family}-scores",
        description="Accuracy on the weeks after the cutoff",
    )


def tell_backtest(company: str, table: str) -> None:
    """A table artifact: every model at every level, the mean over origins, the best at the bottom first."""
    frame = pd.read_parquet(table)
    means = frame.groupby(["level", "model"], sort=False)[["wape", "bias", "mae", "mase", "cpu_seconds"]].mean()
    rows = means.sort_values("wape").sort_index(level="level", sort_remaining=False).reset_index().round(4).to_dict("records")
    telling.table(
        [{name: _cell(value) for name, value in row.items()} for row in rows],
        key=f"{company}-backtest",
        description=f"Mean over {frame['origin'].nunique()} origins, beside baselines",
    )


def tell_tuning(company: str, found: Found, given: Score, tuned: Score) -> None:
    """A markdown artifact: what tuning gained, where it was judged and where it was not, and the YAML to paste."""
    lines = [
        f"# Tuning {company}: {found.trials} trials, {found.pruned} of them cut short",
        "",
        "| bottom WAPE | given settings | tuned | gain |",
        "|---|---|---|---|",
        _gain("at the origins that trials were judged at", found.given, found.wape),
        _gain("on the last horizon, which none of them saw", given.wape, tuned.wape),
        "",
        "To make these the company's settings, change in its YAML:",
        "",
        "```yaml",
        Path(found.snippet).read_text(encoding="utf-8"),
        "```",
    ]
    description = f"{found.trials} trials, gain {given.wape - tuned.wape:+.4f} on unseen weeks"
    telling.markdown("\n".join(lines), key=f"{company}-hiref-tuning", description=description)


def tell_selection(company: str, table: str) -> None:
    """A table artifact: which drivers are worth having, how surely, and what each adds."""
    rows = pd.read_parquet(table).round(4).to_dict("records")
    telling.table(
        [{name: _cell(value) for name, value in row.items()} for row in rows],
        key=f"{company}-hiref-drivers",
        description="Drivers: chosen over halves of the history, gains on later weeks",
    )


def _gain(where: str, given: float, tuned: float) -> str:
    return f"| {where} | {given:.4f} | {tuned:.4f} | {given - tuned:+.4f} |"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def _cell(value: Any) -> Any:
    """JSON knows no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
