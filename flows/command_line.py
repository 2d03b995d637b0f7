"""Running a flow from a shell: arguments in, a clear last line out, exit code 1 when it stopped, 130 when it was stopped."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from hierforecast.errors import HierforecastError
from hierforecast.settings import read_company
from tasks import outages

INTERRUPTED = 130  # what a shell calls the end by Ctrl-C
GRACE_SECONDS = 5


def run_flow(flow: Callable[..., Any], *, panels: Sequence[str]) -> None:
    """Parse ``--settings`` and one option per panel, and run the flow on them."""
    parser = argparse.ArgumentParser(description=flow.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", default="deployments/demo.yaml", help="a company's YAML file")
    for panel in panels:
        parser.add_argument(f"--{panel}", help=f"{panel} file (Parquet or CSV) in place of the one in the settings")
    call(flow, **vars(parser.parse_args()))


def call(flow: Callable[..., Any], **arguments: Any) -> None:
    """Run a flow; a person's mistake, or a server that is gone, ends in a message and exit code 1, not in a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        if "settings" in arguments:
            read_company(arguments["settings"])  # before Prefect starts: a typo is told at once
        _tell(flow(**arguments))
    except HierforecastError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        outage = outages.told(error)
        if outage is None:
            raise
        _end_within(GRACE_SECONDS, code=1)
        # What stopped the run comes first, if it was not the outage: Prefect's server could not be told of it.
        first = next((cause for cause in outages.chain(error) if isinstance(cause, HierforecastError)), None)
        sys.exit("\n" + "\n\n".join(str(item) for item in (first, outage) if item))


def _end_within(seconds: float, *, code: int) -> None:
    """End the process, whatever it still waits for: at its exit Prefect offers its last log lines to a server for minutes."""
    limit = threading.Timer(seconds, os._exit, (code,))
    limit.daemon = True
    limit.start()


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End on Ctrl-C, soon in any case.

    Prefect tells its server of the end. Its temporary server has heard the same Ctrl-C, though, and may be gone; asking it
    again and again takes minutes.
    """
    _end_within(GRACE_SECONDS, code=INTERRUPTED)
    signal.default_int_handler(number, frame)


def _tell(result: Any) -> None:
    for item in result if isinstance(result, list) else [result]:
        if hasattr(item, "version"):
            print(f"{item.version.name} version {item.version.version}: {item.summary}")
        else:
            print(getattr(item, "summary", item))
