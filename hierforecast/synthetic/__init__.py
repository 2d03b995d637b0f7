"""Made companies whose truth is known, so that recovery can be tested and the demo needs no one's data.

    from hierforecast import synthetic
    made = synthetic.company(seed=1)
    made.sales, made.media, made.truth.elasticities, made.truth.decay

    market = synthetic.market(seed=1, size=synthetic.MarketSize(states=25, brands=36, packs=9), law=synthetic.SalesLaw())
    market.panel, market.truth.parts, market.truth.effects, market.truth.contributions()

The same seed gives the same company or market. Tables end with planned periods whose target is unknown (NaN).
"""

from numbers import Integral
from typing import NamedTuple

import pandas as pd

from hierforecast.errors import PanelError
from hierforecast.options import FEWEST_WEEKS, MOST_WEEKS
from hierforecast.synthetic.assembly import Market, MarketTruth, make_market, true_drivers
from hierforecast.synthetic.declared import declare
from hierforecast.synthetic.law import MarketSize, SalesLaw, refuse_seed
from hierforecast.synthetic.media import MediaTruth, make_media
from hierforecast.synthetic.sales import SalesTruth, make_sales

__all__ = [
    "PLANNED_WEEKS",
    "MadeCompany",
    "Market",
    "MarketSize",
    "MarketTruth",
    "SalesLaw",
    "Truth",
    "company",
    "declare",
    "market",
    "true_drivers",
]

PLANNED_WEEKS = 13


class Truth(NamedTuple):
    """What made the data: see `SalesTruth` and `MediaTruth` for shapes and units."""

    sales: SalesTruth
    media: MediaTruth

    @property
    def elasticities(self) -> pd.DataFrame:
        """Price elasticity of every series: the level columns and `elasticity` (dimensionless, negative)."""
        return self.sales.elasticities

    @property
    def decay(self) -> pd.DataFrame:
        """Carry-over of every tactical: `tactical` and `decay` (share per week)."""
        return self.media.decay


class MadeCompany(NamedTuple):
    """The two panels of a company, and their truth."""

    sales: pd.DataFrame
    media: pd.DataFrame
    truth: Truth


def company(seed: int, *, weeks: int = 156, planned: int = PLANNED_WEEKS) -> MadeCompany:
    """Make a company of 288 series (12 states in 4 regions, 8 brands in 3 segments, 3 packs) and 8 tacticals.

    Args:
        seed: equal seeds give equal companies.
        weeks: weeks with a known target, from 2023-01-02 on; at least 60.
        planned: further weeks with drivers and media planned but the target unknown.

    Raises:
        PanelError: the seed or the weeks are out of range.
    """
    refuse_seed(seed, "company")
    if not isinstance(weeks, Integral) or not FEWEST_WEEKS <= weeks <= MOST_WEEKS:
        raise PanelError(f"a made company needs {FEWEST_WEEKS} to {MOST_WEEKS} weeks with a known target, got {weeks}")
    if not isinstance(planned, Integral) or not 0 <= planned <= MOST_WEEKS:
        raise PanelError(f"a made company can have 0 to {MOST_WEEKS} planned weeks, got {planned}")
    sales, sales_truth = make_sales(seed, weeks=weeks, planned=planned)
    media, media_truth = make_media(seed, weeks=weeks, planned=planned)
    return MadeCompany(sales, media, Truth(sales_truth, media_truth))


def market(*, size: MarketSize = MarketSize(), law: SalesLaw = SalesLaw(), seed: int) -> Market:  # noqa: B008  frozen
    """Make a sales panel of any size by a law that can be chosen number by number; see `assembly` for its equation.

    It has changing trends by brand, seasons and holidays by segment, rounds of list prices, planned promotions with
    depth, feature, display and the dip after them, distribution, media with carry-over and saturation, weather and
    mood, launches and delistings, rows that are missing and shelves that are empty; on request cannibalisation between
    brands and drivers that do nothing.

    Args:
        size: how many of everything.
        law: by which numbers units are sold.
        seed: equal seeds give equal markets; each part has a random stream of its own.

    Returns:
        `panel`: levels (categorical), the period column named by the frequency, `units`, drivers, `reference_price`;
        and `truth`, with every part of every row.

    Raises:
        PanelError: the seed is no whole number >= 0; or as `MarketSize` and `SalesLaw`.
    """
    refuse_seed(seed, "market")
    return make_market(seed, size, law)
