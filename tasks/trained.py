"""What a fit hands on, whichever family: where the model lies, on which weeks it was trained, and how the fit went."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Trained(BaseModel):
    """A fitted model on disk; dates are ISO dates of the first and last trained period."""

    model_config = ConfigDict(frozen=True)

    folder: str
    trained_from: str
    trained_to: str
    diagnostics: dict[str, Any]
