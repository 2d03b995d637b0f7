"""One driver's values: read, carried over, saturated, measured from their reference, and looked back at by lags.

    column[t] = shape(x)[t] - shape(ref)[t]        lag k: column[t - k]

- Under a log, a value or reference <= 0 cannot be a price: that cell counts as at its reference and adds nothing.
- The last values of a driver that is not known ahead may be missing as long as its availability says so: such a cell
  counts as no exposure and as at its reference.
- A period in which a series has no row counts as one without exposure for adstock, and as at the reference for lags.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.driver import Driver
from hierforecast.hiref.columns.carry import Carry, extend, tail_of
from hierforecast.hiref.columns.rows import Rows, read_numbers, refuse_unusable
from hierforecast.hiref.columns.survey import DriverFacts, has_reference_column
from hierforecast.schema import SalesPanel
from hierforecast.transforms import adstock, saturation

_GIVE_VALUES = "fill the gap (0 for no promotion, the last price for a price), or drop these rows"


class Advance(NamedTuple):
    """Where a batch's series stand before and after its rows, and what is carried on, filled driver by driver.

    Args:
        before: memory of the batch's series.
        through: (series,) the last period taken in, these rows included.
        states: as in `Carry`, after these rows.
        tails: likewise.
    """

    before: Carry
    through: np.ndarray
    states: dict[str, np.ndarray]
    tails: dict[str, np.ndarray]


def empty_memory(settings: SalesPanel) -> tuple[list[str], dict[str, int]]:
    """Names of geometric states, and the depth of every tail, that these drivers need."""
    states, tails = [], {}
    for driver in settings.drivers:
        for key in _adstocked(driver):
            if driver.adstock.kind == "geometric":
                states.append(key)
            elif driver.adstock.periods > 1:
                tails[key] = driver.adstock.periods - 1
        if max(driver.lags):
            tails[lag_key(driver)] = max(driver.lags)
    return states, tails


def decays(settings: SalesPanel) -> dict[str, float]:
    """Share carried per period, per geometric state."""
    return {
        key: driver.adstock.decay
        for driver in settings.drivers
        if driver.adstock and driver.adstock.kind == "geometric"
        for key in _adstocked(driver)
    }


def lag_key(driver: Driver) -> str:
    """The tail that holds the driver's column for its lags."""
    return f"{driver.name}: column"


def lag_name(name: str, lag: int) -> str:
    """The name of a lag's column; lag 0 keeps the bare name."""
    return f"{name} lag {lag}" if lag else name


def driver_column(panel: pd.DataFrame, rows: Rows, driver: Driver, facts: DriverFacts, going: Advance, end: int) -> np.ndarray:
    """The driver's column without its lags, (rows,); also carries its adstock on.

    Args:
        panel: rows whose driver is to be read.
        rows: read from it.
        driver: what to read, and how to shape it.
        facts: its reference and half saturation.
        going: the series' memory.
        end: the last period of training.

    Raises:
        PanelError: the column or its reference is missing, not numeric, empty or infinite where it should be known.
    """
    late = (rows.period > known_until(driver, end)) & (rows.period <= end)
    values = read_numbers(panel, driver.name, rows)
    awaited = late & np.isnan(values)
    column = _measured(panel, rows, driver, facts, going, np.where(awaited, 0.0, values), awaited)
    column[awaited] = 0.0
    return column


def known_until(driver: Driver, end: int) -> int:
    """The last period whose value is known when training ends; planned drivers are known for any period."""
    return 2**40 if driver.known_ahead else end - driver.availability_lag


def _measured(
    panel: pd.DataFrame,
    rows: Rows,
    driver: Driver,
    facts: DriverFacts,
    going: Advance,
    values: np.ndarray,
    awaited: np.ndarray,
) -> np.ndarray:
    refuse_unusable(values, f"driver {driver.name!r}", rows, _GIVE_VALUES)
    shaped = _shape(driver, driver.name, values, facts, rows, going)
    if facts.reference is not None:
        # A constant is its own adstock, so only the saturation or the log remains to be done.
        return _difference(driver, shaped, _saturate(driver, np.asarray(facts.reference), facts))
    declared = read_numbers(panel, str(driver.reference), rows)
    declared = np.where(awaited & np.isnan(declared), 0.0, declared)
    refuse_unusable(declared, f"column {driver.reference!r}", rows, _GIVE_VALUES)
    return _difference(driver, shaped, _shape(driver, _reference_key(driver), declared, facts, rows, going))


