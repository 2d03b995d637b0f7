"""What the exposures of some weeks bring, in those weeks and in all later ones.

    effect = sum_t beta (f(a[t]) - f(a_without[t])),   t = first week of the window .. until nothing is carried over

a_without is the carried exposure of the same history without the window's exposures of that tactical: other weeks stay, and
so does what they do to saturation. After the last week there is no exposure, and the carry-over runs out: after `memory`
periods, or where the memory is exact after the k-th with decay^k < 1e-6.

Inside, carried exposure is counted in half saturations, u = a / half, so f(a) = S(u) / S(1 / half) with one curve S.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast.errors import PanelError
from hierforecast.precision.adstock import geometric
from hierforecast.precision.response import Coefficients, SaturationKind, Weeks

GONE = 1e-6  # share of an exposure's effect below which nothing more is counted
LONGEST = 5_000  # periods after the last week; a decay so near 1 that more would matter is a level, not a carry-over
STEEPEST_AT = 1e-9  # half saturations; a Hill curve of slope < 1 is infinitely steep at 0, its slope is taken from here on


class Bends(NamedTuple):
    """An effect in target units and its derivatives by carried exposure; what comes after the reach is in its last week."""

    effect: np.ndarray  # (draws,)
    steep: np.ndarray  # (draws, reach)
    bend: np.ndarray  # (draws, reach) second derivatives


class Reach(NamedTuple):
    """One tactical, the exposures of a window, and every week they act in: (draws, reach) and the run-out after it."""

    kind: SaturationKind
    worth: np.ndarray  # (draws,) target units per unit of S
    slope: np.ndarray  # (draws,)
    weights: np.ndarray  # (draws, reach) half saturations that a typical on-air week brings so many periods later
    fixed: np.ndarray  # (draws, reach) half saturations carried from all other weeks
    plan: np.ndarray  # (window,) exposures, multiples of a typical on-air week
    places: np.ndarray  # (window,) the window's weeks within the reach
    late_draw: np.ndarray  # (entries,) the draw of every entry of the run-out
    late_share: np.ndarray  # (entries,) what is left of the last week's carried exposure
    without: np.ndarray  # (draws,) target units that all other weeks' exposures bring within the reach

    def carried(self, exposure: np.ndarray) -> np.ndarray:
        """(draws, reach) half saturations where the window has these (window,) exposures."""
        reach = self.weights.shape[1]
        whole = np.zeros(reach)
        whole[self.places] = exposure
        return self.fixed + self.weights @ _lagged(whole, lags=reach, start=0, weeks=reach)

    def effect(self, exposure: np.ndarray) -> np.ndarray:
        """(draws,) target units that these (window,) exposures bring beyond none, carry-over included."""
        return self.brought(self.carried(exposure)) - self.without

    def bends(self, exposure: np.ndarray) -> "Bends":
        """The effect of these (window,) exposures and its derivatives by the carried exposure of every week."""
        carried = self.carried(exposure)
        value, steep, bend = curve(self.kind, carried, self.slope[:, None])
        total = value.sum(axis=1)
        if self.late_draw.size:
            late = curve(self.kind, self._late(carried), self.slope[self.late_draw])
            total += self._per_draw(late[0])
            steep[:, -1] += self._per_draw(late[1] * self.late_share)
            bend[:, -1] += self._per_draw(late[2] * self.late_share**2)
        worth = self.worth[:, None]
        return Bends(self.worth * total - self.without, worth * steep, worth * bend)

    def own(self, exposure: np.ndarray) -> np.ndarray:
        """(draws, reach) half saturations that these (window,) exposures carry by themselves."""
        return self.carried(exposure) - self.fixed

    def lagged_weights(self, week: int) -> np.ndarray:
        """(draws, window) what every exposure of the window carries into a week of the reach."""
        back = week - self.places
        return np.where(back >= 0, self.weights[:, np.maximum(back, 0)], 0.0)

    def slope_along(self, exposure: np.ndarray) -> np.ndarray:
        """(draws,) target units per unit of eps where the window's exposures become (1 + eps) times these."""
        return (self.bends(exposure).steep * self.own(exposure)).sum(axis=1)

    def brought(self, carried: np.ndarray) -> np.ndarray:
        """(draws,) target units of all the reach for (draws, reach) carried exposure."""
        total = curve(self.kind, carried, self.slope[:, None])[0].sum(axis=1)
        if self.late_draw.size:
            total += self._per_draw(curve(self.kind, self._late(carried), self.slope[self.late_draw])[0])
        return self.worth * total

    def _late(self, carried: np.ndarray) -> np.ndarray:
        return carried[self.late_draw, -1] * self.late_share

    def _per_draw(self, entries: np.ndarray) -> np.ndarray:
        return np.bincount(self.late_draw, weights=entries, minlength=len(self.worth))


