import numpy as np
import pandas as pd
import pytest

from expectations.history.profile import Profile, profile_of
from expectations.history.suite import champion_checks
from expectations.panel_view import PanelView, key_levels
from expectations.validation import validate
from hierforecast import synthetic
from hierforecast.settings import parse_company, read_company
from tests.support.findings import broken

CHECKS = {"backwards": "stop", "rewritten": "warn", "row_change": "warn", "lost_nodes": "warn", "drift": "warn"}


def profile(frame: pd.DataFrame, panel) -> Profile:
    return profile_of(PanelView(frame, tuple(key_levels(panel)), panel.period, panel.frequency), panel)


def against(frame, panel, earlier) -> dict:
    """The comparisons that do not hold, by check."""
    checks = champion_checks(panel, earlier)
    assert {check.check: check.severity for check in checks} == CHECKS
    return broken(checks, frame, panel)


def test_without_a_champion_nothing_is_compared(sales, sales_panel):
    found = {result.check: result for result in validate(sales, sales_panel, name="x").results if result.check in CHECKS}
    assert set(found) == set(CHECKS)
    assert all(result.status == "passed" and "no champion yet" in result.found for result in found.values())


def test_a_week_more_is_no_change_and_a_week_less_is_a_step_back(sales, sales_panel):
    earlier = profile(sales[sales["week"] < "2025-02-10"], sales_panel)
    assert against(sales, sales_panel, earlier) == {}
    found = against(sales[sales["week"] < "2025-01-27"], sales_panel, earlier)
    assert set(found) == {"backwards"}
    assert found["backwards"].keys == ("week=2025-01-20",)
    assert "trained up to 2025-02-03: a file of an earlier week?" in found["backwards"].found


def test_a_rewritten_past_is_named_by_week(sales, sales_panel):
    earlier = profile(sales, sales_panel)
    late = sales.assign(units=sales["units"] * np.where(sales["week"] == "2025-02-17", 1.01, 1.0))
    assert against(late, sales_panel, earlier) == {}
    moved = sales.assign(units=sales["units"] * np.where(sales["week"] == "2024-06-03", 1.5, 1.0))
    found = against(moved, sales_panel, earlier)
    assert set(found) == {"rewritten"}
    assert found["rewritten"].keys[0].startswith("week=2024-06-03: ")
    assert found["rewritten"].count == 1


def test_rows_and_nodes_that_went_are_told(sales, sales_panel):
    earlier = profile(sales, sales_panel)
    found = against(sales[sales["brand"] == "Alba"], sales_panel, earlier)
    assert set(found) == {"row_change", "lost_nodes", "rewritten"}
    assert found["lost_nodes"].keys == ("brand=Brio",)
    assert "2 rows per week, 4 in the champion's data (-50%)" in found["row_change"].found
    looser = sales_panel.model_copy(update={"checks": sales_panel.checks.model_copy(update={"max_row_change": 0.6})})
    assert "row_change" not in against(sales[sales["brand"] == "Alba"], looser, earlier)


def test_drivers_that_moved_are_named_with_their_index(sales, sales_panel):
    earlier = profile(sales, sales_panel)
    planted = sales.assign(promotion=1 - sales["promotion"], temperature=sales["temperature"] + 30)
    report = validate(planted, sales_panel, name="x", earlier=earlier)
    found = against(planted, sales_panel, earlier)["drift"]
    assert {key.split(":")[0] for key in found.keys} == {"promotion", "temperature"}
    assert "Kolmogorov-Smirnov" in found.found
    assert report.passed
    assert {name for name, index in report.drift.items() if index > 0.25} == {"promotion", "temperature"}
    assert report.profile == profile(planted, sales_panel)


def test_a_champion_of_another_target_or_other_levels_is_no_measure(sales, sales_panel):
    earlier = profile(sales, sales_panel)
    renamed = earlier.model_copy(update={"target": "revenue", "last": "2030-01-07"})
    assert against(sales, sales_panel, renamed) == {}
    coarser = {"target": "units", "levels": ["region"], "drivers": [{"name": "price"}]}
    panel = parse_company({"company": "x", "sales": coarser}).sales
    summed = sales.groupby(["region", "week"], as_index=False).agg({"units": lambda x: x.sum(min_count=1), "price": "mean"})
    assert "row_change" not in against(summed, panel, earlier)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_company_that_grows_by_a_week_is_never_told_of(root, seed):
    company = read_company(root / "deployments/demo.yaml")
    made = synthetic.company(seed, weeks=130)
    for frame, panel in ((made.sales, company.sales), (made.media, company.media)):
        weeks = np.sort(frame["week"].unique())
        for since in (1, 4):
            for known in (60, 78, 104, 117):
                earlier = profile(_known(frame, panel, weeks, known - since), panel)
                now = _known(frame, panel, weeks, known)
                assert against(now, panel, earlier) == {}, known


def _known(frame: pd.DataFrame, panel, weeks: np.ndarray, known: int) -> pd.DataFrame:
    """The table as it was when so many weeks were known, with as many planned ones after them."""
    shown = frame[frame["week"] <= weeks[known + 12]].copy()
    measured = [driver.name for driver in getattr(panel, "drivers", ()) if not driver.known_ahead]
    shown.loc[shown["week"] >= weeks[known], [panel.target.name, *measured]] = np.nan
    return shown


def told(frame, panel, earlier) -> dict[str, str]:
    """What each comparison says, by check."""
    view = PanelView.of(frame, panel)
    return {check.check: check.expectation.find(view).found for check in champion_checks(panel, earlier)}


def test_a_past_that_has_no_week_in_common_is_said_not_to_be_judged(sales, sales_panel):
    earlier = profile(sales[sales["week"] < "2024-06-03"], sales_panel)
    found = told(sales[sales["week"] >= "2024-06-03"], sales_panel, earlier)["rewritten"]
    assert found == "no week of the champion's data is in these: not judged"


def test_a_panel_without_a_known_target_is_not_said_to_have_no_champion(sales, sales_panel):
    found = told(sales.assign(units=np.nan), sales_panel, profile(sales, sales_panel))
    assert {check for check, words in found.items() if words == "no known target: not judged"} == set(CHECKS) - {"lost_nodes"}
