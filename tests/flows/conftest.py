"""The flows' order without a process: tasks' bodies stand in, so that each branch can be walked in a moment."""

import logging

import pytest


@pytest.fixture
def quiet(monkeypatch):
    """No run, so no run logger: the library's own stands in."""
    for module in ("champion", "retrain"):
        monkeypatch.setattr(f"flows.{module}.get_run_logger", lambda: logging.getLogger("hierforecast"))
