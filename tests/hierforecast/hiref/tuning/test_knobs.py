"""Knobs turn what they say, and stand where the settings are."""

import pytest

from hierforecast.errors import SettingsError
from hierforecast.hiref.tuning.knobs import ON_REQUEST, Knob, list_knobs, stand, turn
from hierforecast.options import Training
from hierforecast.schema import SalesPanel, Target

PANEL = SalesPanel(levels=["state", "brand"], target=Target(name="units"), horizon=8)


def test_turning_to_where_the_knobs_stand_changes_nothing():
    training = Training(
        seasonality=4, season_by=["brand"], trend=True, embedding_size=2, ridge={"state": 3.0, "brand": 0.5, "bottom": 1.0}
    )
    values = stand(PANEL, training, list_knobs(PANEL, also=ON_REQUEST))
    assert turn(PANEL, training, values) == (PANEL, training)


@pytest.mark.parametrize(
    "training",
    [
        Training(season_by=["state", "brand"]),
        Training(season_by=["brand", "pack"]),
        Training(season_by=["brand", "bottom"]),
        Training(ridge={"state": 1e6, "brand": 0.001, "pack": 1.0, "bottom": 5.0}, seasonality=20, discount=0.9),
        Training(embedding_size=16),
    ],
)
def test_a_search_begins_at_the_settings_wherever_they_stand(training):
    panel = PANEL.model_copy(update={"levels": ["state", "brand", "pack"]})
    knobs = list_knobs(panel, training, also=ON_REQUEST)
    turned = turn(panel, training, stand(panel, training, knobs))[1]
    ridge = training.ridge if isinstance(training.ridge, dict) else dict.fromkeys([*panel.levels, "bottom"], 1.0)
    assert turned == training.model_copy(update={"ridge": ridge})


@pytest.mark.parametrize(("word", "levels"), [("every level", None), ("no level", []), ("brand", ["brand"])])
def test_levels_of_the_season(word, levels):
    assert turn(PANEL, Training(), {"season_by": word})[1].season_by == levels


def test_strengths_are_given_per_level():
    _, training = turn(PANEL, Training(), {"ridge.state": 2.0, "ridge.brand": 0.1, "ridge.bottom": 30.0})
    assert training.ridge == {"state": 2.0, "brand": 0.1, "bottom": 30.0}


def test_what_is_not_named_stays():
    training = Training(iterations=77, interval=0.5, seed=3)
    panel, turned = turn(PANEL, training, {"trend": True})
    assert panel == PANEL
    assert turned == training.model_copy(update={"trend": True})


def test_what_changes_the_meaning_is_turned_only_on_request():
    names = {knob.name for knob in list_knobs(PANEL)}
    assert not names & set(ON_REQUEST)
    assert {"link", "statistic"} <= {knob.name for knob in list_knobs(PANEL, also=("link", "statistic"))}
    assert turn(PANEL, Training(), {"statistic": "median"})[0].statistic == "median"
    with pytest.raises(SettingsError, match="cannot tune 'links' on request; did you mean 'link'"):
        list_knobs(PANEL, also=("links",))


def test_every_end_of_every_knob_is_legal():
    for knob in list_knobs(PANEL, also=ON_REQUEST):
        for value in _ends(knob):
            turn(PANEL, Training(), {knob.name: value})


def _ends(knob: Knob) -> tuple:
    return knob.choices or ((int(knob.low), int(knob.high)) if knob.whole else (knob.low, knob.high))


def test_settings_beyond_the_knobs_stand_at_their_bounds():
    values = stand(PANEL, Training(ridge=1e6, seasonality=20), list_knobs(PANEL))
    assert values["ridge.state"] == 100.0
    assert values["seasonality"] == 6


def test_strengths_of_column_groups_stay_beside_the_tuned_default():
    training = Training(ridge={"state": {"season": 9.0, "default": 2.0}, "brand": 1.0, "bottom": 1.0})
    knobs = list_knobs(PANEL)
    assert turn(PANEL, training, {"ridge.state": 5.0, "ridge.brand": 3.0, "ridge.bottom": 1.0})[1].ridge == {
        "state": {"season": 9.0, "default": 5.0},
        "brand": 3.0,
        "bottom": 1.0,
    }
    assert turn(PANEL, training, stand(PANEL, training, knobs))[1].ridge == training.ridge
