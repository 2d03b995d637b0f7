"""How tuning ends: what was found, and whether it became a version."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from flows.order import Outcome
from hierforecast.hierarchy import BOTTOM
from hierforecast.schema import Company
from tasks.studies import Found


class Tuned(BaseModel):
    """What a study found, bottom WAPE on the unseen weeks of the given and the tuned settings, and what came of it."""

    model_config = ConfigDict(frozen=True)

    found: Found
    before: float
    after: float
    outcome: Outcome | None

    @property
    def summary(self) -> str:
        """What a person reads at the end."""
        found = self.found
        searched = f"{found.trials} trials ({found.pruned} cut short, {found.per_minute:.0f} a minute in this run)"
        judged = f"bottom WAPE {found.given:.4f} -> {found.wape:.4f} at the origins they were judged at"
        unseen = f"{self.before:.4f} -> {self.after:.4f} on the last weeks, which none of them saw"
        if self.outcome is None:
            return f"{searched}: {judged}, {unseen}: the given settings stand"
        said = f"{self.outcome.version.name} version {self.outcome.version.version}: {self.outcome.summary}"
        snippet = Path(found.snippet).read_text(encoding="utf-8")
        return f"{searched}: {judged}, {unseen}\n{said}\nTo keep these settings, change in the company's YAML:\n\n{snippet}"


def stricter(company: Company) -> Company:
    """The same company, at whose gate a tuned challenger is given nothing: its series must not lose at all in their sum.

    What single series and the levels above them may lose stays as declared: to win everywhere is a matter of chance.
    """
    gate = company.gates.hiref
    worse_by = gate.max_wape_increase[BOTTOM] if gate.worse_by is None else gate.worse_by
    gate = gate.model_copy(update={"max_wape_increase": {**gate.max_wape_increase, BOTTOM: 0.0}, "worse_by": worse_by})
    return company.model_copy(update={"gates": company.gates.model_copy(update={"hiref": gate})})
