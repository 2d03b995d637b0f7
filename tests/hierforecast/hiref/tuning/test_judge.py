"""A judge says what fitting and forecasting say, reads once, and never looks at the last horizon."""

import numpy as np
import pytest

from hierforecast import splits
from hierforecast.errors import PanelError
from hierforecast.hiref import HiReF
from hierforecast.hiref.tuning import judge as judging
from hierforecast.hiref.tuning.judge import Judge
from hierforecast.metrics import wape
from hierforecast.options import Training

TRAINING = Training(seasonality=1, embedding_size=2, origins=1)


@pytest.fixture(scope="module")
def panel(market):
    return market.panel[market.panel["state"].isin(["S0", "S1"])]


@pytest.fixture
def settings(new_model):
    return new_model().panel


def test_errors_are_those_of_a_fit_before_and_a_forecast_after(panel, settings):
    errors = list(Judge(panel, settings, origins=2).errors(settings, TRAINING))
    seen = splits.last_weeks(panel, settings.horizon).train
    for error in errors:
        train, test = splits.last_weeks(seen, settings.horizon)
        forecast = HiReF.from_panel_settings(settings, TRAINING).fit(train).predict(test)
        assert error == pytest.approx(wape(test["units"].to_numpy(), forecast["forecast"].to_numpy()), rel=1e-9)
        seen = train


def test_the_last_horizon_is_not_seen(panel, settings):
    last = panel["week"] > panel["week"].max() - np.timedelta64(7 * settings.horizon, "D")
    spoiled = panel.assign(units=panel["units"].where(~last, 1e6))
    assert next(Judge(panel, settings, origins=1).errors(settings, TRAINING)) == next(
        Judge(spoiled, settings, origins=1).errors(settings, TRAINING)
    )


def test_strengths_and_sizes_share_one_reading(panel, settings, monkeypatch):
    reads = []
    read = judging.from_panel
    monkeypatch.setattr(judging, "from_panel", lambda *given: reads.append(1) or read(*given))
    judge = Judge(panel, settings, origins=2)
    unread = ({"ridge": 5.0}, {"embedding_size": 3}, {"season_by": []}, {"recent_level": False}, {"discount": 0.99})
    for changed in (*unread, {"loss": "poisson"}):
        list(judge.errors(settings, TRAINING.model_copy(update=changed)))
    assert len(reads) == 2
    list(judge.errors(settings, TRAINING.model_copy(update={"seasonality": 2})))
    assert len(reads) == 4


def test_a_later_trial_is_judged_as_if_it_were_the_first(panel, settings):
    """It begins where the first one ended, which may save time and must not change what is found by much."""
    other = TRAINING.model_copy(update={"ridge": 20.0})
    judge = Judge(panel, settings, origins=1)
    list(judge.errors(settings, TRAINING))
    alone = next(Judge(panel, settings, origins=1).errors(settings, other))
    assert next(judge.errors(settings, other)) == pytest.approx(alone, rel=0.01)


@pytest.mark.parametrize("changed", [{"discount": 0.97}, {"loss": "poisson"}, {"season_by": ["brand"]}])
def test_what_shares_a_reading_is_still_judged_by_its_own_settings(panel, settings, changed):
    training = TRAINING.model_copy(update={"embedding_size": "full", **changed})  # convex: one minimum
    judge = Judge(panel, settings, origins=1)
    list(judge.errors(settings, TRAINING.model_copy(update={"embedding_size": "full"})))
    alone = next(Judge(panel, settings, origins=1).errors(settings, training))
    assert next(judge.errors(settings, training)) == pytest.approx(alone, rel=3e-3)


def test_nothing_is_fitted_before_it_is_asked_for(panel, settings, monkeypatch):
    judge = Judge(panel, settings, origins=2)
    fits = []
    fit = judging.HiReF.fit_prepared
    monkeypatch.setattr(judging.HiReF, "fit_prepared", lambda *given, **named: fits.append(1) or fit(*given, **named))
    next(judge.errors(settings, TRAINING))
    assert len(fits) == 1


def test_too_many_origins_are_told(panel, settings):
    with pytest.raises(PanelError, match="ask for fewer origins"):
        Judge(panel, settings, origins=10)
