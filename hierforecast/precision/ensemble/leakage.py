"""No metric may know the target: not copied, rescaled, summed up, taken from its future, nor all tacticals together.

Every column x of a lagged metric, and the sum of a metric over its tacticals, is laid beside the target at k = -4 .. 4:

    level    r  = corr(x[t], y[t+k])
    season   r' = corr(x'[t], y'[t+k]), ' = residual of a regression on 1, t, sin and cos of 2 pi p t / year, p = 1 .. 4
    change   r" = corr(x'[t] - x'[t-1], y'[t+k] - y'[t+k-1])
    noise   q  = (1/r'^2 - 1) var(y') / ((1/r^2 - 1) var(y)), the noise that makes x of y, beside season and in all

and once more with x[t] - x[t-1] in place of x, which finds a running total of the target. The shift at which r' and r"
sum to most is the column's; k > 0 is the target's future, k < 0 its past. With the threshold h (0.97):

    stop    |r| surely beyond h, |r'| >= 0.8, |r"| beyond chance, q >= 0.7   a copy, noise or not
            or |r'| or |r"| >= 1 - (1 - h) / 6                               a copy behind another trend or season
            and the changes x[t] - x[t-1], y[t+k] - y[t+k-1] agree in rank   >= 0.6: not one huge week that both share
            or any of r, r', r" is 1 to six digits
    warn    |r| >= h - 0.05, |r'| >= 0.5, |r"| beyond chance; or |r'| >= h - 0.05 and |r"| beyond chance
            and whatever would stop at k < 0: the target's own past is known in time, but it explains in media's place

with "surely" two standard errors of atanh(r), 1 / sqrt(weeks - 3) (Fisher 1921), and "beyond chance" four of them.

A correlation alone cannot tell a noisy copy from a strong driver; the other numbers can. A driver and its target share
trend and season (r high, r' low), or the target has a trend and a season beside its driver (q low); a copy carries both,
and q is 1.

Measured on 500 made companies of 104, 156 and 260 weeks, in which trend and season are 10, 55 or 80 % of the variance:

    stop 500, else 0    the target; led by 1 or 2; its running total; with noise to r = 0.99, of now or led by 2
    warn 500, else 0    the target with noise to r = 0.95; its past; a steady or a seasonal medium that causes 90 % of the
                        target, 0 to 80 % of the rest being season and trend; a Christmas that both share
    pass 500, else 0    the medium that did cause 10 to 60 % together with two others; random gamma columns; a random walk,
                        also beside a random walk; a trending medium beside trending sales
    0 findings          in 500 times 12 gamma columns beside normal noise over 100 weeks

Not found: a moving average over the target's future, a total that starts anew each year, a copy in part of the weeks
only. Reported although innocent: a medium that alone determines the target, with less than 1 % of the variance beside it;
two curves without noise.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

FURTHEST = 4  # weeks
MIN_WEEKS = 16  # fewer pairs than this agree by chance
ALL_TACTICALS = "all tacticals"
STOP, WARN = "stop", "warn"
WEEKS_PER_YEAR = 365.25 / 7
_PAIRS, _WEEKS_PER_PAIR = 4, 26
_EXACT = 1 - 1e-6
_ROUNDING = 1e-7  # of a column's spread: a smaller residual is the regression's rounding
_MARGIN = 0.05  # from warn to stop


class Leak(NamedTuple):
    """A column that knows more of the target than a medium can.

    Args:
        metric: its metric.
        tactical: its tactical, or "all tacticals" for the metric's sum.
        kind: "copy", "future", "running total" or "own past".
        shift: weeks from the column to the part of the target that it knows; > 0 is the future.
        correlation: the one that decided, signed.
        verdict: "stop" or "warn".
        sentence: what was found and the cure.
    """

    metric: str
    tactical: str
    kind: str
    shift: int
    correlation: float
    verdict: str
    sentence: str


class _Alike(NamedTuple):
    """How alike every column and the target are at one shift; all but `shift` and `total` are (columns,)."""

    shift: int
    total: bool
    level: np.ndarray
    season: np.ndarray
    change: np.ndarray
    noise: np.ndarray
    ranks: np.ndarray
    error: float

    @property
    def score(self) -> np.ndarray:
        return np.abs(self.season) + np.abs(self.change) + (np.abs(self.level) >= _EXACT)


def find_leakage(
    metrics: Mapping[str, np.ndarray],
    y: np.ndarray,
    counted: np.ndarray,
    *,
    tacticals: Sequence[str] | None = None,
    present: Mapping[str, np.ndarray] | None = None,
    threshold: float = 0.97,
    season_period: float = WEEKS_PER_YEAR,
    dates: Sequence | pd.Series | None = None,
    aggregate: bool = True,
) -> list[Leak]:
    """Judge every column of every metric, as the model will see it, and each metric's sum.

    Args:
        metrics: per metric (weeks, tacticals) finite values, already lagged.
        y: (weeks,) the target in its own unit; NaN where it is not known.
        counted: (weeks,) bool, the weeks in which the metrics say something.
        tacticals: names of the columns; "tactical 1" and so on without them.
        present: per metric (tacticals,) bool, the columns that the metric has; all without it.
        threshold: |r| from which a copy stops, in (0.5, 1).
        season_period: periods per year.
        dates: (weeks,) dates, which then say where in the year a week lies.
        aggregate: whether to judge the sums too.

    Returns:
        At most one finding per column, and one per metric for its sum where no column is as bad, in order of metrics.
        Fewer than 16 counted weeks cannot be judged and give none.
    """
    labels, columns = _columns(metrics, tacticals, present, aggregate)
    if not labels:
        return []
    target = np.asarray(y, dtype=float)
    basis = _trend_and_season(_years(len(target), season_period, dates))
    alike = _compare(columns, target, np.asarray(counted, dtype=bool), basis)
    if not alike:
        return []
    best = np.argmax([each.score for each in alike], axis=0)
    leaks = [_judge(label, alike[best[place]], place, threshold) for place, label in enumerate(labels)]
    return _without_repeated_sums([leak for leak in leaks if leak])


def _columns(
    metrics: Mapping[str, np.ndarray],
    tacticals: Sequence[str] | None,
    present: Mapping[str, np.ndarray] | None,
    aggregate: bool,
) -> tuple[list[tuple[str, str]], np.ndarray]:
    """Labels and (weeks, columns) values of all that is judged."""
    labels, columns = [], []
    for metric, values in metrics.items():
        values = np.asarray(values, dtype=float)
        names = tacticals or [f"tactical {place}" for place in range(1, values.shape[1] + 1)]
        kept = np.flatnonzero(present[metric]) if present else np.arange(values.shape[1])
        labels += [(metric, names[place]) for place in kept]
        columns.append(values[:, kept])
        if aggregate and len(kept) > 1:
            labels.append((metric, ALL_TACTICALS))
            columns.append(values[:, kept].sum(axis=1, keepdims=True))
    return labels, np.hstack(columns) if columns else np.empty((0, 0))


def _years(weeks: int, season_period: float, dates: Sequence | pd.Series | None) -> np.ndarray:
    """(weeks,) time in years since the first week."""
    if dates is None:
        return np.arange(weeks) / season_period
    when = pd.DatetimeIndex(dates)
    return ((when - when[0]) / pd.Timedelta(days=365.25)).to_numpy(dtype=float)


def _trend_and_season(years: np.ndarray) -> np.ndarray:
    """(weeks, 2 + 2 pairs): constant, trend and yearly waves, the slowest first."""
    angles = 2 * np.pi * years[:, None] * np.arange(1, _PAIRS + 1)
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(years), 2 * _PAIRS)
    return np.column_stack([np.ones(len(years)), years, waves])


def _compare(columns: np.ndarray, target: np.ndarray, counted: np.ndarray, basis: np.ndarray) -> list[_Alike]:
    """Levels and, for running totals, changes of the columns beside the target at every shift with enough weeks."""
    steps = np.diff(columns, axis=0, prepend=columns[:1])
    stepped = counted & np.concatenate([[False], counted[:-1]])
    found = []
    for total, values, known in ((False, columns, counted), (True, steps, stepped)):
        for shift in sorted(range(-FURTHEST, FURTHEST + 1), key=abs):
            weeks = np.flatnonzero(known)
            weeks = weeks[(weeks + shift >= 0) & (weeks + shift < len(target))]
            weeks = weeks[np.isfinite(target[weeks + shift])]
            if len(weeks) >= MIN_WEEKS:
                found.append(_alike(values[weeks], target[weeks + shift], weeks, basis, shift=shift, total=total))
    return found


def _alike(columns: np.ndarray, target: np.ndarray, weeks: np.ndarray, basis: np.ndarray, *, shift: int, total: bool) -> _Alike:
    """The numbers of the module's law for (pairs, columns) values beside (pairs,) of the target."""
    columns, target = _centred(columns), _centred(target[:, None])
    waves = min(_PAIRS, len(weeks) // _WEEKS_PER_PAIR)
    axes = np.linalg.qr(basis[weeks, : 2 + 2 * waves])[0]
    columns_left, target_left = _residual(columns, axes), _residual(target, axes)
    consecutive = np.diff(weeks) == 1
    level, season = _correlation(columns, target), _correlation(columns_left, target_left)
    change = _correlation(*(_centred(np.diff(left, axis=0)[consecutive]) for left in (columns_left, target_left)))
    spare = (len(weeks) - 1) / (len(weeks) - axes.shape[1])
    noise = spare * _noise(season, target_left) / _noise(level, target)
    suspects = np.maximum(np.abs(season), np.abs(change)) >= 0.5
    ranks = np.zeros(len(level))
    if suspects.any():
        ranks[suspects] = _correlation(
            *(_ranked(np.diff(values, axis=0)[consecutive]) for values in (columns[:, suspects], target))
        )
    return _Alike(shift, total, level, season, change, noise, ranks, 1 / np.sqrt(len(weeks) - 3))


def _centred(values: np.ndarray) -> np.ndarray:
    return values - values.mean(axis=0) if len(values) else values


def _residual(values: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """What centred values keep beside the axes; zero where that is rounding."""
    # einsum, because BLAS spends longer on waking its threads than on products this small.
    left = values - np.einsum("ta,ac->tc", axes, np.einsum("ta,tc->ac", axes, values))
    spread, kept = np.abs(values).max(axis=0), np.abs(left).max(axis=0)
    return np.where(kept > _ROUNDING * spread, left, 0.0)


def _correlation(columns: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(columns,) correlations of centred values with the centred (pairs, 1) target; 0 for what does not move."""
    sizes = np.sqrt((columns**2).sum(axis=0) * (target**2).sum())
    return np.divide(np.einsum("t,tc->c", target[:, 0], columns), sizes, out=np.zeros(len(sizes)), where=sizes > 0)


def _noise(correlation: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(columns,) sum of squares of the noise that would leave a copy of the target with this correlation."""
    squared = np.clip(correlation**2, 1e-12, 1 - 1e-12)
    return (1 / squared - 1) * max((target**2).sum(), np.finfo(float).tiny)


def _ranked(values: np.ndarray) -> np.ndarray:
    return _centred(values.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable").astype(float))


def _judge(label: tuple[str, str], alike: _Alike, place: int, threshold: float) -> Leak | None:
    level, season, change, noise, ranks = (
        float(values[place]) for values in (alike.level, alike.season, alike.change, alike.noise, alike.ranks)
    )
    verdict = _verdict(abs(level), abs(season), abs(change), noise, abs(ranks), alike.error, threshold)
    if verdict is None:
        return None
    if alike.shift < 0:
        verdict = WARN
    correlation = level if abs(level) >= threshold - _MARGIN else max(season, change, key=abs)
    kind = _kind(alike.shift, alike.total)
    sentence = f"{label[0]}, {label[1]}: {_found(alike, verdict)} (r = {level:.3f}, {season:.3f} without trend and season)"
    return Leak(*label, kind, alike.shift, correlation, verdict, f"{sentence}; {_CURES[kind]}")


def _verdict(
    level: float, season: float, change: float, noise: float, ranks: float, error: float, threshold: float
) -> str | None:
    """The module's law for absolute correlations."""
    if max(level, season, change) >= _EXACT:
        return STOP
    sure, wary = 1 - (1 - threshold) / 6, threshold - _MARGIN
    beyond = np.arctanh(level) - 2 * error >= np.arctanh(threshold)
    related = change >= 4 * error
    copied = beyond and season >= 0.8 and related and noise >= 0.7
    hidden = max(season, change) >= sure
    if (copied or hidden) and ranks >= 0.6:
        return STOP
    alike = (level >= wary and season >= 0.5) or season >= wary
    return WARN if hidden or (alike and related) else None


def _kind(shift: int, total: bool) -> str:
    if shift < 0:
        return "own past"
    if total:
        return "running total"
    return "future" if shift else "copy"


_CURES = {
    "own past": "if it is the target's past, name it as a control instead of a medium",
    "running total": "leave it out, or give the metric of each week by itself",
    "future": "leave it out, or check that its dates are those of the exposure",
    "copy": "leave it out, or give what was bought instead of what it brought",
}


def _found(alike: _Alike, verdict: str) -> str:
    verb = "knows" if verdict == STOP or alike.shift < 0 else "nearly knows"
    what = "the running total of the target" if alike.total else "the target"
    side = "ahead" if alike.shift > 0 else "ago"
    weeks = abs(alike.shift)
    when = f" {weeks} {'week' if weeks == 1 else 'weeks'} {side}" if weeks else ""
    return f"{verb} {what}{when}"


def _without_repeated_sums(leaks: list[Leak]) -> list[Leak]:
    """A metric's sum is told only where no column of it is as bad."""
    single = {(leak.metric, leak.verdict) for leak in leaks if leak.tactical != ALL_TACTICALS}
    repeated = single | {(metric, WARN) for metric, _ in single}
    return [leak for leak in leaks if leak.tactical != ALL_TACTICALS or (leak.metric, leak.verdict) not in repeated]
