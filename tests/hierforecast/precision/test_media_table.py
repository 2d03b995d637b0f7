import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import PanelError
from hierforecast.precision.media_table import MIN_OBSERVED, Columns, follows, observed_weeks, read_media_table
from hierforecast.precision.scaling import learn_scaling

COLUMNS = Columns("week", "week", "revenue", ("tv", "web"), ("price",))


@pytest.fixture
def panel():
    rng = np.random.default_rng(0)
    weeks = pd.date_range("2024-01-01", periods=30, freq="7D")
    values = {name: rng.gamma(2.0, size=30) for name in ("revenue", "tv", "web", "price")}
    return pd.DataFrame({"week": weeks, **values})


def read(panel, **changes):
    return read_media_table(panel, COLUMNS, needs_target=True, **changes)


def test_rows_are_sorted_and_columns_keep_their_order(panel):
    table = read(panel.sample(frac=1, random_state=0))
    np.testing.assert_array_equal(table.media, panel[["tv", "web"]].to_numpy().T)
    np.testing.assert_array_equal(table.target, panel["revenue"])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda p: p.drop(columns="web"), "no column 'web'"),
        (lambda p: p.drop(index=7), "2024-02-12 is followed by 2024-02-26; add the missing rows"),
        (lambda p: pd.concat([p, p.iloc[[3]]]), "drop the double one"),
        (lambda p: p.assign(tv=-p["tv"]), "media column 'tv' is -.* in 2024-01-01"),
        (lambda p: p.assign(web=p["web"].where(p.index != 4)), "'web' is empty or infinite in 1 rows"),
        (lambda p: p.assign(price="cheap"), "'price' must be numeric"),
        (lambda p: p.assign(week="never"), "'week' must hold dates"),
        (lambda p: p.assign(revenue=np.inf), "'revenue' is empty or infinite in 30 rows"),
        (lambda p: p.iloc[:0], "no rows"),
    ],
)
def test_what_is_wrong_is_named(panel, spoil, message):
    with pytest.raises(PanelError, match=message):
        read(spoil(panel))


@pytest.mark.parametrize(("frequency", "step"), [("day", "D"), ("week", "7D"), ("month", "MS")])
def test_frequencies_know_their_steps(panel, frequency, step):
    weeks = pd.date_range("2024-01-01", periods=30, freq=step)
    columns = Columns("week", frequency, "revenue", ("tv", "web"), ())
    assert len(read_media_table(panel.assign(week=weeks), columns, needs_target=True).periods) == 30
    assert follows(weeks[3], weeks[4], frequency)
    assert not follows(weeks[3], weeks[5], frequency)


def test_the_mask_is_the_known_target_unless_given(panel):
    panel.loc[25:, "revenue"] = np.nan
    table = read(panel)
    assert observed_weeks(table, None).sum() == 25
    mask = np.arange(30) < 22
    np.testing.assert_array_equal(observed_weeks(table, mask), mask)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones(30, bool), "observed includes 2024-06-24, whose target is empty"),
        (np.ones(29, bool), "one per row"),
        (np.ones(30), "must be bool"),
        (np.arange(30) < MIN_OBSERVED - 1, "only 19 periods"),
    ],
)
def test_impossible_masks_are_refused(panel, mask, message):
    panel.loc[25:, "revenue"] = np.nan
    with pytest.raises(PanelError, match=message):
        observed_weeks(read(panel), mask)


def test_a_constant_target_has_nothing_to_explain(panel):
    with pytest.raises(PanelError, match="nothing to explain"):
        observed_weeks(read(panel.assign(revenue=5.0)), None)


def test_scales_come_from_the_observed_weeks_and_silent_media_are_refused(panel):
    observed = np.arange(30) < 20
    panel.loc[:19, "web"] = 0.0
    scaling = learn_scaling(read(panel), observed, ("tv", "web"))
    assert scaling.media[0] == pytest.approx(panel["tv"][:20].mean())
    assert scaling.media[1] == pytest.approx(panel["web"][20:].mean())  # only on air later: the scale must come from there
    assert scaling.target_in(read(panel).target, observed)[:20].std() == pytest.approx(1)
    with pytest.raises(PanelError, match="tactical 'web' has no exposure"):
        learn_scaling(read(panel.assign(web=0.0)), observed, ("tv", "web"))
