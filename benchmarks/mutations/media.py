"""A media table that lies."""

import numpy as np
import pandas as pd

from benchmarks.mutations.case import Case
from benchmarks.mutations.catalogue import mutation

SEEN = "search_brand_impressions"


def _row(case: Case, rng: np.random.Generator) -> int:
    return int(rng.integers(10, case.media["revenue"].notna().sum() - 10))


def _plant(case: Case, values: pd.Series) -> None:
    """In place of a tactical's impressions where revenue is known, none below 0."""
    usual = case.media[SEEN].astype(float)
    case.media = case.media.assign(**{SEEN: values.where(values.notna() & case.media["revenue"].notna(), usual).clip(lower=0)})


@mutation("media")
def a_column_is_missing(case: Case, rng: np.random.Generator) -> None:
    case.media = case.media.drop(columns=str(rng.choice(["revenue", SEEN, "holiday", "spot_day_spend", "week"])))


@mutation("media")
def a_week_is_there_twice(case: Case, rng: np.random.Generator) -> None:
    case.media = pd.concat([case.media, case.media.iloc[[_row(case, rng)]]], ignore_index=True)


@mutation("media")
def a_week_is_missing(case: Case, rng: np.random.Generator) -> None:
    case.media = case.media.drop(index=_row(case, rng)).reset_index(drop=True)


@mutation("media")
def a_date_lies_beside_the_grid(case: Case, rng: np.random.Generator) -> None:
    case.media.loc[_row(case, rng), "week"] += pd.Timedelta(days=2)


@mutation("media")
def negative_impressions(case: Case, rng: np.random.Generator) -> None:
    case.media = case.media.astype({SEEN: float})
    case.media.loc[_row(case, rng), SEEN] = -5.0


@mutation("media")
def text_among_impressions(case: Case, rng: np.random.Generator) -> None:
    case.media[SEEN] = case.media[SEEN].astype(str)
    case.media.loc[_row(case, rng), SEEN] = "12k"


@mutation("media")
def a_control_is_missing_in_a_week(case: Case, rng: np.random.Generator) -> None:
    case.media = case.media.astype({"price_index": float})
    case.media.loc[_row(case, rng), "price_index"] = np.nan


@mutation("media")
def no_impressions_are_planned(case: Case, rng: np.random.Generator) -> None:
    case.media.loc[case.media["revenue"].isna(), SEEN] = np.nan


@mutation("media")
def negative_revenue(case: Case, rng: np.random.Generator) -> None:
    case.media.loc[_row(case, rng), "revenue"] *= -1


@mutation("media")
def no_revenue_at_all(case: Case, rng: np.random.Generator) -> None:
    case.media["revenue"] = np.nan


@mutation("media")
def revenue_missing_in_between(case: Case, rng: np.random.Generator) -> None:
    case.media.loc[_row(case, rng), "revenue"] = np.nan


@mutation("media")
def money_without_a_single_impression(case: Case, rng: np.random.Generator) -> None:
    case.media[SEEN] = 0.0


@mutation("media")
def impressions_are_revenue(case: Case, rng: np.random.Generator) -> None:
    _plant(case, case.media["revenue"] * rng.uniform(0.1, 10))


@mutation("media")
def impressions_are_revenue_to_come(case: Case, rng: np.random.Generator) -> None:
    _plant(case, case.media["revenue"].shift(-int(rng.integers(1, 4))))


@mutation("media")
def impressions_add_up_revenue(case: Case, rng: np.random.Generator) -> None:
    _plant(case, case.media["revenue"].cumsum())


@mutation("media")
def a_control_is_nearly_revenue(case: Case, rng: np.random.Generator) -> None:
    spread = case.media["revenue"].std()
    near = case.media["revenue"] + rng.normal(0, 0.03 * spread, len(case.media))
    case.media["price_index"] = near.where(near.notna(), case.media["price_index"])


@mutation("media")
def revenue_turns_into_cents(case: Case, rng: np.random.Generator) -> None:
    late = case.media.index >= _row(case, rng)
    case.media.loc[late, "revenue"] *= 100


@mutation("media")
def the_last_weeks_repeat_earlier_ones(case: Case, rng: np.random.Generator) -> None:
    last = int(case.media["revenue"].notna().sum())
    back = int(rng.integers(14, 30))
    columns = [name for name in case.media.columns if name != "week"]
    case.media = case.media.astype(dict.fromkeys(columns, float))
    case.media.loc[case.media.index[last - 3 : last], columns] = (
        case.media[columns].iloc[last - 3 - back : last - back].to_numpy()
    )


@mutation("media")
def dates_with_a_time_zone(case: Case, rng: np.random.Generator) -> None:
    case.media["week"] = case.media["week"].dt.tz_localize("Europe/Berlin")
