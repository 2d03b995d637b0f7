"""Small tables of a version whose numbers are known, so that what a picture's axes hold can be told."""

import numpy as np
import pandas as pd
import pytest

LEVELS = ["region", "brand"]


@pytest.fixture
def forecasts() -> pd.DataFrame:
    """Four series over 40 weeks: 30 of history, 6 held out, 4 to come; one is ten times as large as the others."""
    weeks = pd.date_range("2024-01-01", periods=40, freq="W-MON")
    keys = pd.MultiIndex.from_product([["North", "South"], ["Alba", "Brio"], weeks], names=[*LEVELS, "period"])
    frame = keys.to_frame(index=False)
    size = np.where((frame["region"] == "South") & (frame["brand"] == "Brio"), 1000.0, 100.0)
    place = np.tile(np.arange(40), 4)
    frame["part"] = np.select([place >= 36, place >= 30], ["future", "holdout"], "history")
    frame["forecast"] = size * (1 + 0.2 * np.sin(place))
    frame["actual"] = np.where(place >= 36, np.nan, size)
    return frame.assign(lower=frame["forecast"] * 0.8, upper=frame["forecast"] * 1.2)


@pytest.fixture
def contributions(forecasts) -> pd.DataFrame:
    """Components of the forecasts, one of them negative in half of the weeks."""
    parts = forecasts[[*LEVELS, "period", "part"]].copy()
    swing = forecasts["forecast"] * 0.1 * np.where(np.arange(len(parts)) % 2, 1, -1)
    return parts.assign(
        baseline=forecasts["forecast"] * 0.7 - swing, season=swing, price=forecasts["forecast"] * 0.3, holidays=0.0
    )
