"""What happens at the shelf of a made market: list prices, promotions, distribution, launches, delistings, empty shelves."""

from typing import NamedTuple

import numpy as np

from hierforecast.synthetic.law import MarketSize, SalesLaw

SLOT_WEEKS = 2  # promotions are planned in slots of so many weeks
PACKS_ALONG = 0.8  # share of a brand's packs that take part in its promotion
FEATURED, DISPLAYED = 0.5, 0.4  # share of promotions with a leaflet, with a second placement
RAMP = 6.0  # periods in which a launch reaches two thirds of its distribution
FULL_DISTRIBUTION = 80.0  # points, the mean over series and the reference
LONGEST_STOCK_OUT = 3  # periods


class Places(NamedTuple):
    """Which node every series belongs to, (series,) codes each; series are states x brands x packs in that order."""

    region: np.ndarray
    state: np.ndarray
    segment: np.ndarray
    brand: np.ndarray
    pack: np.ndarray


class Promotions(NamedTuple):
    """(series, periods) each: depth as a share of the list price; feature and display 0 or 1."""

    depth: np.ndarray
    feature: np.ndarray
    display: np.ndarray


class Life(NamedTuple):
    """(series,) each: the first period of a series, and the first one without it."""

    start: np.ndarray
    stop: np.ndarray


def list_prices(rng: np.random.Generator, size: MarketSize, law: SalesLaw, places: Places) -> np.ndarray:
    """EUR, (series, periods): rounds of new prices per brand and state, from a start by brand and pack."""
    start = np.exp(rng.normal(1.0, 0.4, size.brands))[places.brand] * (1 + places.pack) ** 0.9
    rounds = (np.arange(size.periods + size.planned) * law.price_rounds / size.periods_per_year).astype(int)
    steps = rng.normal(law.price_rise / max(law.price_rounds, 1), 0.03, (size.brands, size.states, rounds[-1] + 1))
    steps[:, :, 0] = 0.0
    path = steps.cumsum(axis=2)[places.brand, places.state]
    return np.round(start[:, None] * np.exp(path[:, rounds]), 2)


def promotions(rng: np.random.Generator, size: MarketSize, law: SalesLaw, places: Places) -> Promotions:
    """A calendar per brand and region, known ahead; some packs sit a promotion out."""
    length = {"day": 7 * SLOT_WEEKS, "week": SLOT_WEEKS, "month": 1}[size.frequency]
    slot = np.arange(size.periods + size.planned) // length
    shape = (size.brands, size.regions, slot[-1] + 1)
    depths = np.round(law.deepest * np.array([1 / 3, 2 / 3, 1.0]), 2)
    depth = np.where(rng.random(shape) < law.promotion_share, rng.choice(depths, shape), 0.0)
    feature, display = rng.random(shape) < FEATURED, rng.random(shape) < DISPLAYED
    along = rng.random((*shape[:2], size.packs, shape[2])) < PACKS_ALONG
    # One calendar per account and pack, (brands, regions, packs, slots), before it is spread over series and periods.
    taken = depth[:, :, None] * along
    spread = (places.brand, places.region, places.pack)
    flags = [((flag[:, :, None] & (taken > 0)).astype(float))[spread][:, slot] for flag in (feature, display)]
    return Promotions(taken[spread][:, slot], *flags)


def after(depth: np.ndarray) -> np.ndarray:
    """Depth one period ago plus half of that two periods ago, (series, periods): what pantries are still full of."""
    gone = np.zeros_like(depth)
    gone[:, 1:] += depth[:, :-1]
    gone[:, 2:] += 0.5 * depth[:, :-2]
    return gone


def rivals(depth: np.ndarray, size: MarketSize, places: Places) -> np.ndarray:
    """Mean depth of the segment's other brands in the same state and pack, (series, periods); 0 where there is none."""
    table = depth.reshape(size.states, size.brands, size.packs, -1)
    segment = places.segment.reshape(size.states, size.brands, size.packs)[0, :, 0]
    same = (segment[:, None] == segment[None, :]) & ~np.eye(size.brands, dtype=bool)
    weights = same / np.maximum(same.sum(axis=1), 1)[:, None]  # (brands, brands)
    return np.einsum("ij,sjpt->sipt", weights, table, optimize=True).reshape(depth.shape)


def lives(rng: np.random.Generator, size: MarketSize, law: SalesLaw, places: Places) -> Life:
    """Launches within the first four fifths of the history, delistings within its last two thirds, per brand-pack."""
    periods, count = size.periods, size.brands * size.packs
    place = rng.permutation(count)
    new, ended = (int(np.ceil(share * count)) if share else 0 for share in (law.new, law.ended))
    ended = min(ended, count - new - 1) if count > new + 1 else 0  # somebody has to stay
    start, stop = np.zeros(count, dtype=int), np.full(count, periods + size.planned)
    start[place[:new]] = rng.integers(periods // 5, 4 * periods // 5, new)
    stop[place[new : new + ended]] = rng.integers(periods // 3, periods - 1, ended)
    sku = places.brand * size.packs + places.pack
    return Life(start[sku], stop[sku])


def distribution(rng: np.random.Generator, size: MarketSize, places: Places, life: Life) -> np.ndarray:
    """Points of weighted distribution, (series, periods): slow waves per series, built up after a launch."""
    periods = np.arange(size.periods + size.planned)
    usual = FULL_DISTRIBUTION + rng.normal(0, 4, size.series) + rng.normal(0, 3, size.packs)[places.pack]
    knots = rng.normal(0, 5, (size.series, len(periods) // 8 + 2))
    place, between = np.divmod(periods / 8, 1)
    wave = knots[:, place.astype(int)] * (1 - between) + knots[:, place.astype(int) + 1] * between
    since = np.maximum(periods - life.start[:, None], 0)
    built = np.where(life.start[:, None] > 0, 1 - 0.8 * np.exp(-since / RAMP), 1.0)
    return np.round(np.clip((usual[:, None] + wave) * built, 1, 100), 1)


def empty_shelves(rng: np.random.Generator, size: MarketSize, law: SalesLaw) -> np.ndarray:
    """Booleans, (series, periods): stock-outs of one to three periods that together make up the declared share."""
    # A stock-out of at least k periods, k = 1 .. longest, begins with the share (longest + 1 - k) / longest of their chance,
    # and a shelf is full where none reaches it: they overlap.
    chances = np.linspace(0.0, 1.0, 1001)
    reach = np.arange(1, LONGEST_STOCK_OUT + 1) / LONGEST_STOCK_OUT
    chance = np.interp(law.stock_outs, 1.0 - np.prod(1.0 - chances[:, None] * reach, axis=1), chances)
    begins = rng.random((size.series, size.periods + size.planned)) < chance
    length = rng.integers(1, LONGEST_STOCK_OUT + 1, begins.shape)
    empty = begins.copy()
    for later in range(1, LONGEST_STOCK_OUT):
        empty[:, later:] |= begins[:, :-later] & (length[:, :-later] > later)
    return empty
