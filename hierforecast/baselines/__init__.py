"""What any forecaster should beat: baselines, each ``(train, test, settings) -> (rows of test,) forecast`` in target units.

seasonal_naive    the same period a year before
moving_average    the mean of the last periods
auto_ets          exponential smoothing, its form chosen per series (extra `baselines`)
lightgbm          boosted trees of log sales on what was known at the origin, drivers and calendar (extra `baselines`)
lightgbm_poisson  the same with a Poisson loss on sales
"""

from hierforecast.baselines.choice import BASELINES, find_baseline

__all__ = ["BASELINES", "find_baseline"]
