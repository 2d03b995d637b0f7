"""Prefect's pages are told what there is to tell; where nobody hears, the run neither ends nor waits."""

import httpx
import pytest
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES

from tasks import telling


@pytest.fixture
def asked(monkeypatch):
    """What Prefect's server was asked, and how often its client would have tried."""
    said = []
    monkeypatch.setattr(telling, "_unheard", float("-inf"))
    monkeypatch.setattr(
        telling.artifacts, "create_markdown_artifact", lambda text, **_: said.append((text, PREFECT_CLIENT_MAX_RETRIES.value()))
    )
    return said


def test_a_text_is_told_once_with_little_patience(asked):
    telling.markdown("scores", key="a", description="b")
    assert asked == [("scores", 1)]
    assert PREFECT_CLIENT_MAX_RETRIES.value() > 1


def test_a_server_that_is_gone_is_asked_once_a_minute(asked, monkeypatch):
    gone = []

    def create(*_, **__):
        gone.append(1)
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(telling.artifacts, "create_table_artifact", create)
    telling.table([], key="a", description="b")
    telling.table([], key="a", description="b")
    telling.markdown("scores", key="a", description="b")
    assert (len(gone), asked) == (1, [])
    monkeypatch.setattr(telling, "_unheard", telling._unheard - 2 * telling._PAUSE_SECONDS)
    telling.markdown("scores", key="a", description="b")
    assert asked == [("scores", 1)]


def test_a_bar_that_nobody_heard_of_is_begun_again(monkeypatch):
    monkeypatch.setattr(telling, "_unheard", float("-inf"))
    monkeypatch.setattr(telling.artifacts, "create_progress_artifact", lambda *_, **__: 1 / 0)
    assert telling.new_bar(5.0, key="a", description="b") is None
