"""What-ifs: no impossible answer to an impossible question, totals that add up, intervals about the change."""

import numpy as np
import pytest

from hierforecast.errors import PanelError, SettingsError

LEVELS = ["state", "brand", "pack"]


@pytest.mark.parametrize("price", [1e-12, 0.01, 50.0, 1e6, 1e12])
def test_no_price_brings_impossible_units(model, market, split, price):
    """The original answered 488,645 units to an impossible price."""
    answer = model.simulate(split[1], price=price)
    assert (answer["outside"] == "price").all()
    most = market.panel.groupby(LEVELS)["units"].max().rename("most")
    answer = answer.join(most, on=LEVELS)
    assert np.isfinite(answer["what_if"]).all()
    assert (answer["what_if"] <= 10 * answer["most"]).all()
    assert (answer["what_if"] >= 0).all()


@pytest.mark.parametrize("price", [0.0, -1.0, lambda p: -p, lambda p: p * 0])
def test_prices_that_have_no_log_are_refused(model, split, price):
    with pytest.raises(PanelError, match="'price' is read through a log and cannot be"):
        model.simulate(split[1], price=price)


@pytest.mark.parametrize("price", [np.nan, np.inf, lambda p: p / 0])
def test_changes_to_nothing_are_refused(model, split, price):
    with pytest.raises(PanelError, match="'price'"):
        model.simulate(split[1], price=price)


def test_a_change_to_words_is_refused(model, split):
    with pytest.raises(PanelError, match="must be numbers"):
        model.simulate(split[1], price="cheap")


def test_totals_are_sums_of_rows_and_name_what_is_outside_anywhere(model, split):
    rows = split[1]
    changed = model.simulate(rows, price=lambda p: p.where(rows["state"] != "S0", 0.001), interval=0.9)
    total = model.simulate(rows, price=lambda p: p.where(rows["state"] != "S0", 0.001), level="state", interval=0.9)
    for name in ("forecast", "what_if", "change", "change_lower", "change_upper"):
        np.testing.assert_allclose(total[name].sum(), changed[name].sum(), rtol=1e-9)
    assert total.groupby("state")["outside"].unique().map(list).to_dict()["S0"] == ["price"]
    assert (total.loc[total["state"] != "S0", "outside"] == "").all()


def test_the_interval_holds_the_change_and_is_nothing_where_nothing_changes(model, split):
    answer = model.simulate(split[1], price=lambda p: 0.95 * p, interval=0.9)
    assert (answer["change_lower"] < answer["change"]).all()
    assert (answer["change"] < answer["change_upper"]).all()
    still = model.simulate(split[1], price=lambda p: p, interval=0.9)
    assert still[["change", "change_lower", "change_upper"]].abs().to_numpy().max() == 0
    with pytest.raises(SettingsError, match="share"):
        model.simulate(split[1], price=3.0, interval=90)


def test_new_series_are_less_certain(model, split):
    rows = split[1][split[1]["state"] == "S1"]
    known = model.simulate(rows, price=lambda p: 0.9 * p, interval=0.9)
    new = model.simulate(rows.assign(state="S77"), price=lambda p: 0.9 * p, interval=0.9)
    width = [((t["change_upper"] - t["change_lower"]) / t["what_if"]).mean() for t in (known, new)]
    assert width[0] < width[1]


def test_changes_are_a_mapping_and_name_a_driver_once(model, split):
    with pytest.raises(PanelError, match="changes must be a mapping"):
        model.simulate(split[1], ["price"])
    with pytest.raises(PanelError, match="the change of 'price' is given twice"):
        model.simulate(split[1], {"price": 3.0}, price=2.0)


@pytest.mark.parametrize("change", [[1.0, 2.0], lambda p: p.iloc[:3].to_numpy(), lambda p: p.to_frame()])
def test_a_change_has_one_value_per_row(model, split, change):
    with pytest.raises(PanelError, match=r"'price' gives values of shape .* for 480 rows"):
        model.simulate(split[1], price=change)


def test_a_change_keeps_to_its_rows(model, split):
    """Pandas would align by index, and give every row another row's price."""
    rows = split[1].reset_index(drop=True)
    with pytest.raises(PanelError, match="for other rows"):
        model.simulate(rows, price=lambda p: p.iloc[::-1])


def test_what_is_outside_is_told_per_node_in_declared_order(model, split):
    rows = split[1].assign(price=1e5, tv=0.0)
    rows.loc[rows["state"] == "S0", "tv"] = 1e6
    node = model.simulate(rows, {}, level="state")
    by_row = model.simulate(rows, {})
    for state, texts in by_row.groupby("state")["outside"]:
        said = {name for text in texts for name in text.split(",")}
        assert set(",".join(node.loc[node["state"] == state, "outside"]).split(",")) == said
    assert "price,tv" in set(node.loc[node["state"] == "S0", "outside"])
