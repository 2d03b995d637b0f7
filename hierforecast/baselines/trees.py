"""Boosted trees over all series: what was known at the origin, drivers known ahead, calendar and nodes.

Every training row is shown as if forecast from origins of 1 .. horizon periods before it, so that one model forecasts every
step directly, from the newest sales there are.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from hierforecast.baselines.table import YEAR, dense, extra, look_up, series_names, steps_ahead
from hierforecast.schema import SalesPanel

WINDOWS = (1, 4, 8, 13, 26)  # periods before the origin whose mean sales are seen
COPIES = 2  # origins that each training row is shown from
SEED = 7
TREES = {"n_estimators": 400, "learning_rate": 0.05, "num_leaves": 63, "min_child_samples": 20, "n_jobs": 1, "verbose": -1}

Scale = Callable[[np.ndarray], np.ndarray]


def lightgbm(train: pd.DataFrame, test: pd.DataFrame, settings: SalesPanel) -> np.ndarray:
    """Trees of log sales under a squared loss: nearer the median than the mean, (rows of test,).

    Raises:
        BaselineError: the extra `baselines` is not installed.
    """
    return np.maximum(np.expm1(_forecast(train, test, settings, "l2", np.log1p)), 0.0)


def lightgbm_poisson(train: pd.DataFrame, test: pd.DataFrame, settings: SalesPanel) -> np.ndarray:
    """Trees under a Poisson loss: the mean, (rows of test,). Raises BaselineError as `lightgbm` does."""
    return _forecast(train, test, settings, "poisson", np.asarray)


def _forecast(train: pd.DataFrame, test: pd.DataFrame, settings: SalesPanel, loss: str, scale: Scale) -> np.ndarray:
    library = extra("lightgbm")
    table = dense(train, settings)
    known = {window: table.rolling(window, min_periods=1).mean().to_numpy(float) for window in WINDOWS}
    nodes = {level: pd.Index(train[level].unique()) for level in settings.levels}

    def seen(rows: pd.DataFrame, ahead: np.ndarray) -> pd.DataFrame:
        """Features of rows that are forecast from so many periods before."""
        period = len(table) - 1 + steps_ahead(rows[settings.period], table.index[-1], settings)
        series = table.columns.get_indexer(series_names(rows, settings))
        features = {level: names.get_indexer(rows[level]) for level, names in nodes.items()}
        features |= {name: rows[name].to_numpy(float) for name in _known_ahead(settings)}
        features |= {f"mean_{window}": look_up(values, period - ahead, series) for window, values in known.items()}
        year = np.where(ahead <= YEAR[settings.frequency], period - YEAR[settings.frequency], -1)
        features["year_before"] = look_up(table.to_numpy(float), year, series)
        return pd.DataFrame(features).assign(ahead=ahead, day_of_year=rows[settings.period].dt.day_of_year.to_numpy())

    rows = pd.concat([train] * COPIES, ignore_index=True)
    ahead = np.random.default_rng(SEED).integers(1, settings.horizon + 1, len(rows))
    usable = steps_ahead(rows[settings.period], table.index[0], settings) >= ahead
    model = library.LGBMRegressor(objective=loss, random_state=SEED, deterministic=True, force_row_wise=True, **TREES)
    target = scale(rows[settings.target.name].to_numpy(float)[usable])
    model.fit(seen(rows[usable], ahead[usable]), target, categorical_feature=list(settings.levels))
    return np.asarray(model.predict(seen(test, steps_ahead(test[settings.period], table.index[-1], settings))))


def _known_ahead(settings: SalesPanel) -> list[str]:
    """Drivers whose future is planned, and the columns they are measured from."""
    drivers = [driver for driver in settings.drivers if driver.known_ahead]
    references = {driver.reference for driver in drivers if isinstance(driver.reference, str)} - {"mean"}
    return [*(driver.name for driver in drivers), *sorted(references - {driver.name for driver in drivers})]
