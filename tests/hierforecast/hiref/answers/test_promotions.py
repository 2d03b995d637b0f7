"""Uplift of promotions against the same rows without them."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import PanelError
from hierforecast.hiref import Driver, HiReF
from hierforecast.options import Training

LEVELS = ["state", "brand", "pack"]


def test_uplift_is_what_the_elasticity_says(model, split):
    rows = split[1]
    answer = model.promo_uplift(rows, ["price"])
    depth = np.log(rows["price"] / rows["regular"])
    expected = np.exp(depth * rows.merge(model.series_effects(), on=LEVELS)["price_y"].to_numpy())
    np.testing.assert_allclose(answer["promoted"] / answer["at_reference"], expected, rtol=1e-9)
    np.testing.assert_allclose(answer["promoted"], model.predict(rows)["forecast"], rtol=1e-12)
    np.testing.assert_allclose(answer["uplift"], answer["promoted"] - answer["at_reference"])
    np.testing.assert_allclose(answer["uplift_share"], expected - 1, rtol=1e-9)
    assert (answer["late"] == 0).all()


def test_rows_at_their_reference_have_no_uplift(model, split):
    plain = split[1].assign(price=split[1]["regular"])
    assert model.promo_uplift(plain, ["price"])["uplift"].abs().max() < 1e-9


@pytest.mark.parametrize("level", ["state", ["brand", "pack"], "total"])
def test_nodes_are_sums_of_rows(model, split, level):
    rows, nodes = (model.promo_uplift(split[1], ["price", "tv"], level=at) for at in (None, level))
    for name in ("at_reference", "promoted", "uplift", "late"):
        assert nodes[name].sum() == pytest.approx(rows[name].sum(), rel=1e-9)
    np.testing.assert_allclose(nodes["uplift_share"], nodes["uplift"] / nodes["at_reference"])


def test_the_dip_after_a_promotion_is_found():
    """People who stock up buy less the week after: half of what log units gain, they lose a week later."""
    rng = np.random.default_rng(0)
    weeks, shops = 156, [f"S{i}" for i in range(12)]
    promotion = (rng.random((len(shops), weeks)) < 0.15).astype(float)
    before = np.column_stack([np.zeros(len(shops)), promotion[:, :-1]])
    units = np.exp(4 + 0.8 * promotion - 0.4 * before + rng.normal(0, 0.1, promotion.shape))
    panel = pd.DataFrame(
        {
            "shop": np.repeat(shops, weeks),
            "week": np.tile(pd.date_range("2022-01-03", periods=weeks, freq="W-MON"), len(shops)),
            "units": units.ravel(),
            "promotion": promotion.ravel(),
        }
    )
    training = Training(seasonality=0, recent_level=False)
    model = HiReF(["shop"], [Driver("promotion", lags=(0, 1))], target="units", horizon=8, training=training).fit(panel)
    plan = panel[panel["shop"] == "S0"].tail(6)
    dates = plan["week"] + pd.Timedelta(weeks=6)
    plan = plan.assign(week=dates, promotion=[0.0, 0.0, 1.0, 0.0, 0.0, 0.0])
    answer = model.promo_uplift(plan, ["promotion"]).reset_index(drop=True)
    assert answer.loc[2, "uplift_share"] == pytest.approx(np.exp(0.8) - 1, rel=0.1)
    assert answer.loc[2, "late"] == pytest.approx(0, abs=1e-9)
    assert answer.loc[3, "uplift_share"] == pytest.approx(np.exp(-0.4) - 1, rel=0.2)
    assert answer.loc[3, "late"] == pytest.approx(answer.loc[3, "uplift"])
    assert answer.loc[[4, 5], "uplift"].abs().max() < 1e-9


def test_mistakes_are_named(model, split):
    with pytest.raises(PanelError, match="did you mean 'price'"):
        model.promo_uplift(split[1], ["prise"])
    with pytest.raises(PanelError, match="list"):
        model.promo_uplift(split[1], "price")
    with pytest.raises(PanelError, match=r"no driver \['price'\]"):
        model.promo_uplift(split[1], [["price"]])
    with pytest.raises(PanelError, match="wanted a pandas DataFrame"):
        model.promo_uplift(split[1].to_dict(), ["price"])
    with pytest.raises(PanelError, match="'regular', the reference of 'price'"):
        model.promo_uplift(split[1].drop(columns="regular"), ["price"])
