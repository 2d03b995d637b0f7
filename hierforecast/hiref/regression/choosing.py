"""Ridge strengths chosen by what they forecast: fits on earlier rows, judged on the rows that followed.

Because a squared error is a quadratic form in moments, held-out rows are judged without being read again,

    error = sum over series of v' M v,    v = (-baseline, -effects, 1),    M the moments of the held-out rows.

Strengths are moved one by one, tenfold up and down and then threefold, as long as the error falls: first those of one
kind of column at all levels together, then by level. A fit goes on from the best one so far, so that it costs little.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hierforecast.errors import SettingsError
from hierforecast.hierarchy import BOTTOM, Hierarchy
from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.regression.effects import Columns, Parameters, effects_of
from hierforecast.hiref.regression.ridge import BASELINE, DEFAULT, USUAL
from hierforecast.hiref.regression.training import Trained, train
from hierforecast.options import Training

CALENDAR = ("season", "month", "holidays", "trend")
KINDS = {BASELINE: (BASELINE,), "calendar": CALENDAR, "drivers": (DEFAULT,)}
STEPS = (10.0, 3.0)
LEAST, MOST = 1e-3, 1e5  # strengths beyond these are as good as none, or as no difference at all
WORTH = 5e-4  # share of the error that a change must take away to be taken
FITS = 80  # of every pair at most
ROUGH, GOING_ON = 120, 25  # iterations of the first fit, and of those that go on from it

Ridge = dict[str, dict[str, float]]


class _Place(NamedTuple):
    """Strengths that move together: one kind of column at some levels."""

    levels: tuple[str, ...]
    kind: str


class _Tried(NamedTuple):
    ridge: Ridge
    error: float
    starts: list[Parameters]


def choose_strengths(
    pairs: Sequence[tuple[Moments, Moments]], hierarchy: Hierarchy, columns: Columns, training: Training
) -> Ridge:
    """Strengths that forecast best, in the form of `Training.ridge`.

    Args:
        pairs: moments of the rows before an origin and of those held out after it, columns in the order of `columns`.
        hierarchy: the nodes and series behind the moments.
        columns: signs, levels and groups per column.
        training: sizes and seed; its own strengths are not read.

    Raises:
        SettingsError: nothing is held out.
    """
    if not any(block.counts.sum() > 0 for _, block in pairs):
        raise SettingsError(
            "training.ridge 'auto' is chosen on held-out periods, and the history is too short to hold out any; "
            "give a number, or a longer history"
        )
    problem = _Problem(pairs, hierarchy, columns, training)
    groups = (BASELINE, *(group for group in CALENDAR if group in columns.groups), DEFAULT)
    best = problem.attempt({level: dict.fromkeys(groups, USUAL) for level in (*hierarchy.levels, BOTTOM)}, None)
    together, single = _places(hierarchy.levels, columns)
    best, _ = _round(problem, best, together, STEPS[0])
    moving = single
    while moving and problem.fits < FITS:
        before = best
        best, moving = _round(problem, best, moving, STEPS[0])
        if best is before:
            break
    best, _ = _round(problem, best, moving, STEPS[1])
    return best.ridge


def held_out_error(block: Moments, trained: Trained, hierarchy: Hierarchy) -> float:
    """Sum of squared errors on the link scale of held-out rows, from their moments."""
    effects = effects_of(trained.parameters, hierarchy.series, trained.own)
    residual = np.column_stack([-effects.baseline - trained.intercepts, -effects.total, np.ones(len(effects.baseline))])
    pulled = (block.products @ residual[:, :, None])[:, :, 0]
    return max(float(np.vdot(residual, pulled)), 0.0)


class _Problem:
    """Fits of one model under different strengths, counted."""

    def __init__(
        self, pairs: Sequence[tuple[Moments, Moments]], hierarchy: Hierarchy, columns: Columns, training: Training
    ) -> None:
        self._pairs, self._hierarchy, self._columns, self._training = pairs, hierarchy, columns, training
        self.fits = 0

    def attempt(self, ridge: Ridge, starts: list[Parameters] | None) -> _Tried:
        """Fit on from `starts`; the error is relative to what held-out rows vary about their series' means."""
        quick = self._training.model_copy(update={"ridge": ridge, "iterations": GOING_ON if starts else ROUGH})
        total, found = 0.0, []
        for number, (before, block) in enumerate(self._pairs):
            trained = train(before, self._hierarchy, self._columns, quick, start=starts[number] if starts else None)
            found.append(trained.parameters)
            total += held_out_error(block, trained, self._hierarchy) / max(float(block.centred()[-1, -1]), 1e-300)
        self.fits += 1
        return _Tried(ridge, total / len(self._pairs), found)


def _round(problem: _Problem, best: _Tried, places: Sequence[_Place], step: float) -> tuple[_Tried, list[_Place]]:
    """Every place once, up or down as far as it pays; also gives the places where a step made any difference."""
    felt = []
    for place in places:
        before, differs = best, False
        for factor in (step, 1.0 / step):
            while problem.fits < FITS:
                moved = _moved(best.ridge, place, factor)
                if moved is None:
                    break
                found = problem.attempt(moved, best.starts)
                gain = 1.0 - found.error / best.error
                differs = differs or abs(gain) > WORTH
                if gain <= WORTH:
                    break
                best = found
            if best is not before:
                break  # the other way leads back
        if differs:
            felt.append(place)
    return best, felt


def _places(levels: Sequence[str], columns: Columns) -> tuple[list[_Place], list[_Place]]:
    """Those to move first, a kind of column at all levels together, and one by one."""
    # Series first: what they may have of their own decides what is left for levels to say.
    single = [_Place((level,), kind) for kind in KINDS for level in (BOTTOM, *levels) if _matters(level, kind, columns)]
    together = [place for place in single if place.levels == (BOTTOM,)]
    for kind in KINDS:
        alike = tuple(place.levels[0] for place in single if place.kind == kind and place.levels[0] != BOTTOM)
        if len(alike) > 1:
            together.append(_Place(alike, kind))
    return together, single


def _matters(level: str, kind: str, columns: Columns) -> bool:
    """Whether anything has this strength."""
    if kind == BASELINE:
        return True
    groups = columns.groups or (DEFAULT,) * len(columns.names)
    return any(
        level in by and (group in CALENDAR) == (kind == "calendar") for by, group in zip(columns.by, groups, strict=True)
    )


def _moved(ridge: Ridge, place: _Place, factor: float) -> Ridge | None:
    """The strengths with some of them larger or smaller; None where that would leave the sensible range."""
    moved = {level: dict(groups) for level, groups in ridge.items()}
    for level in place.levels:
        for group in set(KINDS[place.kind]) & set(moved[level]):
            moved[level][group] = float(f"{ridge[level][group] * factor:.2g}")
            if not LEAST <= moved[level][group] <= MOST:
                return None
    return moved
