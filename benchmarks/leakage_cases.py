"""Columns, keys and weeks that know the target, and look-alikes that do not: made panels for the truth table of the checks.

A world is a clean panel, of several series or of one, in which trend, season, a price and noise make sales. A case adds one
column `x` to it, or changes its keys or its weeks; `expected` says what the checks owe it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

WEEKS, PLANNED, HORIZON = 130, 4, 8
SERIES = ["store", "item"]


class World(NamedTuple):
    """A panel and what plants faults into it.

    Args:
        frame: sorted by series and week; with columns units and price; the last weeks are planned.
        levels: its key columns; none for a media panel.
        rng: where further numbers come from.
    """

    frame: pd.DataFrame
    levels: list[str]
    rng: np.random.Generator

    @property
    def units(self) -> pd.Series:
        """The target; empty in planned weeks."""
        return self.frame["units"]

    @property
    def week(self) -> np.ndarray:
        """(rows,) number of the week."""
        return self.frame["number"].to_numpy()

    @property
    def season(self) -> np.ndarray:
        """(rows,) the year's wave, from -1 to 1."""
        return np.sin(2 * np.pi * self.week / 52.18)

    def noise(self, spread: float = 1.0) -> np.ndarray:
        """(rows,) normal noise."""
        return self.rng.normal(0, spread, len(self.frame))

    def own(self, values: pd.Series) -> "pd.core.groupby.SeriesGroupBy":
        """Values by series."""
        return values.groupby([self.frame[level] for level in self.levels] or np.zeros(len(self.frame)), sort=False)

    def lag(self, values: pd.Series, weeks: int) -> pd.Series:
        """Values of the same series some weeks ago; below 0: ahead."""
        return self.own(values).shift(weeks)

    def spread(self) -> pd.Series:
        """(rows,) standard deviation of the target inside each series."""
        return self.own(self.units).transform("std")

    def noisy(self, values: pd.Series, r: float) -> pd.Series:
        """A copy with noise that leaves a correlation of r inside series."""
        return values + self.noise(np.sqrt(1 / r**2 - 1)) * self.spread()

    def driven(self, share: float, *, season: float = 0.0) -> tuple[pd.Series, pd.Series]:
        """A medium and sales of which it is that share of the variance, the season `season` of the rest."""
        medium = pd.Series(self.rng.gamma(3, 1, len(self.frame)))
        medium = (medium - medium.mean()) / medium.std()
        rest = np.sqrt(season) * self.season * np.sqrt(2) + np.sqrt(1 - season) * self.noise()
        units = 200 + 40 * (np.sqrt(share) * medium + np.sqrt(1 - share) * rest)
        return 5 + medium, units.where(self.units.notna())


class Case(NamedTuple):
    """One row of the truth table.

    Args:
        name: what it is.
        expected: "stop"; "warn"; "at most warn"; or "pass": no finding of either kind, where a warning would be a nuisance.
        make: the frame with its fault, from a world.
        single: whether it makes sense for one series, such as a media panel.
        several: whether it makes sense for several series.
        levels: key columns beside the world's.
        lag: declared lag of x behind the target, periods.
    """

    name: str
    expected: str
    make: Callable[[World], pd.DataFrame]
    single: bool = True
    several: bool = True
    levels: tuple[str, ...] = ()
    lag: int | None = None


def make_world(seed: int, *, single: bool, smooth: float = 0.5) -> World:
    """A clean panel: `smooth` is how much of the target's variance is trend and season.

    Args:
        seed: of everything in it.
        single: one series, as in a media panel, or twelve.
        smooth: share of variance inside series.
    """
    rng = np.random.default_rng(seed)
    weeks = pd.date_range("2022-01-03", periods=WEEKS + PLANNED, freq="W-MON")
    stores, items = ([""], [""]) if single else (list("NSEW"), ["ale", "bun", "cod"])
    frame = pd.MultiIndex.from_product([stores, items, weeks], names=[*SERIES, "week"]).to_frame(index=False)
    count = len(stores) * len(items)
    number = np.tile(np.arange(len(weeks)), count)
    size = np.repeat(rng.uniform(60, 600, count), len(weeks))
    phase = np.repeat(rng.uniform(0, 0.6, count), len(weeks))
    calm = np.sin(2 * np.pi * number / 52.18 + phase) + 0.8 * number / len(weeks)
    calm = (calm - calm.mean()) / calm.std()
    price = np.round(4 * np.exp(0.15 * rng.normal(size=len(frame))), 2)
    wild = -(price - price.mean()) / price.std() + 1.2 * rng.normal(size=len(frame))
    wild /= wild.std()
    units = size * (1 + 0.25 * (np.sqrt(smooth) * calm + np.sqrt(1 - smooth) * wild))
    frame["units"] = np.maximum(np.round(units, 2 if single else 0), 1.0)
    frame["price"], frame["number"] = price, number
    frame.loc[frame["number"] >= WEEKS, "units"] = np.nan
    return World(frame, [] if single else list(SERIES), rng)


