import logging

import pytest

from tasks import environment
from tests.support.quick_mix import made_sample


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder of this test's own."""
    monkeypatch.setenv("HIERFORECAST_HOME", str(tmp_path / "home"))
    return environment.home()


@pytest.fixture
def no_run(monkeypatch):
    """Task bodies called outside a run have no run logger; the library's own stands in."""
    for module in ("checks", "evaluation", "hiref", "illustration", "metric_ensemble", "precision", "scoring"):
        monkeypatch.setattr(f"tasks.{module}.get_run_logger", lambda: logging.getLogger("hierforecast"))


@pytest.fixture(scope="module")
def made_sampler():
    """Marketing mix models are fitted in a moment, by a made sampler; without TensorFlow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hierforecast.precision.model.sample", made_sample)
        yield
