import numpy as np
import pandas as pd
import pytest

from expectations.nesting import ExpectDistinctNames, ExpectNoStrayParents, ExpectOneParent
from expectations.panel_view import PanelView
from expectations.validation import validate
from hierforecast.settings import parse_company

PARENT = {"Texas": "South", "Utah": "West", "Ohio": "Mid", "Iowa": "Mid", "Maine": "North"}
LEVELS = ("region", "state", "brand")
PLACE = {"levels": list(LEVELS), "period": "week", "frequency": "week"}


@pytest.fixture
def nested() -> pd.DataFrame:
    """Five states in four regions, four brands sold everywhere, 100 weeks."""
    weeks = pd.date_range("2024-01-01", periods=100, freq="W-MON")
    table = pd.MultiIndex.from_product([PARENT, list("ABCD"), weeks], names=["state", "brand", "week"]).to_frame(index=False)
    return table.assign(region=table["state"].map(PARENT), units=10.0)


def view_of(frame: pd.DataFrame) -> PanelView:
    return PanelView(frame, LEVELS, "week", "week")


def one_parent(frame: pd.DataFrame, nested=("region", "state")):
    return ExpectOneParent(nested=list(nested), **PLACE).find(view_of(frame))


def stray(frame: pd.DataFrame, nested=()):
    return ExpectNoStrayParents(nested=list(nested), **PLACE).find(view_of(frame))


def test_nested_levels_hold_and_crossed_ones_declared_nested_do_not(nested):
    assert one_parent(nested).count == 0
    crossed = one_parent(nested, ("state", "brand"))
    assert crossed.count == 4 * 4 * 100  # each brand keeps its first state
    assert "take the levels out of checks.nested" in crossed.found


def test_a_row_below_a_second_parent_is_named(nested):
    nested.loc[7, "region"] = "North"
    found = one_parent(nested)
    assert found.count == 1
    assert "state Texas is in region South in 399 rows and in North in 1" in found.found
    assert found.keys == ("region=North, state=Texas, brand=A, week=2024-02-19",)


def test_all_pairs_of_a_chain_are_judged(nested):
    nested["brand"] = nested["state"] + nested["brand"]
    assert one_parent(nested, LEVELS).count == 0
    nested.loc[3, "brand"] = "UtahA"
    assert "brand UtahA is in state Utah in 100 rows and in Texas in 1" in one_parent(nested, LEVELS).found


def test_a_few_rows_below_another_parent_are_a_slip_without_any_declaration(nested):
    assert stray(nested).count == 0
    nested.loc[[7, 8], "region"] = "North"
    assert "state Texas is in region South in 398 rows and in North in 2: a slip?" in stray(nested).found
    assert stray(nested, [["region", "state"]]).count == 0  # judged by the other check


def test_levels_that_cross_are_left_alone(nested):
    moved = nested.assign(
        region=nested["region"].where(nested["week"] < "2025-06-01", nested["region"].replace("South", "West"))
    )
    assert one_parent(moved).count > 0
    assert stray(moved).count == 0


@pytest.mark.parametrize(
    ("names", "alike"),
    [
        (["North", "north"], True),
        (["North", " North "], True),
        (["Rhône  Alpes", "Rhone Alpes"], True),
        (["New York", "New\u00a0York"], True),
        (["North", "Norths"], False),
        (["5 m²", "5 m2"], False),
        (["は", "ば"], False),
        (["й", "и"], False),
        ([1, 10], False),
    ],
)
def test_names_that_differ_by_writing_alone_are_found(names, alike):
    frame = pd.DataFrame({"region": names, "week": pd.Timestamp("2024-01-01")})
    place = {"levels": ["region"], "period": "week", "frequency": "week"}
    found = ExpectDistinctNames(**place).find(PanelView(frame, ("region",), "week", "week"))
    assert (found.count == 1) == alike
    if alike:
        assert repr(str(names[0])) in found.found
        assert repr(str(names[1])) in found.found


def test_a_declared_nesting_stops_and_undeclared_slips_warn(nested):
    sales = {"target": "units", "levels": list(LEVELS), "gaps": "allow"}
    declared = parse_company({"company": "x", "sales": {**sales, "checks": {"nested": [["region", "state"]]}}}).sales
    plain = parse_company({"company": "x", "sales": sales}).sales
    nested["units"] = np.random.default_rng(1).poisson(50, len(nested)) + 1.0
    nested.loc[7, "region"] = "North"
    nested.loc[9, "brand"] = "a"
    stopped, warned = validate(nested, declared, name="x"), validate(nested, plain, name="x")
    assert [(result.check, result.column) for result in stopped.failures] == [("nested", "region > state")]
    assert warned.passed
    assert {"stray_parents", "alike_names"} <= {result.check for result in warned.warnings}