def _with(make: Callable[[World], pd.Series | np.ndarray]) -> Callable[[World], pd.DataFrame]:
    return lambda world: world.frame.assign(x=make(world))


def _driven(share: float, season: float = 0.0) -> Callable[[World], pd.DataFrame]:
    def make(world: World) -> pd.DataFrame:
        medium, units = world.driven(share, season=season)
        return world.frame.assign(x=medium, units=units)

    return make


def _per_series(world: World, low: float, high: float) -> np.ndarray:
    """(rows,) a number drawn for every series."""
    count = len(world.frame) // (WEEKS + PLANNED)
    return np.repeat(world.rng.uniform(low, high, count), WEEKS + PLANNED)


def _expanding(world: World, *, inclusive: bool) -> pd.Series:
    total, count = world.own(world.units).cumsum(), world.own(world.units.notna().astype(float)).cumsum()
    return total / count if inclusive else (total - world.units) / (count - 1).where(count > 1)


def _in_one_series(world: World) -> pd.Series:
    here = (world.frame["store"] == "S") & (world.frame["item"] == "bun")
    return world.units.where(here, pd.Series(world.rng.gamma(2, 40, len(world.frame))))


def _year_to_date(world: World) -> pd.Series:
    years = [world.frame[level] for level in world.levels] + [world.frame["week"].dt.year]
    return world.units.groupby(years).cumsum()


def _smoothed(world: World) -> pd.Series:
    return world.own(world.units).transform(lambda units: units.ewm(alpha=0.3).mean())


def _rolling(world: World, weeks: int, *, ahead: int) -> pd.Series:
    """Mean over `weeks` weeks, of which the last lies `ahead` weeks ahead."""
    return world.lag(world.own(world.units).transform(lambda units: units.rolling(weeks).mean()), -ahead)


def _encoded(world: World, *, known: bool = False) -> pd.Series:
    units = world.units.where(world.week < WEEKS - HORIZON) if known else world.units
    return world.own(units).transform("mean")


def _by_store(world: World) -> pd.Series:
    return np.log(world.units.groupby(world.frame["store"]).transform("mean"))


def _bands(world: World, *, ahead: int = 0, names: int = 3) -> pd.Series:
    """Low, middle and high sales of each series, by name."""
    rank = world.own(world.units).rank(pct=True)
    band = np.minimum((rank * names).fillna(1).astype(int), names - 1).astype(float)
    return world.lag(pd.Series(band), -ahead).fillna(0).astype(int).map(lambda number: f"band {number}")


def _repeated(*, weeks: int, distance: int, into: bool = False) -> Callable[[World], pd.DataFrame]:
    """Target and drivers of the last known weeks are those of some weeks before, or the other way round."""

    def make(world: World) -> pd.DataFrame:
        frame = world.frame.assign(x=world.noise() + 5)
        late = np.arange(WEEKS - weeks, WEEKS)
        source, place = (late, late - distance) if into else (late - distance, late)
        for columns in ("units", "price", "x"):
            table = frame[columns].to_numpy().reshape(-1, WEEKS + PLANNED).copy()
            table[:, place] = table[:, source]
            frame[columns] = table.ravel()
        return frame

    return make


def _intermittent(world: World) -> pd.DataFrame:
    on = (world.rng.random(len(world.frame)) < 0.1).astype(float)
    units = np.round(on * world.rng.gamma(4, 5, len(world.frame)) + (world.rng.random(len(world.frame)) < 0.03))
    return world.frame.assign(units=pd.Series(units).where(world.units.notna()), x=on)


def _available(world: World) -> pd.DataFrame:
    """Sales are steady where the item is there, and nothing where it is not."""
    there = (world.rng.random(len(world.frame)) < 0.7).astype(float)
    units = np.round(there * world.rng.gamma(60, 2, len(world.frame)))
    return world.frame.assign(units=pd.Series(units).where(world.units.notna()), x=there)


def _stock(world: World) -> np.ndarray:
    """Stock at the start of the week: last week's less last week's sales, filled up every fourth week."""
    sold = world.units.fillna(world.units.mean()).to_numpy().reshape(-1, WEEKS + PLANNED)
    stock = np.empty_like(sold)
    stock[:, 0] = 6 * sold.mean(axis=1)
    for week in range(1, sold.shape[1]):
        filled = 4 * sold[:, :week].mean(axis=1) if week % 4 == 0 else 0.0
        stock[:, week] = stock[:, week - 1] - sold[:, week - 1] + filled
    return stock.ravel()


