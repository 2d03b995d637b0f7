import numpy as np
import pandas as pd
import pytest

from expectations.history.other_scale import ExpectSameScale, find_change
from expectations.panel_view import PanelView
from expectations.validation import validate

LEVELS = ("region",)
WEEKS = 120


def spend(seed: int, *, regions: int = 4, flights: float = 0.5) -> pd.DataFrame:
    """Spend that comes in flights, ten regions of different size, growing by a half in all."""
    rng = np.random.default_rng(seed)
    weeks = pd.date_range("2023-01-02", periods=WEEKS, freq="W-MON")
    table = pd.MultiIndex.from_product([[f"R{n}" for n in range(regions)], weeks], names=["region", "week"]).to_frame(
        index=False
    )
    size = 10.0 * 3.0 ** table["region"].str[1:].astype(int)
    growth = 1 + 0.5 * table.groupby("region").cumcount() / WEEKS
    on = rng.random(len(table)) < flights
    return table.assign(tv=np.where(on, size * growth * np.exp(rng.normal(0, 0.5, len(table))), 0.0), units=5.0)


def change_of(table: pd.DataFrame, gap: float = 5.0):
    return find_change(PanelView(table, LEVELS, "week", "week"), "tv", gap)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("factor", [150.0, 1 / 150])
@pytest.mark.parametrize("last", [40, 10])
def test_another_currency_is_found_at_the_first_value_in_it(seed, factor, last):
    table = spend(seed)
    late = table["week"] >= table["week"].unique()[WEEKS - last]
    found = change_of(table.assign(tv=table["tv"].where(~late, table["tv"] * factor)))
    assert found is not None
    assert 1 / 3 < found.factor / factor < 3
    assert found.series >= found.judged - 1
    assert late.iloc[found.rows].all()


@pytest.mark.parametrize("seed", range(20))
def test_flights_that_grow_are_on_one_scale(seed):
    assert change_of(spend(seed, flights=0.2)) is None
    assert change_of(spend(seed, flights=1.0)) is None


def test_a_test_phase_with_little_money_is_no_change():
    table = spend(1, flights=1.0)
    week = table.groupby("region").cumcount()
    assert change_of(table.assign(tv=table["tv"].where(week >= 7, table["tv"] / 200))) is None


def test_one_region_in_another_currency_is_not_most_of_them():
    table = spend(2)
    late = (table["region"] == "R1") & (table["week"] >= "2024-06-03")
    assert change_of(table.assign(tv=table["tv"].where(~late, table["tv"] * 150))) is None


def test_a_level_five_times_as_high_is_no_other_scale():
    table = spend(3, flights=1.0)
    late = table["week"] >= "2024-06-03"
    assert change_of(table.assign(tv=table["tv"].where(~late, table["tv"] * 5))) is None


def test_nothing_spent_and_negative_corrections_are_not_judged():
    table = spend(4)
    assert change_of(table.assign(tv=0.0)) is None
    assert change_of(table.assign(tv=-table["tv"])) is None


def test_it_stops_and_says_how_to_let_it_pass(media, media_panel):
    late = media["week"] >= media["week"].iloc[80]
    changed = media.assign(brand_impressions=media["brand_impressions"].where(~late, media["brand_impressions"] * 1000))
    report = validate(changed, media_panel, name="media")
    scale = next(result for result in report.failures if result.check == "scale_change")
    assert "'brand_impressions' is" in scale.found
    assert "set checks.severity: {scale_change: warn}" in scale.found
    assert scale.keys == (f"week={media['week'].iloc[80].date()} (brand_impressions)",)
    soft = media_panel.model_copy(
        update={"checks": media_panel.checks.model_copy(update={"severity": {"scale_change": "warn"}})}
    )
    assert "scale_change" in {result.check for result in validate(changed, soft, name="media").warnings}


def test_a_million_rows_of_one_series_or_of_many_give_the_same_answer_as_one_by_one():
    table = spend(6, regions=6)
    late = table["week"] >= "2024-09-02"
    table = table.assign(tv=table["tv"].where(~late, table["tv"] * 1000))
    together = change_of(table)
    alone = [change_of(part.reset_index(drop=True)) for _, part in table.groupby("region")]
    assert together.series == sum(one is not None for one in alone) == 6


def test_the_expectation_names_column_and_week():
    table = spend(7)
    late = table["week"] >= "2024-09-02"
    changed = table.assign(tv=table["tv"].where(~late, table["tv"] * 1000))
    place = {"levels": list(LEVELS), "period": "week", "frequency": "week"}
    found = ExpectSameScale(columns=["tv"], gap=5.0, **place).find(PanelView(changed, LEVELS, "week", "week"))
    assert found.count == 1
    assert found.found.startswith("'tv' is ")
