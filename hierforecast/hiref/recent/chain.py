"""Recent levels one after another: of declared levels first, then of every series; which are worth having, and how fast.

Each step's discount and prior are those that forecast best from earlier origins, given the other steps; a step that does
not pay is left out.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from hierforecast.hierarchy import BOTTOM, Hierarchy
from hierforecast.hiref.recent.level import Level, LevelChoice, Past, follow_mean, follow_node_mean, follow_ratio, own_ends

DISCOUNTS = (0.7, 0.8, 0.87, 0.93, 0.97)
PRIORS = (1.0, 3.0, 10.0, 30.0)
WORTH = 1e-4  # share of the error that a step must take away to be followed at all


class Chain(NamedTuple):
    """Levels in the order in which they were followed."""

    levels: tuple[Level, ...]

    def of(self, period: np.ndarray, series: np.ndarray, codes: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """Their sum, (rows,), on the scale on which the baseline adds up.

        Args:
            period: (rows,) since the origin.
            series: (rows,) in training, negative where new.
            codes: (rows, levels) of nodes, negative where new: a new series has the levels of its known nodes.
            names: of the hierarchy's levels.
        """
        total = np.zeros(len(period))
        for level in self.levels:
            by = level.choice.by
            total += level.of(period, series if by == BOTTOM else codes[:, names.index(by)])
        return total

    def at_end(self, hierarchy: Hierarchy) -> np.ndarray:
        """(series,) the sum after the last period."""
        total = np.zeros(len(hierarchy.series))
        for level in self.levels:
            total += level.path[-1][_nodes(hierarchy, level.choice.by)]
        return total


class Origin(NamedTuple):
    """One earlier origin.

    Args:
        past: what was known before it.
        error: from (series,) levels to the error of the forecasts that follow.
    """

    past: Past
    error: Callable[[np.ndarray], float]


def follow(past: Past, choices: Sequence[LevelChoice], hierarchy: Hierarchy) -> Chain:
    """Run the chosen levels over the past."""
    return _follow(past, choices, hierarchy)[0]


def _follow(past: Past, choices: Sequence[LevelChoice], hierarchy: Hierarchy) -> tuple[Chain, np.ndarray]:
    """The chain, and (periods + 1, series) what its levels add up to."""
    coarser = np.zeros((len(past.present) + 1, past.present.shape[1]), dtype=np.float32)
    levels = []
    for choice in choices:
        nodes = _nodes(hierarchy, choice.by)
        if choice.by == BOTTOM and past.residuals is not None:
            path = follow_mean(past, choice, coarser)
        elif past.target is None:
            path = follow_node_mean(past, choice, coarser, nodes)
        else:
            path = follow_ratio(past, choice, coarser, nodes)
        coarser = coarser + path[:, nodes]
        levels.append(Level(choice, path, past.first))
    return Chain(tuple(levels)), coarser


def choose(origins: Sequence[Origin], by: Sequence[str], hierarchy: Hierarchy) -> tuple[LevelChoice, ...]:
    """The steps to follow; none where going without is no worse.

    Args:
        origins: to judge at.
        by: levels to follow before the series' own, coarser ones first.
        hierarchy: the nodes.
    """
    chosen: dict[str, LevelChoice] = {}
    order = (*by, BOTTOM)

    def errors(steps: dict[str, LevelChoice], own: Sequence[LevelChoice]) -> dict[LevelChoice, float]:
        """With coarser steps and each of several choices for the series' own."""
        listed, sums = [steps[name] for name in by if name in steps], dict.fromkeys(own, 0.0)
        for origin in origins:
            chain, coarser = _follow(origin.past, listed, hierarchy)
            before, ends = chain.at_end(hierarchy), own_ends(origin.past, coarser, own)
            for choice in own:
                sums[choice] += origin.error(before + ends[choice])
        return sums

    def error(steps: dict[str, LevelChoice]) -> float:
        if BOTTOM in steps:
            return errors(steps, [steps[BOTTOM]])[steps[BOTTOM]]
        listed = [steps[name] for name in by if name in steps]
        return sum(origin.error(follow(origin.past, listed, hierarchy).at_end(hierarchy)) for origin in origins)

    least = error(chosen)
    # The series' own step is chosen first and, where others came in, again: it is worth most.
    for name in (BOTTOM, *by, BOTTOM) if by else (BOTTOM,):
        without = {step: choice for step, choice in chosen.items() if step != name}
        tried: dict[LevelChoice | None, float] = {None: (least if name not in chosen else error(without)) * (1.0 - WORTH)}
        if name == BOTTOM:
            tried |= errors(without, _grid(name))
        else:
            tried |= {choice: error({**without, name: choice}) for choice in _grid(name)}
        best = min(tried, key=lambda choice: tried[choice])
        chosen = without if best is None else {**without, name: best}
        least = tried[best] / (1.0 - WORTH) if best is None else tried[best]
    return tuple(chosen[name] for name in order if name in chosen)


def _grid(name: str) -> list[LevelChoice]:
    return [LevelChoice(discount, prior, name) for discount in DISCOUNTS for prior in PRIORS]


def _nodes(hierarchy: Hierarchy, by: str) -> np.ndarray:
    """(series,) the node of each series."""
    return np.arange(len(hierarchy.series)) if by == BOTTOM else hierarchy.membership(by).astype(np.int64)
