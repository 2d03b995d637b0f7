"""What a decision leaves on a version: reasons as a tag, a sentence as its description, the whole table on its run."""

from dataclasses import asdict

import pandas as pd

from hierforecast.gates import Decision
from tasks.registry.connection import client
from tasks.registry.records import Version

WHOLE, SHOWN = "decision.json", "shown/decision.json"
JUDGED_AGAINST = "judged_against"  # the champion's number then; empty for none
_MOST_LETTERS = 5000  # of a tag or a description, in the databases that MLflow keeps them in


def write(version: Version, decision: Decision, *, judged_against: str | None) -> None:
    """Write all of it but the `decision` tag. A version that is judged again tells the latest decision alone."""
    server = client()
    server.log_text(version.run_id, decision.to_json(), WHOLE)
    _show(version.run_id, decision)
    server.set_model_version_tag(version.name, version.version, JUDGED_AGAINST, judged_against or "")
    server.set_model_version_tag(version.name, version.version, "decision_reasons", decision.reasons(most=_MOST_LETTERS))
    describe(version, decision.sentence)


def describe(version: Version, sentence: str) -> None:
    """The version's description, which MLflow's pages and a rerun tell."""
    server = client()
    server.update_model_version(version.name, version.version, description=sentence[:_MOST_LETTERS])


def _show(run_id: str, decision: Decision) -> None:
    """The gates as MLflow's pages show a table."""
    rows = [asdict(result) for result in decision.results]
    table = pd.DataFrame([{**row, "held": "yes" if row["held"] else "no"} for row in rows]).astype(object)
    table = table.where(table.notna(), None)
    server = client()
    if any(file.path == SHOWN for file in server.list_artifacts(run_id, SHOWN.split("/")[0])):
        # To log a table again appends to it.
        server.log_text(run_id, table.to_json(orient="split", index=False), SHOWN)
    else:
        server.log_table(run_id, table, SHOWN)
