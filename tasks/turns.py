"""A company's turn: its runs work one after another, and each begins by clearing away what dead ones left."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect import get_run_logger
from prefect.exceptions import MissingContextError

from tasks import environment, locks, slots, sweeping


@contextmanager
def one_at_a_time(company: str, flow: str) -> Iterator[None]:
    """Work on a company in this block, alone: on this home by a lock, on all machines of a Prefect server by a slot.

    Args:
        company: whose turn it is.
        flow: what for; whoever waits is told.

    Raises:
        BusyError: another run of the company did not end within the patience, see `environment.patience`.
        HomeError: the home's file system cannot lock, or the patience is no number.
    """
    logger, patience, began = _logger(), environment.patience(), time.monotonic()
    with locks.hold(company, flow, patience=patience, tell=logger.info) as holder:
        left = max(patience - (time.monotonic() - began), 0.0)
        with slots.hold(company, holder, patience=left, tell=logger.info, warn=logger.warning):
            sweeping.sweep(company, tell=logger.info)
            yield


def _logger() -> Any:
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("hierforecast")
