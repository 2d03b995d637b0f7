"""A sales table that lies: keys, types, bounds, calendar, units, and drivers that know what will be sold."""

import numpy as np
import pandas as pd

from benchmarks.mutations.case import Case
from benchmarks.mutations.catalogue import mutation

LEVELS = ["region", "state", "segment", "brand", "pack"]
DRIVER = "tv_spend"  # has no declared upper bound, so only what is planted is wrong with it


def _known(case: Case) -> np.ndarray:
    """Positions of rows with known units."""
    return np.flatnonzero(case.sales["units"].notna())


def _some(case: Case, rng: np.random.Generator, share: float = 0.01) -> pd.Index:
    rows = _known(case)
    return case.sales.index[rng.choice(rows, max(1, int(share * len(rows))), replace=False)]


def _by_series(case: Case) -> pd.api.typing.DataFrameGroupBy:
    return case.sales.groupby(LEVELS, observed=True)


def _weeks(case: Case) -> list[pd.Timestamp]:
    """Weeks with known units."""
    return sorted(case.sales.loc[case.sales["units"].notna(), "week"].unique())


def _overwrite(case: Case, column: str, values: pd.Series | np.ndarray) -> None:
    """Put planted values where units are known; plans stay as they were."""
    known = case.sales["units"].notna()
    planted = pd.Series(np.asarray(values, dtype=float), index=case.sales.index)
    usual = case.sales[column].astype(float)
    case.sales = case.sales.assign(**{column: planted.where(known & planted.notna(), usual)})


@mutation("sales")
def a_column_is_missing(case: Case, rng: np.random.Generator) -> None:
    case.sales = case.sales.drop(columns=str(rng.choice(["units", "price", "week", "brand", "tv_spend"])))


@mutation("sales")
def a_column_is_misspelt(case: Case, rng: np.random.Generator) -> None:
    name = str(rng.choice(["units", "price", "state", "temperature"]))
    case.sales = case.sales.rename(columns={name: name.upper()})


@mutation("sales")
def rows_are_repeated(case: Case, rng: np.random.Generator) -> None:
    case.sales = pd.concat([case.sales, case.sales.loc[_some(case, rng)]], ignore_index=True)


@mutation("sales")
def keys_are_repeated_with_other_numbers(case: Case, rng: np.random.Generator) -> None:
    again = case.sales.loc[_some(case, rng)].copy()
    again["units"] *= 0.5
    case.sales = pd.concat([case.sales, again], ignore_index=True)


@mutation("sales")
def text_among_prices(case: Case, rng: np.random.Generator) -> None:
    case.sales = case.sales.astype({"price": object})
    case.sales.loc[_some(case, rng, 0.001), "price"] = str(rng.choice(["n/a", "2,49 EUR", "#REF!"]))
    case.sales = case.sales.astype({"price": str})


@mutation("sales")
def infinite_spend(case: Case, rng: np.random.Generator) -> None:
    case.sales = case.sales.astype({"tv_spend": float})
    case.sales.loc[_some(case, rng, 0.001), "tv_spend"] = np.inf


@mutation("sales")
def negative_units(case: Case, rng: np.random.Generator) -> None:
    rows = _some(case, rng)
    case.sales.loc[rows, "units"] = -case.sales.loc[rows, "units"].abs() - 1


@mutation("sales")
def negative_prices(case: Case, rng: np.random.Generator) -> None:
    rows = _some(case, rng)
    case.sales.loc[rows, "price"] = -case.sales.loc[rows, "price"]


@mutation("sales")
def prices_are_missing_in_history(case: Case, rng: np.random.Generator) -> None:
    case.sales.loc[_some(case, rng), "price"] = np.nan


@mutation("sales")
def units_are_missing_in_history(case: Case, rng: np.random.Generator) -> None:
    case.sales.loc[_some(case, rng), "units"] = np.nan


@mutation("sales")
def no_units_at_all(case: Case, rng: np.random.Generator) -> None:
    case.sales["units"] = np.nan


@mutation("sales")
def nameless_nodes(case: Case, rng: np.random.Generator) -> None:
    case.sales = case.sales.astype({"brand": object})
    case.sales.loc[_some(case, rng), "brand"] = str(rng.choice(["", "  "])) if rng.random() < 0.5 else None


@mutation("sales")
def dates_written_day_first(case: Case, rng: np.random.Generator) -> None:
    case.sales["week"] = case.sales["week"].dt.strftime("%d/%m/%Y")


@mutation("sales")
def dates_as_plain_numbers(case: Case, rng: np.random.Generator) -> None:
    case.sales["week"] = case.sales["week"].dt.strftime("%Y%m%d").astype(int)


@mutation("sales")
def some_dates_are_a_day_late(case: Case, rng: np.random.Generator) -> None:
    late = case.sales["week"] == rng.choice(_weeks(case)[5:-5])
    case.sales.loc[late, "week"] += pd.Timedelta(days=1)


@mutation("sales")
def a_week_is_missing(case: Case, rng: np.random.Generator) -> None:
    case.sales = case.sales[case.sales["week"] != rng.choice(_weeks(case)[5:-5])]


