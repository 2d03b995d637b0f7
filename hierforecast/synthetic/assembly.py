"""A made market of any size: how its parts come together as units sold, and the truth that is kept of each.

    sold[s,t] = exp(sum of parts[s,t]) noise[s,t] - lost[s,t] + rounding[s,t]

    parts = baseline[s] + trend[brand,t] + season[segment,t] + holidays[segment,t] + level[s,t]
          + elasticity[s] log(price / reference_price) + depth[brand] depth - dip[brand] (depth[t-1] + depth[t-2] / 2)
          + feature[brand] feature + display[segment] display - cannibalisation rival_depth
          + distribution (distribution - 80) + tv[region] hill(adstock(tv_spend)) + digital[region] log1p(adstock / half)
          + trade[brand] trade_spend + temperature[segment] (temperature - 12) + confidence (confidence - 100)

Every part draws from a random stream of its own, so changing one number of the law leaves the other parts as they were.
"""

import zlib
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.synthetic import calendar, outside, shelf
from hierforecast.synthetic.law import MarketSize, SalesLaw
from hierforecast.synthetic.shelf import Places

LEVELS = ["region", "state", "segment", "brand", "pack"]
TARGET = "units"
USUAL_TEMPERATURE = 12.0  # degrees Celsius
WEAKEST_ELASTICITY = -0.2
OUTCOME = ("noise", "lost", "rounding", "sold")  # columns of the truth that are no parts


class MarketTruth(NamedTuple):
    """What made a market.

    Args:
        parts: one row per row of the panel, index alike: the log-scale parts by name, then `noise` (factor with mean
            1), `lost` (units not sold because the shelf was empty), `rounding` (units) and `sold` (units; the
            planned periods' too). ``sold = exp(sum of parts) * noise - lost + rounding``.
        effects: one row per series: levels and, per driver, its slope on the log scale, with `price` the elasticity,
            `after_promotion` the dip, and the media's lift at full saturation.
        holidays: the dates of every holiday.
        size: as asked for.
        law: as asked for; holds the media's decay and half saturation.
    """

    parts: pd.DataFrame
    effects: pd.DataFrame
    holidays: dict[str, list[date]]
    size: MarketSize
    law: SalesLaw

    @property
    def part_names(self) -> list[str]:
        """The log-scale parts."""
        return [name for name in self.parts.columns if name not in OUTCOME]

    @property
    def mean(self) -> pd.Series:
        """Units expected if the shelf is full, without noise: the exponentiated sum of the parts, (rows,)."""
        return np.exp(self.parts[self.part_names].sum(axis=1)).rename("mean")

    def contributions(self) -> pd.DataFrame:
        """The mean split into units per part, (rows, parts): `baseline` is what is sold with every other part at 0.

        contribution[p] = part[p] (mean - base) / log(mean / base),   base = exp(baseline)

        Source: Ang (2005), log-mean Divisia, Energy Policy 33(7), https://doi.org/10.1016/j.enpol.2003.10.010
        """
        others = self.parts[[name for name in self.part_names if name != "baseline"]]
        total, base = others.sum(axis=1).to_numpy(), np.exp(self.parts["baseline"].to_numpy())
        log_mean = base * np.where(total == 0, 1.0, np.expm1(total) / np.where(total == 0, 1.0, total))
        table = others.mul(log_mean, axis=0)
        table.insert(0, "baseline", base)
        return table


class Market(NamedTuple):
    """A sales panel and its truth."""

    panel: pd.DataFrame
    truth: MarketTruth


class _Made(NamedTuple):
    """(series, periods) arrays by name: columns of the panel, and log-scale parts."""

    columns: dict[str, np.ndarray]
    parts: dict[str, np.ndarray]


