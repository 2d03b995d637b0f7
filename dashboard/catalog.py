"""What the registry holds, as plain values: versions with their tags and aliases, and how to find one of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

CHAMPION, CHALLENGER = "champion", "challenger"
HIREF, PRECISION = "hiref", "precision"
WAITING = "waiting"  # a decision that is a person's to make, see `gates.approval` in the settings
FAMILIES = {HIREF: "HiReF sales forecast", PRECISION: "Precision media mix"}


class Reason(NamedTuple):
    """One gate's verdict in a decision: what was measured, what was allowed, and a sentence for people."""

    gate: str
    held: bool
    sentence: str


@dataclass(frozen=True)
class Version:
    """One registered model version. Everything but `aliases` never changes after training wrote it."""

    company: str
    family: str
    number: int
    run_id: str
    created: datetime
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def levels(self) -> list[str]:
        """The panel's level columns; for media from the leaves up."""
        return [str(level) for level in _json_list(self.tags.get("levels"))]

    @property
    def unit(self) -> str:
        """The target's unit for axes, e.g. "units / week"; its name where no unit was declared."""
        return self.tags.get("unit") or self.tags.get("target", "")

    @property
    def total_unit(self) -> str:
        """The unit of sums over time: "units" where single periods are "units / week"."""
        return self.unit.split(" / ")[0]

    @property
    def reasons(self) -> list[Reason]:
        """The gates of the decision about this version."""
        items = [item for item in _json_list(self.tags.get("decision_reasons")) if isinstance(item, dict)]
        return [Reason(str(i.get("gate", "")), bool(i.get("held")), str(i.get("sentence") or i.get("gate", ""))) for i in items]

    @property
    def trained(self) -> str:
        """The training window as text."""
        return f"{self.tags.get('trained_from', '?')} – {self.tags.get('trained_to', '?')}"


@dataclass(frozen=True)
class Catalog:
    """All versions of all companies, newest first; `problem` says why there are none, in words for people."""

    versions: tuple[Version, ...] = ()
    problem: str = ""

    @property
    def companies(self) -> list[str]:
        """Names of all companies, sorted."""
        return sorted({version.company for version in self.versions})

    @property
    def waiting(self) -> list[Version]:
        """Versions that hold every gate and wait for a person's word, newest first."""
        return [version for version in self.versions if version.tags.get("decision") == WAITING]

    @property
    def stamp(self) -> str:
        """Changes when a version, an alias or a decision changes, and only then."""
        state = [(v.company, v.family, v.number, v.aliases, v.tags.get("decision")) for v in self.versions]
        return json.dumps([state, self.problem])

    def of(self, company: str, family: str | None = None) -> list[Version]:
        """Versions of a company, and of one family if it is given, newest first."""
        return [v for v in self.versions if v.company == company and family in (None, v.family)]

    def behind(self, company: str, family: str, alias: str) -> Version | None:
        """The version that an alias points at, or None."""
        return next((version for version in self.of(company, family) if alias in version.aliases), None)

    def shown(self, company: str, family: str, alias: str | None = None) -> Version | None:
        """The version to show: the alias asked for, else the champion, else the challenger, else the newest."""
        wanted = [alias, CHAMPION, CHALLENGER] if alias else [CHAMPION, CHALLENGER]
        found = (self.behind(company, family, name) for name in wanted)
        return next(filter(None, found), next(iter(self.of(company, family)), None))

    def numbered(self, company: str, family: str, number: int) -> Version | None:
        """The version with that number, or None."""
        return next((version for version in self.of(company, family) if version.number == number), None)


def _json_list(text: str | None) -> list[Any]:
    try:
        value = json.loads(text or "[]")
    except ValueError:
        return []  # a foreign tag must not take the page down
    return value if isinstance(value, list) else []
