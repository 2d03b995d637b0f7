import numpy as np
import pytest

from expectations.media_panel import content_checks
from expectations.panel_view import PanelView
from tests.support.findings import broken

COSTS = {"unseen_spend", "unpaid_exposure", "exposure_cost"}


def warned(media, panel) -> dict:
    found = broken(content_checks(panel), media, panel)
    costs = {check: result for check, result in found.items() if check in COSTS}
    assert {result.severity for result in costs.values()} <= {"warn"}
    return costs


def test_clean_media_are_not_warned_of(media, media_panel):
    assert warned(media, media_panel) == {}


def test_weeks_with_money_and_no_exposure_are_named(media, media_panel):
    media.loc[[10, 40], "brand_impressions"] = 0.0
    found = warned(media, media_panel)
    assert set(found) == {"unseen_spend"}
    assert found["unseen_spend"].keys == ("week=2023-03-13 (brand)", "week=2023-10-09 (brand)")


def test_weeks_with_exposure_and_no_money_are_named(media, media_panel):
    media.loc[10, "brand_spend"] = 0.0
    found = warned(media, media_panel)
    assert set(found) == {"unpaid_exposure"}
    assert found["unpaid_exposure"].keys == ("week=2023-03-13 (brand)",)


@pytest.mark.parametrize("factor", [1000.0, 0.001, 8.0])
def test_a_cost_that_jumps_is_named(media, media_panel, factor):
    media.loc[100:, "brand_spend"] *= factor
    found = warned(media, media_panel)
    assert "exposure_cost" in found
    assert found["exposure_cost"].count == 24
    assert found["exposure_cost"].keys[0].startswith("week=2024-12-02 (brand): ")


def test_free_media_other_billing_days_rests_and_scattered_prices_are_none(media, media_panel):
    rng = np.random.default_rng(1)
    free = media.assign(brand_spend=0.0)
    billed = media.assign(brand_spend=np.where(media.index % 4 == 0, 4.0, 0.0))
    rest = media.assign(brand_impressions=np.where(media.index == 10, 0.2, media["brand_impressions"]))
    rest.loc[10, "brand_spend"] = 0.0
    scattered = media.assign(brand_spend=media["brand_impressions"] * np.exp(rng.normal(0, 1.0, len(media))))
    for frame in (free, billed, rest, scattered):
        assert warned(frame, media_panel) == {}


def together(media, panel, check: str):
    """What a check of spend beside exposure says."""
    (expectation,) = (each.expectation for each in content_checks(panel) if each.check == check)
    return expectation.find(PanelView.of(media, panel))


def test_money_without_exposure_in_a_third_of_the_weeks_is_named(media, media_panel):
    media.loc[media.index % 3 == 0, "brand_impressions"] = 0.0
    found = together(media, media_panel, "unseen_spend")
    assert found.found.startswith("spend without exposure: brand in 42 weeks. ")
    assert found.count == 42


def test_what_is_counted_otherwise_is_left_out_by_name(media, media_panel):
    media.loc[media.index % 4 != 0, "brand_spend"] = 0.0
    found = together(media, media_panel, "unpaid_exposure")
    assert found.found == (
        "2 tacticals, none with exposure and without spend. Too often without spend to be judged: brand (93 of 124 weeks)"
    )
    media.loc[media.index % 4 != 1, "generic_impressions"] = 0.0
    found = together(media, media_panel, "unseen_spend")
    assert found.count == 0
    assert found.found.endswith("Too often without exposure to be judged: generic (93 of 124 weeks)")


def test_tacticals_that_cost_nothing_are_not_counted_as_paid(media, media_panel):
    media["brand_spend"] = 0.0
    assert together(media, media_panel, "spend_shows").found == "2 tacticals with spend, each with exposure"
    media[["spot_spend", "generic_spend"]] = 0.0
    assert together(media, media_panel, "spend_shows").found == "no tactical has spend"
