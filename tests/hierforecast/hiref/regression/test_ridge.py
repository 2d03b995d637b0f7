"""Strengths are what the settings say of a level and a group, and what they do not name is the usual one."""

import numpy as np
import pytest

from hierforecast.errors import SettingsError
from hierforecast.hiref.regression.effects import Columns
from hierforecast.hiref.regression.ridge import strengths_of
from hierforecast.options import Training

COLUMNS = Columns(("season_cos_1", "price"), np.array([0.0, -1.0]), ((), ("brand",)), ("season", "price"))
LEVELS = ("state", "brand")


def test_one_number_is_meant_everywhere():
    strengths = strengths_of(Training(ridge=3.0), COLUMNS, LEVELS)
    assert (strengths.nodes == 3).all()
    assert (strengths.columns == 3).all()
    assert strengths.columns.shape == (2, 3)
    assert strengths.own.tolist() == [3, 3, 3]


def test_levels_and_groups_are_named_one_by_one():
    ridge = {"brand": {"season": 9.0, "default": 2.0}, "bottom": {"baseline": 0.5, "price": 20.0}}
    strengths = strengths_of(Training(ridge=ridge), COLUMNS, LEVELS)
    assert strengths.columns.tolist() == [[1, 1, 1], [2, 9, 2]]
    assert strengths.nodes.tolist() == [1, 2]
    assert strengths.own.tolist() == [0.5, 1, 20]


def test_an_unknown_group_is_told_with_the_nearest():
    with pytest.raises(SettingsError, match=r"'brand'.*'prise'.*'price'"):
        strengths_of(Training(ridge={"brand": {"prise": 1.0}}), COLUMNS, LEVELS)


def test_an_open_choice_is_no_strength():
    with pytest.raises(SettingsError, match="chosen"):
        strengths_of(Training(ridge="auto"), COLUMNS, LEVELS)
