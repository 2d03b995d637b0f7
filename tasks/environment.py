"""What this process takes from its environment: the home folder, and the switches that libraries read at import.

`set_defaults` runs when `flows` is imported, before Prefect is; `prepare` runs in every task, wherever that is. Neither
writes anything.
"""

import itertools
import logging
import math
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType

from hierforecast.errors import HierforecastError, HomeError
from hierforecast.layout import (
    HOME_VARIABLE,
    TRACKING_VARIABLE,
    Home,
    default_environment,
    find_home,
    open_home,
    part_login,
    without_login,
)

PATIENCE_VARIABLE = "HIERFORECAST_PATIENCE_MINUTES"
_PATIENCE_MINUTES = 120.0  # a retrain of a large company takes an hour; Monday's is never behind more than one other run

_LOST_EVENTS = ("Unable to connect to 'ws", "Service 'EventsWorker' failed")
_events_lost = itertools.count()

# Read once, here: MLflow writes the variable itself as soon as it is told where to track. A login in it is parted first.
os.environ.update(part_login(os.environ))
_GIVEN_TRACKING_URI = os.environ.get(TRACKING_VARIABLE)


def home() -> Home:
    """The home folder: HIERFORECAST_HOME, else ``data`` below the working directory; made if it is not there."""
    return open_home(_named_home())


def patience() -> float:
    """Seconds to wait for another run of the same company: HIERFORECAST_PATIENCE_MINUTES, else two hours.

    Raises:
        HomeError: the variable holds no number of minutes.
    """
    given = os.environ.get(PATIENCE_VARIABLE) or str(_PATIENCE_MINUTES)
    try:
        minutes = float(given)
    except ValueError:
        minutes = math.nan
    if not 0 <= minutes < math.inf:
        raise HomeError(f"{PATIENCE_VARIABLE}={given}: wanted a number of minutes, such as 30; 0 waits for nobody")
    return 60.0 * minutes


def tracking_uri() -> str:
    """MLflow's address: the server named in MLFLOW_TRACKING_URI, else the embedded store of the home."""
    return _GIVEN_TRACKING_URI or home().tracking_uri


def set_defaults() -> None:
    """Set the library switches that are not set yet.

    Not where Prefect keeps its state: it makes that folder as soon as it is imported, and importing a flow, as
    `prefect deploy` does, is no wish to have one here.
    """
    defaults = default_environment(_named_home(), os.environ)
    defaults.pop("PREFECT_HOME", None)
    os.environ.update(defaults)


def take_over() -> None:
    """Set everything up for a process that a person started for one flow, as ./start.sh would.

    A home that cannot be used ends the process with a sentence.
    """
    sys.excepthook = _without_traceback_of_interrupts
    try:
        os.environ.update(default_environment(home(), os.environ))
    except HierforecastError as error:
        sys.exit(f"\n{error}")


@cache
def prepare() -> None:
    """Set library switches that are not set yet, and quieten what speaks at every start."""
    set_defaults()
    # MLflow sets its own logger up at import, unless a level is given here.
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    for name in ("alembic", "great_expectations", "absl"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # tells of each try; the step tells of all of them
    for name in ("prefect.task_runs", "prefect.flow_runs"):
        logging.getLogger(name).addFilter(_without_traceback)
    for name in ("prefect.events.clients", "prefect._internal.concurrency"):
        logging.getLogger(name).addFilter(_once_of_lost_events)
    warnings.filterwarnings("ignore", category=FutureWarning, module="mlflow")


@contextmanager
def quiet_terminal() -> Iterator[None]:
    """Silence for libraries whose native code speaks to the terminal before it can be told not to; errors still raise."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def _named_home() -> Home:
    return find_home(os.environ.get(HOME_VARIABLE), Path.cwd())


def _without_traceback_of_interrupts(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Ctrl-C is no fault that a person must read about; Python ends with the signal's status (130) all the same."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


def _once_of_lost_events(record: logging.LogRecord) -> bool:
    """Prefect prints a page for every event that its server does not take, and there are four to a task: say it once."""
    lost = record.levelno >= logging.WARNING and record.getMessage().startswith(_LOST_EVENTS)
    if not lost:
        return True
    record.msg, record.args = "Prefect's server does not answer; the run goes on, and its pages will lack some of it", ()
    record.exc_info = record.exc_text = None
    return next(_events_lost) == 0


def _without_traceback(record: logging.LogRecord) -> bool:
    """A person's mistake is told in words: drop the traceback that Prefect logs with every exception."""
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    if isinstance(error, HierforecastError):
        record.msg, record.args = f"stopped: {str(error).splitlines()[0]}", ()
        record.exc_info = record.exc_text = None
    elif type(error).__module__.startswith("httpx"):  # Prefect's client; `tasks.outages` tells it in full at the end
        record.msg, record.args = f"Prefect's server cannot be told how the run went: {without_login(str(error))}", ()
        record.exc_info = record.exc_text = None
    return True
