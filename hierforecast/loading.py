"""Open a saved model of either family, and import only the library that this family needs."""

from pathlib import Path
from typing import Any

from hierforecast.errors import ModelFolderError, nearest
from hierforecast.model_folder import read_manifest


def load_model(folder: str | Path) -> Any:
    """The model in a folder: a `hierforecast.hiref.HiReF` or a `hierforecast.precision.model.Precision`.

    Raises:
        ModelFolderError: no saved model there, a damaged one, or of a family that this version does not know.
    """
    family = read_manifest(Path(folder))["family"]
    if family == "hiref":
        from hierforecast.hiref import HiReF

        return HiReF.load(folder)
    if family == "precision":
        from hierforecast.precision.model import Precision

        return Precision.load(folder)
    raise ModelFolderError(
        f"{str(folder)!r} holds a model of family {family!r}; {nearest(str(family), ['hiref', 'precision'])}"
    )
