"""A company's turn: held while the block runs, and begun by sweeping."""

import logging

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from hierforecast.errors import BusyError
from tasks import environment, locks, turns


@pytest.fixture(autouse=True)
def nobody_else(home):
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        yield


def test_nobody_else_has_a_turn_meanwhile(monkeypatch, caplog):
    monkeypatch.setenv(environment.PATIENCE_VARIABLE, "0")
    with turns.one_at_a_time("acme", "train-hiref"):
        assert locks._read(locks.lock_path("acme")).flow == "train-hiref"
        with pytest.raises(BusyError, match="it is train-hiref"), turns.one_at_a_time("acme", "tune-hiref"):
            pass
        with turns.one_at_a_time("other", "tune-hiref"):
            pass
    with turns.one_at_a_time("acme", "tune-hiref"):
        pass


def test_a_turn_ends_with_an_error_of_its_work():
    with pytest.raises(ZeroDivisionError), turns.one_at_a_time("acme", "train-hiref"):
        1 / 0  # noqa: B018
    with turns.one_at_a_time("acme", "train-hiref"):
        pass


def test_what_died_is_swept_in_ones_own_turn(home, monkeypatch, caplog):
    left = home.work / "acme" / ".model.anywhere-1-00000000.tmp"
    left.mkdir(parents=True)
    monkeypatch.setattr("tasks.sweeping.WEEK", -1.0)
    with caplog.at_level(logging.INFO, logger="hierforecast"), turns.one_at_a_time("acme", "train-hiref"):
        assert not left.exists()
    assert "swept what runs that died had left: work/acme/.model.anywhere-1-00000000.tmp" in caplog.text
