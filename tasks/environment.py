"""What this process takes from its environment: the home folder, and the switches that libraries read at import.

`prepare` runs before any heavy import, in the flow's process and in a worker's alike.
"""

import importlib
import logging
import os
import sys
import warnings
from functools import cache
from pathlib import Path

from hierforecast.errors import HierforecastError
from hierforecast.layout import DEFAULT_HOME, HOME_VARIABLE, TRACKING_VARIABLE, Home

_SWITCHES = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",  # below, every hit of XLA's program cache prints an error that is none
    "TF_ENABLE_ONEDNN_OPTS": "0",  # without it TensorFlow prints a notice at every import, and rounds differently
    "TF_USE_LEGACY_KERAS": "1",  # TensorFlow Probability 0.25 needs Keras 2
}


# Read once, here: MLflow writes the variable itself as soon as it is told where to track.
_GIVEN_TRACKING_URI = os.environ.get(TRACKING_VARIABLE)


def home() -> Home:
    """The home folder: HIERFORECAST_HOME, else ``data`` below the working directory; made if it is not there."""
    root = Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).expanduser().resolve()
    root.mkdir(parents=True, exist_ok=True)
    return Home(root)


def tracking_uri() -> str:
    """MLflow's address: the server named in MLFLOW_TRACKING_URI, else the embedded store of the home."""
    return _GIVEN_TRACKING_URI or home().tracking_uri


@cache
def prepare() -> None:
    """Set library switches that are not set yet, point caches into the home, and quieten what speaks at every start."""
    for name, value in _SWITCHES.items():
        os.environ.setdefault(name, value)
    programs = home().caches / "xla"
    programs.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("TF_XLA_FLAGS", f"--tf_xla_persistent_cache_directory={programs}")
    # MLflow sets its own logger up at import, unless a level is given here.
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    for name in ("alembic", "great_expectations", "absl"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("prefect.task_runs", "prefect.flow_runs"):
        logging.getLogger(name).addFilter(_without_traceback)
    warnings.filterwarnings("ignore", category=FutureWarning, module="mlflow")


def import_quietly(library: str) -> None:
    """Import a library whose native code speaks to the terminal before it can be told not to; errors still raise."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            importlib.import_module(library)
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def _without_traceback(record: logging.LogRecord) -> bool:
    """A person's mistake is told in words: drop the traceback that Prefect logs with every exception."""
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    if isinstance(error, HierforecastError):
        record.msg, record.args = f"stopped: {str(error).splitlines()[0]}", ()
        record.exc_info = record.exc_text = None
    return True