def _shared_calm(world: World) -> pd.DataFrame:
    """Sales and a medium that share nothing but a trend and a season."""
    calm = 300 + 1.5 * world.week + 60 * world.season
    units = calm + world.noise(5)
    return world.frame.assign(units=pd.Series(units).where(world.units.notna()), x=calm + world.noise(5))


def _shared_walk(world: World) -> pd.DataFrame:
    """Sales that wander, and a driver that wanders on its own."""
    walks = [world.own(pd.Series(world.noise(3))).cumsum() for _ in range(2)]
    return world.frame.assign(units=(300 + walks[0]).where(world.units.notna()), x=walks[1])


def _christmas(world: World) -> pd.DataFrame:
    """One huge fortnight that both have."""
    peak = (world.frame["week"].dt.month == 12) & (world.frame["week"].dt.day >= 12) * 1.0
    units = 100 + 900 * peak + world.noise(8)
    return world.frame.assign(units=units.where(world.units.notna()), x=10 + 90 * peak + world.noise(1))


def _deal(world: World) -> pd.DataFrame:
    """A key that says which weeks are on promotion, in which three times as much sells."""
    on = world.rng.random(len(world.frame)) < 0.3
    units = np.round(100 * np.where(on, 3.0, 1.0) * np.exp(world.noise(0.1)))
    kind = np.where(on, "deal", "none")
    return world.frame.assign(units=pd.Series(units).where(world.units.notna()), x=world.noise(), kind=kind)


PLANTED = (
    Case("the target", "stop", _with(lambda w: w.units)),
    Case("the target, rescaled", "stop", _with(lambda w: 3.7 * w.units + 11)),
    Case("the target with a scale for every series", "stop", _with(lambda w: w.units * _per_series(w, 0.2, 9)), single=False),
    Case("the target with its sign turned", "stop", _with(lambda w: 1000 - w.units)),
    Case("sales of next week", "stop", _with(lambda w: w.lag(w.units, -1))),
    Case("sales of next week, rescaled", "stop", _with(lambda w: 0.02 * w.lag(w.units, -1) + 4)),
    Case("sales in four weeks", "stop", _with(lambda w: w.lag(w.units, -4))),
    Case("the logarithm of sales", "stop", _with(lambda w: np.log(w.units))),
    Case("the logarithm of next week's sales", "stop", _with(lambda w: np.log1p(w.lag(w.units, -1)))),
    Case("the running total", "stop", _with(lambda w: w.own(w.units).cumsum())),
    Case("the running total, rescaled", "stop", _with(lambda w: 0.13 * w.own(w.units).cumsum() + 9)),
    Case("the total of the year to date", "stop", _with(_year_to_date)),
    Case("the running total of next week", "stop", _with(lambda w: w.lag(w.own(w.units).cumsum(), -1))),
    Case("a noisy copy, r = 0.999", "stop", _with(lambda w: w.noisy(w.units, 0.999))),
    Case("a noisy copy, r = 0.99", "stop", _with(lambda w: w.noisy(w.units, 0.99))),
    Case("a noisy copy of next week, r = 0.99", "stop", _with(lambda w: w.noisy(w.lag(w.units, -1), 0.99))),
    Case("a copy in 97 % of the weeks", "stop", _with(lambda w: w.units.where(w.rng.random(len(w.frame)) < 0.97))),
    Case("a copy in one series", "stop", _with(_in_one_series), single=False),
    Case("a centred mean of 5 weeks", "stop", _with(lambda w: _rolling(w, 5, ahead=2))),
    Case("a centred mean of 9 weeks", "stop", _with(lambda w: _rolling(w, 9, ahead=4))),
    Case("a mean of the next 4 weeks", "stop", _with(lambda w: _rolling(w, 4, ahead=4))),
    Case("a mean of this and the next 12 weeks", "stop", _with(lambda w: _rolling(w, 13, ahead=12))),
    Case("a trailing mean of 4 with this week", "stop", _with(lambda w: _rolling(w, 4, ahead=0))),
    Case("a trailing mean of 13 with this week", "stop", _with(lambda w: _rolling(w, 13, ahead=0)), single=False),
    Case("a smoothed line with this week", "stop", _with(_smoothed)),
    Case("a centred mean, rounded", "stop", _with(lambda w: _rolling(w, 5, ahead=2).round(1))),
    Case("the mean so far with this week", "stop", _with(lambda w: _expanding(w, inclusive=True))),
    Case("each series' mean over all weeks", "stop", _with(_encoded), single=False),
    Case("each series' mean, rescaled", "stop", _with(lambda w: 0.01 * _encoded(w) - 3), single=False),
    Case("each store's mean over all weeks, logarithm", "stop", _with(_by_store), single=False),
    Case("a key: bands of this week's sales", "stop", lambda w: w.frame.assign(x=w.noise(), band=_bands(w)), levels=("band",)),
    Case(
        "a key: bands of next week's sales",
        "stop",
        lambda w: w.frame.assign(x=w.noise(), band=_bands(w, ahead=1, names=4)),
        levels=("band",),
    ),
    Case(
        "a key: the sales themselves",
        "stop",
        lambda w: w.frame.assign(x=w.noise(), band=w.units.fillna(0).astype(str)),
        levels=("band",),
    ),
    Case("the last week repeats the week before", "stop", _repeated(weeks=1, distance=1)),
    Case("the last four weeks repeat those of a quarter before", "stop", _repeated(weeks=4, distance=13)),
    Case("a trained week is a copy of a held-out one", "stop", _repeated(weeks=1, distance=40, into=True)),
    Case("last week's sales, which are this week's", "stop", _with(lambda w: w.units), lag=1),
    Case("last week's sales, which are of two weeks ago", "stop", _with(lambda w: w.lag(w.units, 2)), lag=1),
    Case("last week's sales, of next week", "stop", _with(lambda w: w.lag(w.units, -1)), lag=1),
    Case("a noisy copy, r = 0.95", "warn", _with(lambda w: w.noisy(w.units, 0.95))),
    Case("a noisy copy of next week, r = 0.95", "warn", _with(lambda w: w.noisy(w.lag(w.units, -1), 0.95))),
)

