import numpy as np

from expectations.within_series import ahead, centre, changes, correlate

SERIES = np.repeat([0, 1, 2], [30, 25, 3])
PERIODS = np.concatenate([np.arange(30), np.arange(100, 125), np.arange(3)])
STARTS = np.array([0, 30, 55])


def test_correlation_equals_numpys_series_by_series_with_holes():
    rng = np.random.default_rng(0)
    first = rng.normal(1000, 1, len(SERIES))
    second = 0.5 * first + rng.normal(0, 1, len(SERIES))
    first[[3, 40]] = np.nan
    second[[8, 41, 42]] = np.nan
    alike = correlate(centre(first, STARTS), centre(second, STARTS), STARTS)
    known = np.isfinite(first) & np.isfinite(second)
    wanted = [np.corrcoef(first[rows], second[rows])[0, 1] for rows in (known & (SERIES == 0), known & (SERIES == 1))]
    np.testing.assert_allclose(alike.by_series[:2], wanted, rtol=1e-9)
    assert alike.by_series[2] == 0  # three pairs are too few
    np.testing.assert_allclose(alike.strength, np.average(np.abs(wanted), weights=[28, 22]))


def test_a_constant_with_rounding_is_not_judged():
    almost = 0.1 + np.where(np.arange(len(SERIES)) % 2, 1e-17, 0.0)
    alike = correlate(centre(almost, STARTS), centre(np.arange(len(SERIES), dtype=float), STARTS), STARTS)
    assert alike.strength == 0.0


def test_values_ahead_stop_at_the_end_of_a_series_and_at_gaps():
    values = np.arange(6.0)
    series, periods = np.array([0, 0, 0, 0, 1, 1]), np.array([1, 2, 4, 5, 1, 2])
    np.testing.assert_array_equal(ahead(values, series, periods, 1), [1, np.nan, 3, np.nan, 5, np.nan])
    np.testing.assert_array_equal(ahead(values, series, periods, 0), values)
    np.testing.assert_array_equal(ahead(values, series, periods, 9), np.full(6, np.nan))
    np.testing.assert_array_equal(changes(values**2, series, periods), [np.nan, 1, np.nan, 5, np.nan, 9])