def reach_of(tactical: int, coefficients: Coefficients, weeks: Weeks, window: np.ndarray) -> Reach:
    """Prepare one tactical.

    Args:
        tactical: its place.
        coefficients: draws.
        weeks: the weeks, with those before them.
        window: (weeks,) bool, the weeks whose exposures are looked at; at least one.
    """
    kind, memory = coefficients.saturation.kind, coefficients.memory
    decay = coefficients.decay[:, tactical]
    half, slope = coefficients.saturation.half[:, tactical], coefficients.saturation.slope[:, tactical]
    if kind == "none":
        half = slope = np.ones(len(decay))
    earlier, within = weeks.before.shape[1], np.flatnonzero(window)
    first, last = int(within[0]), int(within[-1])
    end = len(window) if memory is None else last + memory
    whole = np.concatenate([weeks.before[tactical], weeks.media[tactical], np.zeros(max(end - len(window), 0))])
    whole[earlier + within] = 0.0
    lags = earlier + end
    weights = geometric(np.arange(lags) == 0, decay, memory=memory) / half[:, None]
    fixed = weights @ _lagged(whole, lags=lags, start=earlier + first, weeks=end - first)
    late_draw, late_share = _run_out(kind, decay, slope) if memory is None else (np.empty(0, dtype=int), np.empty(0))
    reach = Reach(
        kind=kind,
        worth=coefficients.beta[:, tactical] / curve(kind, 1.0 / half, slope)[0],
        slope=slope,
        weights=np.ascontiguousarray(weights[:, : end - first]),
        fixed=fixed,
        plan=weeks.media[tactical, within],
        places=within - first,
        late_draw=late_draw,
        late_share=late_share,
        without=np.zeros(len(decay)),
    )
    return reach._replace(without=reach.brought(fixed))


def curve(kind: SaturationKind, carried: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """S(u), S'(u) and S''(u) at once: u, log(1 + u) or u^slope / (1 + u^slope); u in half saturations."""
    if kind == "none":
        return carried, np.ones_like(carried), np.zeros_like(carried)
    if kind == "log":
        steep = 1.0 / (1.0 + carried)
        return np.log1p(carried), steep, -(steep**2)
    safe = np.maximum(carried, STEEPEST_AT)
    power = safe**slope
    value = power / (1.0 + power)
    steep = slope * value / (safe * (1.0 + power))
    return np.where(carried > 0, value, 0.0), steep, steep / safe * (slope - 1.0 - 2.0 * slope * value)


def weeks_between(periods: pd.Series, first: object = None, last: object = None) -> np.ndarray:
    """The (weeks,) bool window from one period to another, both included; the first or the last week if not given.

    Raises:
        PanelError: no week lies between them.
    """
    dates = pd.to_datetime(periods).to_numpy()
    inside = np.ones(len(dates), dtype=bool)
    if first is not None:
        inside &= dates >= pd.Timestamp(first)
    if last is not None:
        inside &= dates <= pd.Timestamp(last)
    if not inside.any():
        told = f"{pd.Timestamp(dates[0]):%Y-%m-%d} .. {pd.Timestamp(dates[-1]):%Y-%m-%d}"
        raise PanelError(f"no period lies between {first} and {last}; the weeks are {told}")
    return inside


def check_window(window: np.ndarray | None, weeks: Weeks) -> np.ndarray:
    """The (weeks,) bool window; all weeks if not given. Raises PanelError for another shape or an empty one."""
    count = weeks.media.shape[1]
    if window is None:
        return np.ones(count, dtype=bool)
    window = np.asarray(window)
    if window.shape != (count,) or window.dtype != bool or not window.any():
        raise PanelError(
            f"window must be bool, one per week and true for at least one: wanted shape {(count,)}, got "
            f"{int(np.count_nonzero(window))} true of {window.dtype} {window.shape}; `weeks_between` makes one from dates"
        )
    return window


def check_spend(spend: np.ndarray, weeks: Weeks) -> np.ndarray:
    """The (weeks, tacticals) spend as floats. Raises PanelError where it is of another shape, negative or not known."""
    spend = np.asarray(spend, dtype=float)
    wanted = weeks.media.shape[::-1]
    if spend.shape != wanted:
        raise PanelError(f"spend must be (weeks, tacticals) in currency: wanted shape {wanted}, got {spend.shape}")
    bad = ~(np.isfinite(spend) & (spend >= 0))
    if bad.any():
        week, tactical = np.argwhere(bad)[0]
        raise PanelError(
            f"spend of tactical number {tactical + 1} is {spend[week, tactical]:g} in week {week + 1}; "
            "it must be known and >= 0, write 0 where nothing was spent"
        )
    return spend


def _lagged(whole: np.ndarray, *, lags: int, start: int, weeks: int) -> np.ndarray:
    """(lags, weeks) the exposure so many periods before each of the weeks from `start` on, 0 before the first."""
    place = start + np.arange(weeks) - np.arange(lags)[:, None]
    return np.where(place >= 0, whole[np.maximum(place, 0)], 0.0)


def _run_out(kind: SaturationKind, decay: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw and share of the carried exposure for every period after the last week, as long as something acts."""
    if kind == "none":  # decay + decay^2 + ... in one entry
        return np.arange(len(decay)), decay / (1.0 - decay)
    falls = np.log(np.maximum(decay, 1e-300)) * (np.minimum(slope, 1.0) if kind == "hill" else 1.0)
    periods = np.minimum(np.ceil(np.log(GONE) / falls), LONGEST).astype(int)
    draw = np.repeat(np.arange(len(decay)), periods)
    step = np.arange(len(draw)) - np.repeat(np.cumsum(periods) - periods, periods) + 1
    return draw, decay[draw] ** step
