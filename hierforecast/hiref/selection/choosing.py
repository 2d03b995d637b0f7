"""Choosing drivers: what was found, how surely, what each adds, and at which levels it varies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from hierforecast.driver import Driver
from hierforecast.errors import SettingsError, nearest
from hierforecast.hiref.material import Material
from hierforecast.hiref.selection.blocks import Blocks, cut_blocks
from hierforecast.hiref.selection.judging import Judge, judge_path, open_judge
from hierforecast.hiref.selection.path import solve
from hierforecast.hiref.selection.stability import enters_at, share_of_halves
from hierforecast.hiref.selection.varying import find_levels
from hierforecast.schema import SalesPanel

MUCH = 0.005  # of held-out squared error: enough for a driver that only weak penalties find, such as a national index
STABLE = 0.75  # share of halves; Meinshausen & Bühlmann: anything from 0.6 to 0.9 finds about the same


@dataclass(frozen=True)
class Selection:
    """Which drivers to use.

    Args:
        report: one row per declared driver: `driver`; `selected`; `kept`, whether it was asked for; `stability`, the
            share of halves of the history in which it was found (less than wanted only where its gain is large);
            `enters_at`, the penalty at which it comes in as a share of the one that leaves none (1 is first); `gain`,
            the share of held-out squared error that it takes away beside the selected ones (week to week within series,
            on the link scale); `by`, levels over which its effect varies, the most useful first; and `by_gain`, the
            further share that this takes away.
        drivers: the selected ones as settings, with `by` as found where none was declared.
    """

    report: pd.DataFrame
    drivers: tuple[Driver, ...]


@threadpool_limits.wrap(limits=1, user_api="blas")  # as fits: many small matrices
def choose_drivers(
    data: Material, settings: SalesPanel, *, keep: Sequence[str] = (), stable: float = STABLE, seed: int = 7
) -> Selection:
    """Choose among the declared drivers.

    Args:
        data: all rows of a history, read with all drivers.
        settings: declares the drivers.
        keep: drivers that stay whatever the data say.
        stable: the share of halves in which a driver must be found; by weaker penalties too if it is worth much.
        seed: of the halves.

    Raises:
        SettingsError: `keep` names no driver, nothing is declared to choose from, or `stable` is no share.
        PanelError: the history is too short.
    """
    names = [driver.name for driver in settings.drivers]
    kept = _places(keep, names)
    if not isinstance(stable, float | int) or not 0 < stable <= 1:
        raise SettingsError(f"stable must be a share of halves above 0 and up to 1, e.g. {STABLE}, got {stable!r}")
    blocks = cut_blocks(data, names, settings.horizon)
    judge = open_judge(blocks, kept)
    loose = [place for place in range(len(names)) if place not in kept]
    stability, entered = np.ones(len(names)), np.ones(len(names))
    chosen = np.isin(np.arange(len(names)), list(kept))
    if loose:
        share, tried = judge_path(judge)
        stability[loose] = share_of_halves(blocks, kept, tried[tried >= share], seed=seed)
        entered[loose] = enters_at(blocks, kept, np.geomspace(1.0, 1e-4, 60))
        weakly = share_of_halves(blocks, kept, tried, seed=seed) >= stable
        chosen[loose] = _worthwhile(judge, stability[loose] >= stable, weakly)
    gains = _gains(open_judge(blocks, set()), chosen)
    levels = _levels(blocks, data, chosen)
    report = pd.DataFrame(
        {
            "driver": names,
            "selected": chosen,
            "kept": np.isin(np.arange(len(names)), list(kept)),
            "stability": stability,
            "enters_at": entered,
            "gain": gains,
            "by": [", ".join(levels[place][0]) for place in range(len(names))],
            "by_gain": [levels[place][1] for place in range(len(names))],
        }
    ).sort_values(["selected", "gain"], ascending=False, ignore_index=True)
    return Selection(report, tuple(_settle(settings.drivers[place], levels[place][0]) for place in np.flatnonzero(chosen)))


def _places(keep: Sequence[str], names: list[str]) -> set[int]:
    if not names:
        raise SettingsError("there are no drivers to choose from; declare candidates in sales.drivers")
    if isinstance(keep, str):
        raise SettingsError(f"keep must be a list of drivers, e.g. [{keep!r}], got the text {keep!r}")
    for name in keep:
        if name not in names:
            raise SettingsError(f"cannot keep {name!r}, which is no declared driver; {nearest(name, names)}")
    return {names.index(name) for name in keep}


def _worthwhile(judge: Judge, found: np.ndarray, weakly: np.ndarray) -> np.ndarray:
    """Drivers, (groups,), that were found and are worth something later, and those found weakly that are worth much."""
    chosen = found | (weakly & (_gains(judge, found) >= MUCH))
    return chosen & (_gains(judge, chosen) > 0)


def _gains(judge: Judge, chosen: np.ndarray) -> np.ndarray:
    """What each driver takes away beside the chosen ones, (groups,): left out if it is one of them, added if not."""
    toggled = chosen ^ np.eye(len(chosen), dtype=bool)
    errors = judge.errors(np.vstack([chosen, toggled])).mean(axis=1)
    base, others = errors[0], errors[1:]
    return np.where(chosen, 1.0 - base / others, 1.0 - others / base)


def _levels(blocks: Blocks, data: Material, chosen: np.ndarray) -> list[tuple[tuple[str, ...], float]]:
    """Per driver the levels it varies over; nothing for those that were not chosen."""
    judge = open_judge(blocks, set())
    count = len(blocks.rows)
    origins = list(range(count - len(judge.after), count))
    penalty = np.where(np.tile(chosen, (len(origins), 1)), 0.0, np.inf)
    slopes = judge.problem.widen(solve(judge.problem, judge.group, judge.signs, penalty))
    residual = blocks.target - slopes @ blocks.columns.T  # (origins, rows)
    nothing: tuple[tuple[str, ...], float] = ((), 0.0)
    return [
        find_levels(blocks, data.hierarchy, place, residual, origins) if picked else nothing
        for place, picked in enumerate(chosen)
    ]


def _settle(driver: Driver, by: tuple[str, ...]) -> Driver:
    return replace(driver, by=by) if driver.by is None else driver
