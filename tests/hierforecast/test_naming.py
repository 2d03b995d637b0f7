import pytest

from dashboard.frames import OTHER
from hierforecast import naming, results
from hierforecast.hierarchy import BOTTOM, TOTAL
from hierforecast.precision import controls, summaries


def test_the_rooms_that_make_the_tables_use_reserved_names():
    assert {OTHER, BOTTOM, TOTAL} <= naming.RESERVED_IN_SALES
    assert {controls.TREND, controls.SEASON, summaries.CONTROL, TOTAL} <= naming.RESERVED_IN_MEDIA
    assert {*results.FORECASTS.columns, *results.ELASTICITIES.columns} <= naming.RESERVED_IN_SALES


def test_everyday_names_are_free():
    everyday = {"region", "state", "brand", "pack", "channel", "week", "date", "price", "temperature", "coverage", "units"}
    assert not everyday & naming.RESERVED_IN_SALES
    assert not {"tactical", "platform", "channel", "holiday", "price_index"} & naming.RESERVED_MEDIA_LEVELS


@pytest.mark.parametrize("pattern", ["{tactical}_spend", "{metric}: {tactical}", "clicks", "{{{tactical}}}"])
def test_plain_patterns_pass_and_can_be_filled(pattern):
    assert naming.check_pattern(pattern).format(tactical="a", metric="b")


@pytest.mark.parametrize("pattern", ["{tactical", "tactical}", "{tactical}}", "{tactical!"])
def test_braces_must_match(pattern):
    with pytest.raises(ValueError, match="braces"):
        naming.check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["{}", "{0}", "{channel}", "{tactical.upper}", "{tactical[0]}", "{tactical!r}", "{tactical:>9}", "{tactical:{metric}}"],
)
def test_fields_are_plain_and_known(pattern):
    with pytest.raises(ValueError, match="unknown or not plain"):
        naming.check_pattern(pattern)


@pytest.mark.parametrize(("pattern", "apart"), [("{tactical}_x", True), ("x_{metric}", False), ("{{tactical}}", False)])
def test_escaped_braces_tell_nothing_apart(pattern, apart):
    assert naming.tells_tacticals_apart(pattern) is apart
