"""What the registry takes and gives, in words that need no MLflow."""

import posixpath
from typing import Any

from pydantic import BaseModel, ConfigDict

from hierforecast.schema import Company

CHAMPION, CHALLENGER = "champion", "challenger"
# What was decided about a version, beside the verdicts of `hierforecast.gates`: by a person, or by a newer version.
WAITING, REFUSED, SUPERSEDED = "waiting", "refused", "superseded"


class Version(BaseModel):
    """A registered version, as tasks hand it on.

    `judged_against` is the number of the champion that it was compared with, None for none; `told` says what was decided
    and why.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    run_id: str
    fingerprint: str
    decision: str | None
    judged_against: str | None = None
    told: str = ""
    settings: Company | None = None


class Evidence(BaseModel):
    """What is logged with a version: files and folders on this machine, numbers and words.

    Args:
        model: the model folder.
        tables: folder of Parquet tables.
        checks: folder with the report of the data checks.
        metrics: numbers by name.
        tags: words by name.
        plots: folder of PNG pictures; None for none.
        courses: numbers that changed over steps: (step, value) pairs by name.
        diagnostics: everything that training tells of itself, JSON-ready.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    tables: str
    checks: str
    metrics: dict[str, float]
    tags: dict[str, str]
    plots: str | None = None
    courses: dict[str, list[tuple[int, float]]] = {}
    diagnostics: dict[str, Any] = {}


def legal_name(name: str) -> str:
    """A name of a parameter or metric as MLflow takes it: letters, digits and ``_-. /``, all else as an underscore.

    Slashes become underscores where they would not do in a path below a folder: MLflow refuses ``a//b`` and ``../a``.
    """
    plain = "".join(sign if (sign.isascii() and sign.isalnum()) or sign in "_-. /" else "_" for sign in name)
    if posixpath.normpath(plain) == plain and not plain.startswith((".", "/")):
        return plain
    flat = plain.replace("/", "_")
    return f"_{flat}" if flat.startswith(".") or not flat else flat
