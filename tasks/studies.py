"""What tuning hands on: a study on disk, and what it found."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from hierforecast.schema import Company


class Study(BaseModel):
    """A study on disk: its folder, its name in the storage, what is searched, and how many trials are still wanted."""

    model_config = ConfigDict(frozen=True)

    folder: str
    name: str
    origins: int
    also: tuple[str, ...]
    missing: int
    given: list[float]

    @property
    def storage(self) -> str:
        """The address of the SQLite file."""
        return f"sqlite:///{self.folder}/study.db"

    def quotas(self, workers: int) -> list[int]:
        """The missing trials shared out among workers; none is idle."""
        shares = [self.missing // workers + (place < self.missing % workers) for place in range(workers)]
        return [share for share in shares if share]


class Found(BaseModel):
    """What a study found: the company with its settings, what they reach at the origins, and the files that say so."""

    model_config = ConfigDict(frozen=True)

    company: Company
    values: dict[str, Any]
    wape: float
    given: float
    trials: int
    pruned: int
    per_minute: float
    table: str
    snippet: str
