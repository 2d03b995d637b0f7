"""What a run tells in Prefect's own pages: the decision as a text, the scores as a table."""

import math
from typing import Any

import pandas as pd
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from hierforecast.gates import Decision
from tasks.registry.records import Version


def tell_decision(company: str, family: str, version: Version, decision: Decision) -> None:
    """A markdown artifact: which version, what was decided, and every gate with its numbers."""
    lines = [
        f"# {version.name} version {version.version}: {decision.verdict}",
        "",
        "| gate | value | limit | held |",
        "|---|---|---|---|",
        *(
            f"| {r.gate} | {_number(r.value)} | {_number(r.limit)} | {'yes' if r.held else '**no**'} |"
            for r in decision.results
        ),
        "",
        f"MLflow run `{version.run_id}`, fingerprint `{version.fingerprint[:12]}`.",
    ]
    create_markdown_artifact("\n".join(lines), key=f"{company}-{family}-decision", description=decision.summary[:200])


def tell_scores(company: str, family: str, scores: str) -> None:
    """A table artifact: accuracy after the cutoff at every level."""
    rows = pd.read_parquet(scores).round(4).to_dict("records")
    create_table_artifact(
        [{name: _cell(value) for name, value in row.items()} for row in rows],
        key=f"{company}-{family}-scores",
        description="Accuracy on the weeks after the cutoff",
    )


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def _cell(value: Any) -> Any:
    """JSON knows no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
