import logging

import pytest

from hierforecast.options import Sampling
from tasks import telling
from tasks.progress import UPDATES, SamplingProgress

SAMPLING = Sampling(warmup=200, draws=300, steps_per_draw=2)


@pytest.fixture
def requests(monkeypatch):
    """What Prefect's server would be asked."""
    asked = []
    monkeypatch.setattr(telling, "new_bar", lambda percent, **_: asked.append(percent) or "bar")
    monkeypatch.setattr(telling, "move_bar", lambda _, percent: asked.append(percent))
    return asked


def run(tell):
    for done in range(1, 201):
        tell("warm-up", done, 200)
    for done in range(1, 301):
        tell("draws", done, 300)


def made():
    return SamplingProgress(SAMPLING, logging.getLogger("test"), key="tiny-precision-sampling", description="tiny")


def test_the_bar_goes_up_to_the_end_in_few_requests(requests):
    run(made())
    assert requests == sorted(requests)
    assert requests[-1] == 100.0
    assert 10 < len(requests) <= UPDATES + 1


def test_warm_up_counts_by_its_steps():
    assert made().share("warm-up", 200) == pytest.approx(200 / 800)
    assert made().share("draws", 150) == pytest.approx(500 / 800)


def test_every_quarter_is_told_once(requests, caplog):
    with caplog.at_level(logging.INFO, logger="test"):
        run(made())
    assert [record.message for record in caplog.records if "warm-up" in record.message] == [
        f"warm-up: {done} of 200 steps" for done in (50, 100, 150, 200)
    ]