def make_market(seed: int, size: MarketSize, law: SalesLaw) -> Market:
    """Make the panel, one row per series and period that has one, sorted by series and period, and its truth."""
    places = _places(size)
    effects = _effects(seed, size, law, places)
    life = shelf.lives(_stream(seed, "life"), size, law, places)
    made = _made(seed, size, law, places, effects, life)

    shape = (size.series, size.periods + size.planned)
    history = np.arange(shape[1]) < size.periods
    empty = shelf.empty_shelves(_stream(seed, "stock_outs"), size, law) & history
    noise = np.exp(_stream(seed, "noise").normal(-0.5 * law.noise**2, law.noise, shape))
    demand = np.exp(sum(made.parts.values())) * noise
    lost = np.where(empty, demand, 0.0)
    sold = np.round(demand - lost)
    outcome = {"noise": noise, "lost": lost, "rounding": sold - (demand - lost), "sold": sold}

    period = np.arange(shape[1])
    present = (period >= life.start[:, None]) & (period < life.stop[:, None])
    present &= ~((_stream(seed, "missing").random(shape) < law.missing) & history)
    if law.stock_out_rows == "missing":
        present &= ~empty
    rows = np.flatnonzero(present)
    columns = {TARGET: np.where(history, sold, np.nan)} | made.columns
    keys = _keys(size, places, rows // shape[1], rows % shape[1])
    panel = pd.DataFrame(keys | {name: _rows(values, shape, rows) for name, values in columns.items()}, copy=False)
    parts = pd.DataFrame({name: _rows(v, shape, rows) for name, v in (made.parts | outcome).items()}, copy=False)
    series = pd.DataFrame(_levels(size, places))
    return Market(panel, MarketTruth(parts, series.assign(**effects), calendar.holiday_dates(size), size, law))


def _made(
    seed: int, size: MarketSize, law: SalesLaw, places: Places, effects: dict[str, np.ndarray], life: shelf.Life
) -> _Made:
    shape = (size.series, size.periods + size.planned)
    future = np.arange(shape[1]) >= size.periods
    listed = shelf.list_prices(_stream(seed, "list_prices"), size, law, places)
    promoted = shelf.promotions(_stream(seed, "promotions"), size, law, places)
    shop = np.exp(_stream(seed, "price").normal(0, law.price_noise, shape))
    # A cent at least, and never more digits than a price tag has.
    price = np.maximum(np.round(listed * (1 - promoted.depth) * shop, 2), 0.01)
    log_price = np.log(price / listed[:, :1])
    offered = shelf.distribution(_stream(seed, "distribution"), size, places, life)
    tv_spend, tv = outside.television(_stream(seed, "tv"), size, law)
    digital_spend, digital = outside.digital(_stream(seed, "digital"), size, law)
    trade_spend = outside.trade(_stream(seed, "trade"), size)[places.brand, places.region]
    warmth = outside.temperature(_stream(seed, "temperature"), size)[places.state]
    mood = outside.confidence(_stream(seed, "confidence"), size)

    columns = {
        "price": price,
        "reference_price": listed[:, :1],
        "depth": promoted.depth,
        "feature": promoted.feature,
        "display": promoted.display,
        "distribution": offered,
        "tv_spend": tv_spend[places.region],
        "digital_spend": digital_spend[places.state],
        "trade_spend": trade_spend,
        # Measured, not planned: nobody knows next week's.
        "temperature": np.where(future, np.nan, warmth),
        "confidence": np.where(future, np.nan, mood),
    }
    moving = {
        "price": log_price,
        "depth": promoted.depth,
        "after_promotion": shelf.after(promoted.depth),
        "feature": promoted.feature,
        "display": promoted.display,
        "distribution": offered - shelf.FULL_DISTRIBUTION,
        "tv_spend": tv[places.region],
        "digital_spend": digital[places.state],
        "trade_spend": trade_spend,
        "temperature": warmth - USUAL_TEMPERATURE,
        "confidence": mood - outside.USUAL_CONFIDENCE,
    }
    if law.cannibalisation:
        columns["rival_depth"] = moving["rival_depth"] = shelf.rivals(promoted.depth, size, places)
    wasted = outside.noise_drivers(_stream(seed, "noise_drivers"), size, law.noise_drivers, places, log_price)
    parts = {
        "baseline": effects["baseline"][:, None],
        "trend": calendar.trends(_stream(seed, "trend"), size, law)[places.brand],
        "season": calendar.seasons(_stream(seed, "season"), size, law)[places.segment],
        "holidays": calendar.holidays(_stream(seed, "holidays"), size, law)[places.segment],
        "level": calendar.drifts(_stream(seed, "level"), size, law),
    }
    return _Made(columns | dict(wasted), parts | {name: effects[name][:, None] * values for name, values in moving.items()})


def _effects(seed: int, size: MarketSize, law: SalesLaw, places: Places) -> dict[str, np.ndarray]:
    """Per series, (series,): the baseline and each driver's slope, log units."""
    sizes = {"region": size.regions, "state": size.states, "segment": size.segments, "brand": size.brands, "pack": size.packs}

    def vary(name: str, level: str, sd: float) -> np.ndarray:
        return _stream(seed, f"{name} by {level}").normal(0, sd, sizes[level])[getattr(places, level)]

    own = _stream(seed, "baseline").normal(5.0, 0.15, size.series)
    spread = vary("elasticity", "brand", law.elasticity_sd) + vary("elasticity", "pack", law.elasticity_sd / 2)
    bulk = -0.3 * places.pack / max(size.packs - 1, 1)
    effects = {
        "baseline": own + vary("baseline", "state", 0.5) + vary("baseline", "brand", 0.5) + vary("baseline", "pack", 0.4),
        "price": np.minimum(law.elasticity + bulk + spread, WEAKEST_ELASTICITY),
        "depth": law.depth_lift * np.exp(vary("depth", "brand", 0.25)),
        "after_promotion": -law.dip * np.exp(vary("dip", "brand", 0.25)),
        "feature": law.feature_lift * np.exp(vary("feature", "brand", 0.25)),
        "display": law.display_lift * np.exp(vary("display", "segment", 0.25)),
        "distribution": np.full(size.series, law.distribution_lift),
        "tv_spend": law.tv_lift * np.exp(vary("tv", "region", 0.3)),
        "digital_spend": law.digital_lift * np.exp(vary("digital", "region", 0.3)),
        "trade_spend": law.trade_lift * np.exp(vary("trade", "brand", 0.3)),
        "temperature": law.temperature_lift * (1 + vary("temperature", "segment", 0.5)),
        "confidence": np.full(size.series, law.confidence_lift),
    }
    if law.cannibalisation:
        effects["rival_depth"] = np.full(size.series, -law.cannibalisation)
    return effects


def _places(size: MarketSize) -> Places:
    """Series in the order state, brand, pack; states and brands are dealt out to regions and segments evenly."""
    state, brand, pack = np.unravel_index(np.arange(size.series), (size.states, size.brands, size.packs))
    return Places(state * size.regions // size.states, state, brand * size.segments // size.brands, brand, pack)


def _levels(size: MarketSize, places: Places) -> dict[str, pd.Categorical]:
    """Node names per series, (series,), by level."""
    counts = (size.regions, size.states, size.segments, size.brands, size.packs)
    return {
        level: pd.Categorical.from_codes(codes, [f"{level} {number + 1:0{len(str(count))}d}" for number in range(count)])
        for level, codes, count in zip(LEVELS, places, counts, strict=True)
    }


def _keys(size: MarketSize, places: Places, series: np.ndarray, period: np.ndarray) -> dict[str, pd.Categorical | np.ndarray]:
    """Levels and dates of (rows,) places: categoricals, since a name per row would take most of the time and memory."""
    levels = {level: names.take(series) for level, names in _levels(size, places).items()}
    return levels | {size.frequency: size.dates.to_numpy()[period]}


def _rows(values: np.ndarray, shape: tuple[int, int], rows: np.ndarray) -> np.ndarray:
    """What stands at (rows,) flat places of values that are, or are broadcast to, (series, periods)."""
    return np.broadcast_to(values, shape).reshape(-1)[rows]


def _stream(seed: int, name: str) -> np.random.Generator:
    """The random stream of one part, the same whatever else is drawn."""
    return np.random.default_rng([seed, 3, zlib.crc32(name.encode())])


def true_drivers(law: SalesLaw) -> list[str]:
    """Columns of the panel that do have an effect."""
    names = ["price", "depth", "feature", "display", "distribution", "tv_spend", "digital_spend", "trade_spend"]
    return [*names, "temperature", "confidence", *(["rival_depth"] if law.cannibalisation else [])]
