"""Settings that the engines cannot honour together are refused before any work, with a cure."""

import pytest

from hierforecast.driver import Adstock, Saturation
from hierforecast.errors import SettingsError
from hierforecast.hiref import Driver, HiReF
from hierforecast.options import Training

ROWS = Training(engine="rows")


def make(training: Training, *, link: str = "log", driver: Driver | None = None) -> HiReF:
    return HiReF(["brand"], [driver] if driver else [], target="units", link=link, training=training)


@pytest.mark.parametrize("loss", ["tweedie", "huber", "quantile"])
def test_moments_do_not_hold_every_loss(loss):
    with pytest.raises(SettingsError, match=r"training\.engine to 'rows'"):
        make(Training(loss=loss))
    make(Training(loss=loss, engine="rows"))


def test_what_rows_do_not_have_is_refused():
    with pytest.raises(SettingsError, match="tweedie_power"):
        make(Training(loss="gamma", engine="rows"))
    with pytest.raises(SettingsError, match="on moments only"):
        make(ROWS, link="mixed")


@pytest.mark.parametrize("loss", ["poisson", "tweedie"])
def test_a_loss_on_units_needs_the_log_link(loss):
    with pytest.raises(SettingsError, match="set link to 'log'"):
        make(Training(loss=loss, engine="rows"), link="identity")


@pytest.mark.parametrize(
    "driver", [Driver("tv", adstock=Adstock(learned=True)), Driver("tv", saturation=Saturation("hill", learned=True))]
)
def test_a_learned_curve_needs_rows(driver):
    with pytest.raises(SettingsError, match=r"driver 'tv'.*training\.engine to 'rows'"):
        make(Training(), driver=driver)
    make(ROWS, driver=driver)


def test_a_learned_curve_has_no_lags_beside_it():
    with pytest.raises(SettingsError, match="leave lags out"):
        make(ROWS, driver=Driver("tv", adstock=Adstock(learned=True), lags=(0, 1)))


def test_a_checkpoint_of_moments_is_refused(split, new_model, tmp_path):
    with pytest.raises(SettingsError, match="engine 'rows'"):
        new_model().fit(split[0], checkpoint=tmp_path)
