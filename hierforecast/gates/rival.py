"""The champion as a rival: what its settings reach on the challenger's own held-out cells."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from hierforecast.results import ACTUAL, FORECAST, PERIOD


class Pairs(NamedTuple):
    """Absolute errors of both, (pairs,) each, as shares of what was sold: a pair per series, or per period of a single one."""

    challenger: np.ndarray
    champion: np.ndarray
    unit: Literal["series", "periods"] = "series"


class Rival(NamedTuple):
    """What the champion's settings reach on the same weeks: WAPE by level, shares, and the errors that can be paired.

    `wape` is None, and `why_not` says why, where there is nothing to compare. `itself`: its settings are the challenger's.
    """

    wape: Mapping[str, float] | None
    why_not: str = ""
    pairs: Pairs | None = None
    itself: bool = False


def pair_errors(challenger: pd.DataFrame, champion: pd.DataFrame, levels: Sequence[str]) -> Pairs:
    """Pair the errors of two forecasts on the cells that both have.

    The errors of a series are shares of its own volume, ``sum|f - y| / sum|y|``, so that a small one counts as much as a
    large one. A single series is paired period by period, in shares of its mean period.

    Args:
        challenger: held-out rows with the levels, `period`, `actual` and `forecast`.
        champion: likewise, of the other model.
        levels: the level columns; none for a national table.
    """
    keys = [*levels, PERIOD]
    both = challenger[[*keys, ACTUAL, FORECAST]].merge(champion[[*keys, FORECAST]], on=keys, suffixes=("", "_champion"))
    both = both.dropna(subset=[ACTUAL, FORECAST, f"{FORECAST}_champion"])
    actual = both[ACTUAL].to_numpy(float)
    cells = pd.DataFrame(
        {
            "sold": np.abs(actual),
            "challenger": np.abs(both[FORECAST].to_numpy(float) - actual),
            "champion": np.abs(both[f"{FORECAST}_champion"].to_numpy(float) - actual),
        }
    )
    single = not levels or both[list(levels)].drop_duplicates().shape[0] < 2
    if single:
        sums = cells.assign(sold=cells["sold"].mean())
    else:
        sums = cells.groupby([both[level] for level in levels], observed=True).sum()
    sums = sums[sums["sold"] > 0]
    shares = sums[["challenger", "champion"]].div(sums["sold"], axis=0)
    return Pairs(shares["challenger"].to_numpy(), shares["champion"].to_numpy(), "periods" if single else "series")
