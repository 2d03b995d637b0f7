import logging

import pytest

from tasks import environment


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder of this test's own."""
    monkeypatch.setenv("HIERFORECAST_HOME", str(tmp_path / "home"))
    return environment.home()


@pytest.fixture
def no_run(monkeypatch):
    """Task bodies called outside a run have no run logger; the library's own stands in."""
    for module in ("checks", "evaluation", "hiref", "illustration", "precision", "scoring"):
        monkeypatch.setattr(f"tasks.{module}.get_run_logger", lambda: logging.getLogger("hierforecast"))
