"""What an analyst derives from the public "frat" benchmark's own columns before fitting, all of it known ahead.

Discounts saturate, stores promote competing products together, and a promotion in its second week sells less: these are
columns of the panel like any other. The data date a week by its last day; here it is dated by its first, as the calendar of
the model expects. Nothing here reads the target.

    python -m benchmarks.frat_columns ../shared/data/frat/frat.parquet frat.parquet
    ./start.sh --settings benchmarks/frat.yaml --sales frat.parquet
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

KEYS = ["store_id", "upc_id"]
WEEK_DAYS = pd.Timedelta(days=6)  # from a week's first day to its last
DEEPEST, HIGHEST = -1.2, 0.3  # log price over base price: data errors lie beyond
BASE_REACH = 0.7  # log base price over its mean
HINGES = (0.15, 0.3, 0.5)  # log discounts from which on more of it has another effect


def main() -> None:
    """Write the panel with its derived columns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    derive(pd.read_parquet(args.data)).to_parquet(args.out, index=False)
    print(args.out)


def derive(panel: pd.DataFrame) -> pd.DataFrame:
    """The panel with the derived columns; rows of the plan are derived from the plan itself."""
    panel = panel.sort_values([*KEYS, "week"], kind="stable")
    usable = (panel["price"] > 0) & (panel["base_price"] > 0)
    ratio = (panel["price"] / panel["base_price"]).where(usable, 1.0)
    depth = np.log(ratio).clip(DEEPEST, HIGHEST)
    shown = panel[["feature", "display"]].max(axis=1)
    base = np.log(panel["base_price"].where(panel["base_price"] > 0)).groupby([panel[key] for key in KEYS])
    before = _last_week(panel, pd.DataFrame({"depth": depth, "shown": shown}))
    columns = {
        "week": panel["week"] - WEEK_DAYS,
        "discount": depth,
        "discount_squared": depth**2,
        **{f"discount_beyond_{int(100 * hinge)}": np.maximum(-depth - hinge, 0.0) for hinge in HINGES},
        "promoted": ((depth < -0.05) | (shown > 0)).astype(float),
        "base_level": base.ffill()
        .fillna(base.transform("mean"))
        .sub(base.transform("mean"))
        .fillna(0.0)
        .clip(-BASE_REACH, BASE_REACH),
        "discount_again": np.minimum(np.maximum(-depth, 0.0), np.maximum(-before["depth"], 0.0)),
        "shown_again": shown * before["shown"],
    }
    derived = panel.assign(**columns)
    # These come last: they need the columns above.
    for name in ("discount", "feature", "display"):
        derived[f"{name}_of_others"] = _mean_of_others(derived, name)
    return derived.sort_index()


def _last_week(panel: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """Values of the same series one week earlier; 0 where there is no row."""
    groups = [panel[key] for key in KEYS]
    followed = panel["week"] - panel.groupby(KEYS)["week"].shift(1) == pd.Timedelta(days=7)
    return values.groupby(groups).shift(1).where(followed, 0.0)


def _mean_of_others(panel: pd.DataFrame, name: str) -> pd.Series:
    """Mean over the other products of a brand in the same store, category and week; 0 where there is none."""
    groups = panel.groupby(["store_id", "brand", "category", "week"])[name]
    count = groups.transform("count")
    return ((groups.transform("sum") - panel[name]) / (count - 1).clip(lower=1)).where(count > 1, 0.0)


if __name__ == "__main__":
    main()
