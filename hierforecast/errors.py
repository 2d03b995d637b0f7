"""Errors a person can act on: each names the thing, what was wanted, what came, and the cure."""

from collections.abc import Iterable
from difflib import get_close_matches


class HierforecastError(Exception):
    """Any problem with what a user gave; shown without a traceback."""


class SettingsError(HierforecastError):
    """A company's settings do not fit the schema."""


class PanelError(HierforecastError):
    """A table does not fit what was declared about it."""


class SafeguardError(PanelError):
    """What was given to the ensemble cannot be fitted as it is; `name` says which safeguard found it, e.g. "metric_lag"."""

    def __init__(self, message: str, *, name: str = "safeguard") -> None:
        super().__init__(message)
        self.name = name


class LeakageError(SafeguardError):
    """A medium or a control knows the target."""

    def __init__(self, message: str, *, name: str = "leakage") -> None:
        super().__init__(message, name=name)


class ModelFolderError(HierforecastError):
    """A saved model is missing, damaged or of another kind."""


class HomeError(HierforecastError):
    """The home folder cannot be found, made or written to, or a file in it is damaged."""


class NoRoomError(HierforecastError):
    """The disk is full, a quota is used up, or a file is larger than it may be."""


class BusyError(HierforecastError):
    """Another run of the same company is at work, and did not end within the patience."""


class NotFittedError(HierforecastError):
    """A model was asked for an answer before `fit`."""


class BaselineError(HierforecastError):
    """There is no such baseline, or the extra that it needs is not installed."""


class StudyError(HierforecastError):
    """A tuning study cannot be opened, or lacks what was asked of it."""


class RegistryError(HierforecastError):
    """The model registry lacks what was asked of it, or cannot be read."""


class SealError(RegistryError):
    """A file of a registered version is not the one that was registered."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """The end of an error about an unknown name: the nearest valid one, or the list of them."""
    valid = [str(option) for option in valid]
    close = get_close_matches(name, valid, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"valid names: {', '.join(valid) or 'none'}"
