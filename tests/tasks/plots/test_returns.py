import pandas as pd
import pytest

from tasks.plots.returns import draw_budget, draw_curves, draw_returns

NODES = [("tactical", "spot", 100.0), ("tactical", "brand", 50.0), ("tactical", "free", 0.0)]
NODES += [("platform", "Linear", 100.0), ("platform", "Search", 50.0), ("channel", "TV", 100.0), ("channel", "Web", 50.0)]
NODES += [("total", "total", 150.0)]


@pytest.fixture
def roi() -> pd.DataFrame:
    frame = pd.DataFrame(NODES, columns=["level", "node", "spend"]).assign(roi=lambda f: 1 + f["spend"] / 100)
    frame = frame.assign(lower=0.5 * frame["roi"], upper=2 * frame["roi"], contribution=frame["roi"] * frame["spend"])
    return frame.assign(marginal_roi=0.4 * frame["roi"], marginal_lower=0.3 * frame["roi"], marginal_upper=0.6 * frame["roi"])


@pytest.fixture
def response() -> pd.DataFrame:
    rows = [
        (
            level,
            node,
            multiple,
            multiple * spend,
            spend * multiple**0.5,
            0.8 * spend * multiple**0.5,
            1.2 * spend * multiple**0.5,
        )
        for level, node, spend in NODES
        if spend
        for multiple in (0.0, 0.5, 1.0, 2.0)
    ]
    return pd.DataFrame(rows, columns=["level", "node", "multiple", "spend", "effect", "lower", "upper"])


def test_returns_are_drawn_from_the_top_and_a_level_that_repeats_is_left_out(roi):
    average, marginal = draw_returns(roi, ["tactical", "platform", "channel"], interval=0.9).axes
    names = [label.get_text() for label in average.get_yticklabels()]
    assert names == ["total", "TV", "Web"]  # platforms and tacticals here are the channels again
    assert list(average.lines[0].get_xdata()) == [2.5, 2.0, 1.5]
    assert list(marginal.lines[0].get_xdata()) == pytest.approx([1.0, 0.8, 0.6])
    assert average.get_xlim() == marginal.get_xlim()


def test_nothing_spent_is_nothing_to_draw(roi, response):
    assert draw_returns(roi.assign(spend=0.0), ["tactical"], interval=0.9) is None
    assert draw_curves(response.head(0), "channel", unit="EUR / week", interval=0.9) is None


def test_curves_have_their_point_where_money_was_spent(response):
    first, second = draw_curves(response, "channel", unit="EUR / week", interval=0.9).axes
    assert first.get_title(loc="left") == "TV"  # where most was spent
    assert (first.lines[1].get_xdata()[0], first.lines[1].get_ydata()[0]) == (100.0, 100.0)
    assert first.get_ylabel() == "EUR"
    assert second.get_ylabel() == ""


def test_a_budget_has_a_bar_before_and_after_for_every_node(roi):
    budget = roi.assign(
        spend_before=roi["spend"], spend_after=roi["spend"] * 1.5, contribution_before=1.0, contribution_after=2.0
    )
    outcome = {"first": pd.Timestamp("2024-01-01"), "last": pd.Timestamp("2024-03-25"), "difference": 1500.0}
    outcome = pd.DataFrame([outcome | {"difference_lower": -20.0, "difference_upper": 3000.0}])
    figure = draw_budget(budget, outcome, "channel", unit="EUR / week")
    spend = [bar.get_width() for bar in figure.axes[0].patches]
    assert spend == [100.0, 50.0, 150.0, 75.0]
    assert figure.get_suptitle() == "The same budget spread anew, 2024-01-01 to 2024-03-25: +1.5k (-20 to +3k) EUR"
    assert draw_budget(budget, outcome, "shop", unit="EUR") is None
