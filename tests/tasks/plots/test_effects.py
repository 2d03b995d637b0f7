import pandas as pd
import pytest

from tasks.plots.effects import draw_decay, draw_elasticities, varying_levels


@pytest.fixture
def elasticities() -> pd.DataFrame:
    rows = [("region", "North", -2.0), ("region", "South", -2.0), ("brand", "Alba", -1.5), ("brand", "Brio", -2.5)]
    rows += [("total", "total", -2.0)]
    price = pd.DataFrame(rows, columns=["level", "node", "effect"]).assign(driver="price")
    both = pd.concat([price, price.assign(driver="tv", effect=0.1)], ignore_index=True)
    return both.assign(lower=both["effect"] - 0.3, upper=both["effect"] + 0.2)


def test_only_levels_over_which_effects_differ_are_drawn(elasticities):
    assert varying_levels(elasticities[elasticities["driver"] == "price"]) == ["brand", "total"]
    assert varying_levels(elasticities[elasticities["driver"] == "tv"]) == ["total"]
    figure = draw_elasticities(elasticities, "price", interval=0.9)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["by brand", "total"]


def test_points_lie_in_their_intervals_under_their_names(elasticities):
    axes = draw_elasticities(elasticities, "price", interval=0.9).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    points = dict(zip(names, axes.lines[0].get_xdata(), strict=True))
    assert points == {"Alba": -1.5, "Brio": -2.5}
    spans = [segment[:, 0].tolist() for segment in axes.collections[0].get_segments()]
    assert dict(zip(names, spans, strict=True))["Alba"] == pytest.approx([-1.8, -1.3])


def test_decay_is_a_share():
    decay = pd.DataFrame({"tactical": ["tv", "radio"], "decay": [0.4, 0.6], "lower": [0.3, 0.5], "upper": [0.5, 0.8]})
    axes = draw_decay(decay, period="week").axes[0]
    assert axes.get_xlim() == (0.0, 1.0)
    assert list(axes.lines[0].get_xdata()) == [0.4, 0.6]


def test_the_prior_of_a_decay_stands_behind_it_whatever_its_order():
    decay = pd.DataFrame({"tactical": ["tv", "radio"], "decay": [0.4, 0.6], "lower": [0.3, 0.5], "upper": [0.5, 0.8]})
    prior = pd.DataFrame({"tactical": ["radio", "tv"], "median": [0.7, 0.2], "lower": [0.6, 0.1], "upper": [0.8, 0.3]})
    axes = draw_decay(decay, period="week", prior=prior).axes[0]
    assert list(axes.lines[0].get_xdata()) == [0.2, 0.7]
    assert axes.collections[0].get_segments()[0][:, 0].tolist() == [0.1, 0.3]
    assert list(axes.lines[1].get_xdata()) == [0.4, 0.6]
