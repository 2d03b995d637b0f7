import pandas as pd
import pytest

from hierforecast.metrics import score_horizons
from tasks.plots.errors import draw_coverage, draw_horizons, draw_levels
from tasks.plots.worth import draw_worth

LEVELS = ["region", "brand"]


@pytest.fixture
def horizons(forecasts) -> pd.DataFrame:
    return score_horizons(forecasts[forecasts["part"] == "holdout"], LEVELS)


def test_every_level_has_a_line_over_periods_ahead(horizons):
    axes = draw_horizons(horizons, period="week").axes[0]
    assert [line.get_label() for line in axes.lines] == ["bottom", "region", "brand", "total"]
    assert list(axes.lines[0].get_xdata()) == [1, 2, 3, 4, 5, 6]
    bottom = horizons[horizons["level"] == "bottom"]["wape"].tolist()
    assert list(axes.lines[0].get_ydata()) == bottom


def test_coverage_stands_beside_what_was_promised(horizons):
    many = horizons.assign(cells=horizons["cells"] * 10, coverage=horizons["coverage"].fillna(0.5))
    whole, ahead = draw_coverage(many, nominal=0.8, period="week").axes
    assert [line.get_label() for line in ahead.lines] == ["promised: 80%", "bottom", "region", "brand"]  # total: too few
    assert list(ahead.lines[0].get_ydata()) == [0.8, 0.8]
    bottom = many[many["level"] == "bottom"]
    assert list(ahead.lines[1].get_ydata()) == bottom["coverage"].tolist()
    assert whole.patches[0].get_width() == pytest.approx(bottom["coverage"].mean())
    assert len(whole.patches) == 4
    assert draw_coverage(horizons.assign(coverage=float("nan")), nominal=0.8, period="week") is None


def test_levels_have_a_bar_each():
    scores = pd.DataFrame({"level": ["bottom", "total"], "wape": [0.2, 0.1], "mase": [0.8, 0.4], "bias": [0.03, 0.03]})
    figure = draw_levels(scores)
    assert [bar.get_width() for bar in figure.axes[0].patches] == [0.2, 0.1]
    assert figure.get_suptitle().endswith("bias +3.00%")


def test_what_a_sign_takes_off_is_its_cost_below_zero():
    ablation = pd.DataFrame({"driver": ["price"], "wape": [0.1], "wape_without": [0.3], "adds": [0.2]})
    signs = pd.DataFrame({"driver": ["price"], "sign": ["-"], "cost": [-0.05]})
    drivers, declared = draw_worth(ablation, signs).axes
    assert drivers.patches[0].get_width() == 0.2
    assert declared.patches[0].get_width() == 0.05
    assert drivers.get_xlim() == declared.get_xlim()
    assert draw_worth(ablation.head(0), signs.head(0)) is None
