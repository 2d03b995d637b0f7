"""What declared signs and drivers are worth: errors on held-out periods with and without them.

Each line costs one more fit, on everything before the last `horizon` periods; errors are of forecasts of these periods.
Curves that drivers declare as learned are learned once, on the same periods, and stay as found in every line.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from hierforecast import splits
from hierforecast.hiref.learned import settle_curves
from hierforecast.hiref.material import Material, from_panel, known_rows
from hierforecast.metrics import wape
from hierforecast.options import Training
from hierforecast.results import ABLATION, SIGNS
from hierforecast.schema import SalesPanel

CLEARLY = 1.645  # standard errors beyond 0: what noise alone does to one series in twenty
_RIDGE = 1e-3  # of a column's own sum of squares
_SHOWN = 0.5  # least share of a true slope that a series' own data must show to be asked for its sign


def report_signs(panel: pd.DataFrame, settings: SalesPanel, training: Training) -> pd.DataFrame:
    """One row per column of every signed driver; see `HiReF.sign_report`."""
    train, holdout = _hold_out(panel, settings)
    settings = settle_curves(train, settings, training)
    data = from_panel(train, settings, training)
    slope, error, usable = series_slopes(data)
    declared = _error(data, settings, training, holdout)
    lines = []
    for driver in settings.drivers:
        if driver.sign == "free":
            continue
        free = _free(settings, driver.name)
        without = _error(from_panel(train, free, training), free, training, holdout)
        places, sign = data.design.drivers[driver.name], 1.0 if driver.sign == "+" else -1.0
        for place in range(places.start, places.stop):
            asked = usable[:, place]
            wrong = sign * slope[asked, place]
            count, far = int(asked.sum()), -CLEARLY * error[asked, place]
            shares = ((wrong < 0).mean(), (wrong < far).mean()) if count else (np.nan, np.nan)
            name = data.design.columns.names[place]
            lines.append((name, driver.sign, count, *map(float, shares), declared, without, declared - without))
    return pd.DataFrame(lines, columns=list(SIGNS.columns))


def ablate(panel: pd.DataFrame, settings: SalesPanel, training: Training) -> pd.DataFrame:
    """One row per driver, the most useful first; see `HiReF.ablation`."""
    train, holdout = _hold_out(panel, settings)
    settings = settle_curves(train, settings, training)
    with_all = _error(from_panel(train, settings, training), settings, training, holdout)
    lines = []
    for driver in settings.drivers:
        others = [other for other in settings.drivers if other.name != driver.name]
        fewer = settings.model_copy(update={"drivers": others})
        left = _unnamed(training, driver.name)
        without = _error(from_panel(train, fewer, left), fewer, left, holdout)
        lines.append((driver.name, with_all, without, without - with_all))
    table = pd.DataFrame(lines, columns=list(ABLATION.columns))
    return table.sort_values("adds", ascending=False, kind="stable", ignore_index=True)


def series_slopes(data: Material) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A regression of each series by itself, without signs or neighbours, from moments.

    Returns:
        Slopes on the link scale per unit of a column, their standard errors, and whether the series' own data tell the
        slope at all (the column moves, and not only together with others): (series, columns) each.
    """
    products = data.moments.products
    gram, right, squares = products[:, :-1, :-1], products[:, :-1, -1], products[:, -1, -1]
    diagonal = np.einsum("sii->si", gram)
    ridge = _RIDGE * diagonal + 1e-9 * np.maximum(diagonal.mean(axis=0), 1e-12)
    inverse = np.linalg.inv(gram + np.eye(gram.shape[1]) * ridge[:, None, :])
    slope = np.einsum("sij,sj->si", inverse, right)
    kept = inverse @ gram
    shown = np.einsum("sii->si", kept)
    spare = np.maximum(gram[:, 0, 0] - shown.sum(axis=1), 1.0)
    left = squares - 2 * (slope * right).sum(axis=1) + np.einsum("si,sij,sj->s", slope, gram, slope, optimize=True)
    variance = np.einsum("sij,sji->si", kept, inverse) * (np.maximum(left, 0.0) / spare)[:, None]
    return slope[:, 1:], np.sqrt(np.maximum(variance[:, 1:], 0.0)), shown[:, 1:] > _SHOWN


def _hold_out(panel: pd.DataFrame, settings: SalesPanel) -> splits.Split:
    return splits.last_periods(known_rows(panel, settings), settings.horizon, period=settings.period)


def _free(settings: SalesPanel, name: str) -> SalesPanel:
    drivers = [replace(driver, sign="free") if driver.name == name else driver for driver in settings.drivers]
    return settings.model_copy(update={"drivers": drivers})


def _unnamed(training: Training, driver: str) -> Training:
    """Training whose strengths do not name a driver, because one that is left out cannot be named."""
    if not isinstance(training.ridge, dict):
        return training
    ridge = {
        level: {group: strength for group, strength in said.items() if group != driver} if isinstance(said, dict) else said
        for level, said in training.ridge.items()
    }
    return training.model_copy(update={"ridge": ridge})


def _error(data: Material, settings: SalesPanel, training: Training, holdout: pd.DataFrame) -> float:
    """WAPE of the declared statistic at the bottom, a share."""
    from hierforecast.hiref.fitting import fit_material  # torch comes in here

    fit = fit_material(data, training)
    answer = fit.answer(holdout)
    forecast = answer.rows.unsort(fit.forecast(answer, settings.statistic))
    return wape(holdout[settings.target.name].to_numpy(dtype=float), forecast)