def lag_columns(column: np.ndarray, rows: Rows, driver: Driver, going: Advance) -> np.ndarray:
    """(rows, lags) of a driver's column; also carries it on."""
    if not max(driver.lags):
        return column[:, None]
    key = lag_key(driver)
    return look_back(column, rows, driver.lags, key, going, empty=0.0)


def look_back(values: np.ndarray, rows: Rows, lags: tuple[int, ...], key: str, going: Advance, *, empty: float) -> np.ndarray:
    """(rows, lags): (rows,) values so many periods before each row, `empty` where there was none; carries them on."""
    tail = going.before.tails[key]
    table = extend(rows, values, going.before.through, tail, empty)
    place = len(tail) + rows.period - rows.first
    going.tails[key] = tail_of(table, rows.first, going.through, going.before.through, tail)
    return np.stack([table[place - lag, rows.series] for lag in lags], axis=1)


def _shape(driver: Driver, key: str, values: np.ndarray, facts: DriverFacts, rows: Rows, going: Advance) -> np.ndarray:
    if driver.adstock and driver.adstock.kind == "geometric":
        values = _geometric(values, driver.adstock.decay, key, rows, going)
    elif driver.adstock:
        values = _weibull(values, driver, key, rows, going)
    return _saturate(driver, values, facts)


def _geometric(values: np.ndarray, decay: float, key: str, rows: Rows, going: Advance) -> np.ndarray:
    state, through = going.before.states[key], going.before.through
    table = rows.dense(values)  # (periods, series)
    # Where other series' rows begin before this one's memory ends, the memory enters the table as an exposure would.
    late = np.flatnonzero(through >= rows.first)
    table[through[late] - rows.first, late] = state[late] / (1 - decay)
    initial = np.where(through < rows.first, state * decay ** np.maximum(rows.first - 1.0 - through, 0.0), 0.0)
    carried = adstock.geometric(table, decay, initial=initial)
    moved = going.through > through
    last = carried[np.where(moved, going.through - rows.first, 0), np.arange(len(state))]
    going.states[key] = np.where(moved, last, state)
    return rows.gather(carried)


def _weibull(values: np.ndarray, driver: Driver, key: str, rows: Rows, going: Advance) -> np.ndarray:
    weights = adstock.weibull_weights(driver.adstock.shape, driver.adstock.scale, driver.adstock.periods)
    if len(weights) == 1:
        return values
    tail, through = going.before.tails[key], going.before.through
    table = extend(rows, values, through, tail, 0.0)
    going.tails[key] = tail_of(table, rows.first, going.through, through, tail)
    return rows.gather(adstock.weighted(table[len(tail) :], weights, before=table[: len(tail)]))


def _saturate(driver: Driver, values: np.ndarray, facts: DriverFacts) -> np.ndarray:
    if not driver.saturation:
        return values
    if driver.saturation.kind == "hill":
        return saturation.hill(values, facts.half, driver.saturation.slope)
    if driver.saturation.kind == "power":
        return saturation.power(values, driver.saturation.exponent)
    return saturation.logarithmic(values, facts.half)


def _difference(driver: Driver, values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    if driver.transform != "log":
        return values - reference
    usable = (values > 0) & (reference > 0)
    return np.log(np.where(usable, values, 1.0)) - np.log(np.where(usable, reference, 1.0))


def _adstocked(driver: Driver) -> list[str]:
    if not driver.adstock:
        return []
    return [driver.name, *([_reference_key(driver)] if has_reference_column(driver) else [])]


def _reference_key(driver: Driver) -> str:
    return f"{driver.name}|{driver.reference}"
