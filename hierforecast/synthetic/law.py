"""How large a made market is and by which law it sells: every number with its bounds and its reason.

The reasons are shown as help on the command line (`python -m flows.simulate_data --help`).
"""

from dataclasses import dataclass, field, fields
from datetime import date
from numbers import Integral
from typing import Any

import pandas as pd

from hierforecast.errors import PanelError, nearest

FREQUENCIES = {"day": "D", "week": "W-MON", "month": "MS"}
STOCK_OUT_ROWS = ("zero", "missing")
MOST_ROWS = 60_000_000  # what 64 GB of memory hold with their truth


def _number(default: float, least: float, most: float, why: str) -> Any:
    return field(default=default, metadata={"least": least, "most": most, "why": why})


def _word(default: str, choices: tuple[str, ...], why: str) -> Any:
    return field(default=default, metadata={"choices": choices, "why": why})


def _refuse_outside(options: Any, what: str) -> None:
    """Raise a PanelError for the first field that is no number, out of bounds, or none of its choices."""
    for item in fields(options):
        value, bounds = getattr(options, item.name), item.metadata
        if "choices" in bounds:
            if value not in bounds["choices"]:
                raise PanelError(f"{what}: {item.name} is {value!r}; {nearest(str(value), bounds['choices'])}")
        elif "least" in bounds:
            whole = isinstance(item.default, int)
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
                raise PanelError(f"{what}: {item.name} must be a {'whole ' if whole else ''}number, got {value!r}")
            if not bounds["least"] <= value <= bounds["most"]:
                raise PanelError(f"{what}: {item.name} must lie in {bounds['least']} to {bounds['most']}, got {value}")