@mutation("sales")
def the_last_week_is_half_there(case: Case, rng: np.random.Generator) -> None:
    last = np.flatnonzero(case.sales["week"] == _weeks(case)[-1])
    gone = rng.choice(last, int(0.7 * len(last)), replace=False)
    case.sales.loc[case.sales.index[gone], "units"] = np.nan
    case.sales = case.sales.drop(index=case.sales.index[gone])


@mutation("sales")
def the_last_week_is_all_zero(case: Case, rng: np.random.Generator) -> None:
    case.sales.loc[case.sales["week"] == _weeks(case)[-1], "units"] = 0.0


@mutation("sales")
def an_empty_table(case: Case, rng: np.random.Generator) -> None:
    case.sales = case.sales.head(0)


@mutation("sales")
def a_state_moves_to_another_region(case: Case, rng: np.random.Generator) -> None:
    case.settings["sales"]["checks"] = {"nested": [["region", "state"]]}
    regions = list(case.sales["region"].astype(str).unique())
    case.sales = case.sales.astype({"region": object})
    state = rng.choice(list(case.sales["state"].unique()))
    here = (case.sales["state"] == state) & (case.sales["week"] >= _weeks(case)[len(_weeks(case)) // 2])
    own = str(case.sales.loc[here, "region"].iloc[0])
    case.sales.loc[here, "region"] = str(rng.choice([name for name in regions if name != own]))


@mutation("sales")
def prices_turn_into_cents(case: Case, rng: np.random.Generator) -> None:
    late = case.sales["week"] >= rng.choice(_weeks(case)[10:-2])
    case.sales.loc[late, "price"] *= 100


@mutation("sales")
def units_turn_into_thousands(case: Case, rng: np.random.Generator) -> None:
    late = case.sales["week"] >= rng.choice(_weeks(case)[10:-2])
    case.sales.loc[late, "units"] *= 1000


@mutation("sales")
def spend_turns_into_another_currency(case: Case, rng: np.random.Generator) -> None:
    late = case.sales["week"] >= rng.choice(_weeks(case)[20:-20])
    case.sales = case.sales.astype({"tv_spend": float})
    case.sales.loc[late, "tv_spend"] *= 150


@mutation("sales")
def the_last_weeks_repeat_earlier_ones(case: Case, rng: np.random.Generator) -> None:
    weeks = _weeks(case)
    back = int(rng.integers(14, 30))
    earlier = case.sales.assign(week=case.sales["week"] + pd.Timedelta(weeks=back)).set_index([*LEVELS, "week"])["units"]
    keys = pd.MultiIndex.from_frame(case.sales[[*LEVELS, "week"]])
    copied = pd.Series(earlier.reindex(keys).to_numpy(), index=case.sales.index)
    late = case.sales["week"].between(weeks[-4], weeks[-1]) & copied.notna()
    case.sales.loc[late, "units"] = copied[late]


@mutation("sales")
def units_known_in_a_far_future(case: Case, rng: np.random.Generator) -> None:
    case.sales["week"] += pd.Timedelta(weeks=52 * int(rng.integers(10, 60)))


@mutation("sales")
def weather_known_in_advance(case: Case, rng: np.random.Generator) -> None:
    case.sales["temperature"] = case.sales["temperature"].fillna(12.0)


@mutation("sales")
def a_driver_is_the_target(case: Case, rng: np.random.Generator) -> None:
    _overwrite(case, DRIVER, case.sales["units"])


@mutation("sales")
def a_driver_is_the_target_to_come(case: Case, rng: np.random.Generator) -> None:
    _overwrite(case, DRIVER, _by_series(case)["units"].shift(-int(rng.integers(1, 5))))


@mutation("sales")
def a_driver_is_a_share_of_the_target(case: Case, rng: np.random.Generator) -> None:
    _overwrite(case, DRIVER, case.sales["units"] * (0.1 + _by_series(case).ngroup() % 7))


@mutation("sales")
def a_driver_adds_up_the_target(case: Case, rng: np.random.Generator) -> None:
    _overwrite(case, DRIVER, _by_series(case)["units"].cumsum())


@mutation("sales")
def a_driver_is_nearly_the_target(case: Case, rng: np.random.Generator) -> None:
    spread = _by_series(case)["units"].transform("std")
    _overwrite(case, DRIVER, (case.sales["units"] + rng.normal(0, 0.05, len(case.sales)) * spread).clip(lower=0))


@mutation("sales")
def a_driver_is_the_logarithm_of_the_target(case: Case, rng: np.random.Generator) -> None:
    _overwrite(case, DRIVER, np.log1p(case.sales["units"]))


@mutation("sales")
def a_driver_averages_the_weeks_around(case: Case, rng: np.random.Generator) -> None:
    smooth = _by_series(case)["units"].transform(lambda units: units.rolling(3, center=True).mean())
    _overwrite(case, DRIVER, smooth)


@mutation("sales")
def a_level_is_made_of_the_target(case: Case, rng: np.random.Generator) -> None:
    band = pd.cut(case.sales["units"].rank(pct=True).fillna(0.5), 5, labels=list("abcde")).astype(str)
    case.sales = case.sales.assign(band=band)
    case.settings["sales"]["levels"] = [*LEVELS, "band"]
    case.settings["sales"]["gaps"] = "allow"
