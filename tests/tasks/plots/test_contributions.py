import numpy as np
import pytest

from tasks.plots.contributions import draw_means, draw_stack, keep_largest
from tasks.plots.sums import sum_periods
from tasks.plots.theme import component_colours

LEVELS = ["region", "brand"]


def test_the_line_over_the_stack_is_the_forecast(contributions, forecasts):
    axes = draw_stack(contributions, LEVELS, unit="units").axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), forecasts.groupby("period")["forecast"].sum())
    labels = axes.get_legend_handles_labels()[1]
    assert set(labels) == {"baseline", "season", "price", "holidays", "forecast"}


def test_what_takes_sales_away_lies_below_zero(contributions):
    axes = draw_stack(contributions, LEVELS, unit="units").axes[0]
    summed = sum_periods(contributions, ["season"])["season"]
    season = next(area for area in axes.collections if area.get_label() == "season")
    assert season.get_datalim(axes.transData).ymin == pytest.approx(summed.min())


def test_means_are_per_period_over_all_series(contributions):
    axes = draw_means(contributions, LEVELS, unit="units").axes[0]
    widths = {label.get_text(): bar.get_width() for label, bar in zip(axes.get_yticklabels(), axes.patches, strict=True)}
    summed = contributions.groupby("period")[["baseline", "season", "price"]].sum().mean()
    for name in ("baseline", "season", "price"):
        assert widths[name] == pytest.approx(summed[name])


def test_the_rest_keeps_the_sum(contributions):
    names = ["baseline", "season", "price", "holidays"]
    summed = sum_periods(contributions, names)
    kept = keep_largest(summed, names, count=2)
    np.testing.assert_allclose(kept[["baseline", "other"]].sum(axis=1), summed[names].sum(axis=1))


def test_what_varies_has_its_drivers_colour_and_not_the_same():
    names = ["baseline", "price", "price by hierarchy", "tv", "units lags"]
    colours = component_colours(names)
    assert len({colours[name] for name in names}) == 5
    dark, light = (int(colours[name][1:3], 16) for name in ("price", "price by hierarchy"))
    assert light > dark