def refuse_seed(seed: Any, what: str) -> None:
    """Raise a PanelError for a seed that no generator takes."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise PanelError(f"a made {what} needs a seed of 0 or more, got {seed!r}; any such whole number will do")


@dataclass(frozen=True)
class MarketSize:
    """How many of everything. Series are states x brands x packs; regions group states, segments group brands.

    Raises:
        PanelError: a number is out of bounds, there are more regions than states or segments than brands, or the
            market would have more rows than memory holds.
    """

    regions: int = _number(4, 1, 1000, "groups of states; television is bought by region")
    states: int = _number(12, 1, 100_000, "places of sale; weather and local prices differ by state")
    segments: int = _number(3, 1, 1000, "groups of brands; season and holidays differ by segment")
    brands: int = _number(8, 1, 10_000, "elasticity, promotions and trend differ by brand")
    packs: int = _number(3, 1, 1000, "pack sizes of every brand; larger packs are more elastic")
    periods: int = _number(156, 8, 20_000, "periods with a known target; three years show a season three times")
    planned: int = _number(13, 0, 1000, "further periods with drivers planned and the target unknown")
    frequency: str = _word("week", tuple(FREQUENCIES), "what a period is")
    first: str = field(default="2021-01-04", metadata={"why": "date from which the first period is counted"})

    def __post_init__(self) -> None:
        _refuse_outside(self, "MarketSize")
        for groups, members in (("regions", "states"), ("segments", "brands")):
            if getattr(self, groups) > getattr(self, members):
                raise PanelError(
                    f"MarketSize: {getattr(self, groups)} {groups} need at least as many {members}, "
                    f"got {getattr(self, members)}; ask for fewer {groups}"
                )
        if self.rows > MOST_ROWS:
            raise PanelError(f"MarketSize: {self.rows} rows are more than {MOST_ROWS}; make several smaller markets")
        try:
            date.fromisoformat(self.first)
        except (TypeError, ValueError):
            raise PanelError(f"MarketSize: first must be a date such as 2021-01-04, got {self.first!r}") from None

    @property
    def series(self) -> int:
        """Number of series, before any is new or has ended."""
        return self.states * self.brands * self.packs

    @property
    def rows(self) -> int:
        """Rows at most, planned ones included: those of a market where nothing is missing."""
        return self.series * (self.periods + self.planned)

    @property
    def dates(self) -> pd.DatetimeIndex:
        """First day of every period, planned ones included."""
        first = pd.Timestamp(date.fromisoformat(self.first))
        first = first.replace(day=1) if self.frequency == "month" else first
        return pd.date_range(first, periods=self.periods + self.planned, freq=FREQUENCIES[self.frequency])

    @property
    def periods_per_year(self) -> float:
        """Of this frequency."""
        return {"day": 365.25, "week": 365.25 / 7, "month": 12.0}[self.frequency]


@dataclass(frozen=True)
class SalesLaw:
    """By which law units are sold; effects are on the log scale, see `assembly` for the equation.

    Raises:
        PanelError: a number is out of bounds.
    """

    trend_sd: float = _number(0.06, 0, 1, "log growth / year, sd over brands; changes its slope every half year")
    season_height: float = _number(0.18, 0, 2, "half of the log distance between high and low season, by segment")
    holiday_lift: float = _number(0.25, 0, 2, "log units in a week with Christmas; Easter and summer have less")
    level_sd: float = _number(0.06, 0, 1, "sd of what drifts in a series without any cause; keeps for months")
    noise: float = _number(0.12, 0, 1, "sd of the log error that is new in every row")
    elasticity: float = _number(-2.2, -6, -0.2, "of price; packaged food is mostly between -1.5 and -3")
    elasticity_sd: float = _number(0.35, 0, 2, "sd over brands; packs add theirs")
    price_rounds: int = _number(2, 0, 12, "rounds of new list prices a year")
    price_rise: float = _number(0.03, -0.2, 0.5, "log rise of list prices a year")
    price_noise: float = _number(0.03, 0, 0.3, "sd of log shelf prices about the list, by series and period")
    promotion_share: float = _number(0.15, 0, 0.9, "share of two-week slots in which a brand is promoted in a region")
    deepest: float = _number(0.3, 0.05, 0.6, "deepest of the three promotion depths, a share of the list price")
    depth_lift: float = _number(0.6, 0, 5, "log units per depth of 1 beyond what the lower price does: the deal as a signal")
    feature_lift: float = _number(0.2, 0, 2, "log units of a leaflet")
    display_lift: float = _number(0.3, 0, 2, "log units of a second placement")
    dip: float = _number(0.4, 0, 3, "log units lost per depth of 1 one period after (half of it two after): full pantries")
    cannibalisation: float = _number(0.0, 0, 3, "log units lost per mean depth of 1 of the segment's other brands; 0 is none")
    tv_lift: float = _number(0.2, 0, 2, "log units of television at full saturation")
    tv_decay: float = _number(0.6, 0, 0.95, "share of television's effect carried to the next period")
    tv_half: float = _number(40.0, 1, 1000, "carried kEUR / period at which television has half of its effect")
    digital_lift: float = _number(0.1, 0, 2, "log units per log1p of carried digital spend over its half")
    digital_decay: float = _number(0.2, 0, 0.95, "share of digital's effect carried to the next period")
    digital_half: float = _number(20.0, 1, 1000, "carried kEUR / period that counts as one")
    trade_lift: float = _number(0.01, 0, 1, "log units per kEUR of trade spend")
    distribution_lift: float = _number(0.012, 0, 0.2, "log units per point of weighted distribution")
    temperature_lift: float = _number(0.008, 0, 0.2, "log units per degree Celsius, where the segment likes warmth")
    confidence_lift: float = _number(0.012, 0, 0.2, "log units per point of consumer confidence")
    new: float = _number(0.08, 0, 0.5, "share of brand-packs launched during the history")
    ended: float = _number(0.05, 0, 0.5, "share of brand-packs delisted during the history")
    missing: float = _number(0.01, 0, 0.5, "share of rows that were never delivered")
    stock_outs: float = _number(0.01, 0, 0.5, "share of rows in which nothing was left to sell")
    stock_out_rows: str = _word("zero", STOCK_OUT_ROWS, "whether an empty shelf is a row with 0 units or no row")
    noise_drivers: int = _number(0, 0, 500, "columns noise_001 ... that do nothing: white, persistent, seasonal, price-like")

    def __post_init__(self) -> None:
        _refuse_outside(self, "SalesLaw")
