"""What every family offers to the flows, and how a retrain of one ends."""

from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from hierforecast.gates import DataFindings, Decision, Rival
from hierforecast.schema import Company
from tasks.evaluation import Score
from tasks.fingerprint import fingerprint
from tasks.panels import PanelReference
from tasks.registry.records import Version
from tasks.trained import Trained


class Family(Protocol):
    """What a family's module in `tasks` offers."""

    FAMILY: str
    PANEL: Literal["sales", "media"]

    def panel_of(self, company: Company) -> Any:
        """The settings of the panel it reads."""

    def fit(self, company: Company, panel: PanelReference, fingerprint: str, *, until_cutoff: bool) -> Trained:
        """Train on all weeks, or on those before the cutoff."""

    def score(self, company: Company, panel: PanelReference, fingerprint: str, trained: Trained) -> Score:
        """Score a model that was trained up to the cutoff."""

    def tabulate(self, company: Company, panel: PanelReference, fingerprint: str, trained: Trained, score: Score) -> str:
        """Write the tables that people look at; returns their folder."""

    def decide(self, company: Company, trained: Trained, score: Score, rival: Rival, data: DataFindings) -> Decision:
        """Judge by the company's gates."""


class Outcome(BaseModel):
    """How a family's retrain ended: the version, what was decided about it, and whether it was made in this run."""

    model_config = ConfigDict(frozen=True)

    family: str
    version: Version
    made: bool
    summary: str


def score_after_cutoff(family: Family, company: Company, panel: PanelReference) -> Score:
    """Fit settings up to the cutoff and score them on the weeks after it."""
    key = fingerprint(company, panel, family.FAMILY)
    return family.score(company, panel, key, family.fit(company, panel, key, until_cutoff=True))
