import numpy as np
import pandas as pd
import pytest

from hierforecast import synthetic
from hierforecast.errors import PanelError
from hierforecast.settings import read_company
from hierforecast.synthetic.sales import LEVELS


@pytest.fixture(scope="module")
def made():
    return synthetic.company(seed=3)


def test_same_seed_same_company(made):
    again = synthetic.company(seed=3)
    pd.testing.assert_frame_equal(again.sales, made.sales)
    pd.testing.assert_frame_equal(again.media, made.media)
    assert not synthetic.company(seed=4).sales["units"].equals(made.sales["units"])


def test_it_is_what_the_demo_declares(made, root):
    company = read_company(root / "deployments/demo.yaml")
    assert set(company.sales.columns) <= set(made.sales.columns)
    assert set(company.media.columns) <= set(made.media.columns)
    assert company.media.tree == synthetic.media.TREE
    assert company.media.tacticals == made.truth.decay["tactical"].tolist()
    assert not made.sales.duplicated([*LEVELS, "week"]).any()


def test_targets_are_unknown_in_the_plan_only(made):
    for table, target in ((made.sales, "units"), (made.media, "revenue")):
        known = table.loc[table[target].notna(), "week"]
        planned = table.loc[table[target].isna(), "week"]
        assert known.max() < planned.min()
        assert planned.nunique() == synthetic.PLANNED_WEEKS


def test_truth_explains_sales_up_to_noise(made):
    known = made.sales["units"].notna()
    explained = np.exp(made.truth.sales.parts.sum(axis=1))[known]
    error = np.log(made.sales["units"][known] / explained)
    assert error.std() == pytest.approx(0.12, abs=0.01)
    assert (made.truth.elasticities["elasticity"] < 0).all()


def test_truth_explains_revenue_up_to_noise(made):
    parts = made.truth.media.contributions
    known = made.media["revenue"].notna()
    error = (made.media["revenue"] - parts.drop(columns="week").sum(axis=1))[known]
    assert error.std() == pytest.approx(18, rel=0.2)
    assert (parts.drop(columns=["week", "baseline"]) >= 0).all().all()


def test_length_is_as_asked():
    made = synthetic.company(seed=1, weeks=70, planned=4)
    assert made.media["revenue"].notna().sum() == 70
    assert len(made.media) == 74


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"seed": -1}, "seed of 0 or more, got -1"),
        ({"seed": 1, "weeks": 0}, "60 to 1040 weeks with a known target, got 0"),
        ({"seed": 1, "weeks": 59}, "got 59"),
        ({"seed": 1, "weeks": 100_000}, "got 100000"),
        ({"seed": 1, "planned": -1}, "0 to 1040 planned weeks, got -1"),
    ],
)
def test_what_cannot_be_made_is_told(options, told):
    with pytest.raises(PanelError, match=told):
        synthetic.company(**options)