LOOK_ALIKES = (
    Case("a medium that explains 90 % of the variance", "at most warn", _driven(0.9)),
    Case("a medium that explains 90 %, season the rest", "at most warn", _driven(0.9, 0.7)),
    Case("a medium that explains 60 %", "pass", _driven(0.6)),
    Case("the real price", "pass", _with(lambda w: w.frame["price"])),
    Case("a seasonal medium", "pass", _with(lambda w: np.exp(1 + 0.8 * w.season + w.noise(0.2)))),
    Case("a temperature without noise", "pass", _with(lambda w: 12 - 9 * w.season)),
    Case("last week's sales, declared", "pass", _with(lambda w: w.lag(w.units, 1)), lag=1),
    Case("sales of four weeks ago, declared", "pass", _with(lambda w: w.lag(w.units, 4)), lag=4),
    Case("last year's sales", "pass", _with(lambda w: w.lag(w.units, 52))),
    Case("a trailing mean of 4 weeks", "pass", _with(lambda w: _rolling(w, 4, ahead=-1))),
    Case("a trailing mean of 13 weeks", "pass", _with(lambda w: _rolling(w, 13, ahead=-1))),
    Case("the mean so far without this week", "pass", _with(lambda w: _expanding(w, inclusive=False))),
    Case("the total up to last week", "pass", _with(lambda w: w.own(w.units).cumsum() - w.units)),
    Case("a smoothed line up to last week", "pass", _with(lambda w: w.lag(_smoothed(w), 1))),
    Case("spend set as a share of last year's sales", "pass", _with(lambda w: 0.05 * w.lag(w.units, 52).fillna(200))),
    Case("spend set by last week's sales", "pass", _with(lambda w: 0.1 * w.lag(w.units, 1) * np.exp(w.noise(0.02)))),
    Case("stock at the start of the week", "pass", _with(_stock)),
    Case("a shared trend and season", "pass", _shared_calm),
    Case("two random walks", "pass", _shared_walk),
    Case("a Christmas that both share", "at most warn", _christmas),
    Case("a rare flag and rare sales", "at most warn", _intermittent),
    Case("whether the item is on the shelf", "at most warn", _available),
    Case("a promotion calendar", "pass", _with(lambda w: (w.week % 6 == 0) * 1.0)),
    Case("a regular price", "pass", _with(lambda w: _per_series(w, 2, 6))),
    Case("each series' mean before the holdout", "pass", _with(lambda w: _encoded(w, known=True)), single=False),
    Case("a size that goes with sales", "pass", _with(lambda w: _encoded(w) * _per_series(w, 0.97, 1.03)), single=False),
    Case("trend alone", "pass", _with(lambda w: w.week * 1.0)),
    Case("a key: promotions, three times as much sells", "at most warn", _deal, levels=("kind",)),
    Case(
        "a key: nothing to do with sales",
        "pass",
        lambda w: w.frame.assign(x=w.noise(), kind=w.rng.choice(["a", "b", "c"], len(w.frame))),
        levels=("kind",),
    ),
    Case("nothing", "pass", _with(lambda w: w.noise())),
)
