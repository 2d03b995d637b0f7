"""Telling Prefect's pages what a run found: best effort. No run ends, or waits for long, because nobody can be told."""

import logging
import time
from typing import Any
from uuid import UUID

from prefect import artifacts
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

_log = logging.getLogger(__name__)
_PAUSE_SECONDS = 60  # after a telling that was not heard, the next ones are left out: each would wait anew
_unheard = float("-inf")  # when one was last not heard


def markdown(text: str, *, key: str, description: str) -> None:
    """A text among the run's artifacts."""
    _tell(artifacts.create_markdown_artifact, text, key=key, description=description)


def table(rows: list[dict[str, Any]], *, key: str, description: str) -> None:
    """A table among the run's artifacts."""
    _tell(artifacts.create_table_artifact, rows, key=key, description=description)


def link(address: str, *, text: str, key: str, description: str) -> None:
    """A link among the run's artifacts."""
    _tell(artifacts.create_link_artifact, address, link_text=text, key=key, description=description)


def new_bar(percent: float, *, key: str, description: str) -> UUID | None:
    """A bar that `move_bar` moves; None where nobody heard."""
    return _tell(artifacts.create_progress_artifact, percent, key=key, description=description)


def move_bar(bar: UUID, percent: float) -> None:
    """Move a bar to `percent`, 0 to 100."""
    _tell(artifacts.update_progress_artifact, bar, percent)


def _tell(say: Any, *words: Any, **more: Any) -> Any:
    """What `say` answers; None where Prefect's server did not hear it within a few seconds."""
    global _unheard
    if time.monotonic() - _unheard < _PAUSE_SECONDS:
        return None
    try:
        # Prefect's client would ask a server that is gone for minutes, which is right for a run's end, not for a picture.
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 1}):
            return say(*words, **more)
    except Exception as error:
        _unheard = time.monotonic()
        _log.warning("not told in Prefect's pages: %s", type(error).__name__)
        _log.debug("why it was not told", exc_info=error)
        return None
