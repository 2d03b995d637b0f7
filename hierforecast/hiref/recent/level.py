"""The recent-level term: what a series, or all series of a node, lately did beyond what the regression says.

    a node under a log:   level[g,t] = log((sum_i d^(t-1-i) y[i] + q) / (sum_i d^(t-1-i) mu[i] + q)),  q = prior * mean mu
    everywhere else:      level[s,t] = sum_i d^(t-1-i) r[i] / (prior + sum_i d^(t-1-i))          i over rows before t

y and mu are sales and their expectation in units, r residuals on the link scale, d the discount, `prior` the rows' worth of
doubt. Levels are followed one after another, coarser ones first, each seeing what those before it leave. A row in training
gets the level known just before it, so nothing leaks; every later row gets the level at the end of training.

A single residual under a log counts `MOST_OFF` at most: one stock-out is no new level.

Source: Brown (1959), Statistical Forecasting for Inventory Control (discounted means); shrinkage as in any random
intercept. On weekly store-by-product sales this term is worth more than any other refinement.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hierforecast.hierarchy import BOTTOM

MOST_OFF = 0.8  # log


class LevelChoice(NamedTuple):
    """How fast a level forgets (share kept per period), how much doubt it starts with (rows), and whose it is."""

    discount: float
    prior: float
    by: str = BOTTOM


class Level(NamedTuple):
    """One level after training.

    Args:
        choice: how it was made.
        path: (periods + 1, nodes) float32, the level known before each training period; the last row is the level of
            every later period.
        first: the period of the path's first row; 0 where all of training was at hand.
    """

    choice: LevelChoice
    path: np.ndarray
    first: int = 0

    def of(self, period: np.ndarray, node: np.ndarray) -> np.ndarray:
        """The level of (rows,) periods since the origin and nodes; 0 before `first` or where the node is new, negative."""
        known = (period >= self.first) & (node >= 0)
        place = np.clip(period - self.first, 0, len(self.path) - 1)
        return np.where(known, self.path[place, np.maximum(node, 0)], 0.0).astype(float)


class Past(NamedTuple):
    """What levels are followed in: (periods, series) each, 0 where there is no row.

    Args:
        present: booleans, where there was a row.
        residuals: on the link scale; None where the mixed link leaves only units to compare.
        target: units; None under the identity link, which adds residuals up at every level.
        mean: units, what the regression expected.
        first: the period of the first row.
    """

    present: np.ndarray
    residuals: np.ndarray | None
    target: np.ndarray | None
    mean: np.ndarray | None
    first: int = 0


def follow_mean(past: Past, choice: LevelChoice, coarser: np.ndarray) -> np.ndarray:
    """(periods + 1, series) shrunk discounted means of residuals beyond the (periods + 1, series) coarser levels."""
    residuals, logs = past.residuals, past.target is not None
    path = np.zeros(coarser.shape, dtype=np.float32)
    total, weight = np.zeros(coarser.shape[1]), np.zeros(coarser.shape[1])
    for period, here in enumerate(past.present):
        said = coarser[period]
        residual = said + np.clip(residuals[period] - said, -MOST_OFF, MOST_OFF) if logs else residuals[period]
        total = choice.discount * total + np.where(here, residual, 0.0)
        weight = choice.discount * weight + here
        path[period + 1] = (total - weight * coarser[period + 1]) / (weight + choice.prior)
    return path


def follow_node_mean(past: Past, choice: LevelChoice, coarser: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """(periods + 1, nodes) shrunk discounted means of the residuals of all series of a node; ``nodes`` is (series,)."""
    left = np.where(past.present, past.residuals - coarser[:-1], 0.0)
    return _discounted(_by_node(left, nodes), _by_node(past.present, nodes), choice)


def own_ends(past: Past, coarser: np.ndarray, choices: Sequence[LevelChoice]) -> dict[LevelChoice, np.ndarray]:
    """(series,) each series' own level after the last period, for every choice, without the way there.

    The same as the end of `follow_mean` or, under the mixed link, of `follow_ratio`: what discounted sums say does not
    depend on the prior, so that they are made once for all priors.
    """
    ratio, present = past.residuals is None, past.present
    if ratio:
        told, expected = np.where(present, past.target, 0.0), _expected(past, coarser)
        usual = expected.sum(axis=0) / np.maximum(present.sum(axis=0), 1.0)
    else:
        said, residuals, expected = coarser[:-1], past.residuals, present
        if past.target is not None:
            residuals = said + np.clip(residuals - said, -MOST_OFF, MOST_OFF)
        told = np.where(present, residuals, 0.0)
    sums, ends = {}, {}
    for choice in choices:
        if choice.discount not in sums:
            age = choice.discount ** np.arange(len(told) - 1, -1, -1.0)  # what each period counts after the last
            sums[choice.discount] = age @ told, age @ expected
        above, below = sums[choice.discount]
        if ratio:
            doubt = np.maximum(choice.prior * usual, 1e-9)
            end = np.log(np.maximum(above + doubt, 1e-9) / (below + doubt))
        else:
            end = (above - below * coarser[-1]) / (below + choice.prior)
        ends[choice] = end.astype(np.float32)
    return ends


def _expected(past: Past, coarser: np.ndarray) -> np.ndarray:
    """(periods, series) units, the coarser levels included; 0 where there is no row."""
    return np.where(past.present, past.mean * np.exp(coarser[:-1]), 0.0)


def follow_ratio(past: Past, choice: LevelChoice, coarser: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """(periods + 1, nodes) logs of shrunk, discounted ratios of sales to what was expected; ``nodes`` is (series,)."""
    sold, said = _by_node(np.where(past.present, past.target, 0.0), nodes), _by_node(_expected(past, coarser), nodes)
    rows = np.maximum(np.bincount(nodes, past.present.sum(axis=0)), 1.0)
    doubt = np.maximum(choice.prior * said.sum(axis=0) / rows, 1e-9)
    path = np.zeros((len(sold) + 1, sold.shape[1]), dtype=np.float32)
    above, below = np.zeros(sold.shape[1]), np.zeros(sold.shape[1])
    for period in range(len(sold)):
        above = choice.discount * above + sold[period]
        below = choice.discount * below + said[period]
        path[period + 1] = np.log(np.maximum(above + doubt, 1e-9) / (below + doubt))
    return path


def _discounted(values: np.ndarray, rows: np.ndarray, choice: LevelChoice) -> np.ndarray:
    path = np.zeros((len(values) + 1, values.shape[1]), dtype=np.float32)
    total, weight = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for period in range(len(values)):
        total = choice.discount * total + values[period]
        weight = choice.discount * weight + rows[period]
        path[period + 1] = total / (weight + choice.prior)
    return path


def _by_node(table: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """(periods, series) summed to (periods, nodes)."""
    if np.array_equal(nodes, np.arange(table.shape[1])):
        return table.astype(float, copy=False)
    order = np.argsort(nodes, kind="stable")
    sorted_nodes = nodes[order]
    starts = np.flatnonzero(np.concatenate([[True], sorted_nodes[1:] != sorted_nodes[:-1]]))
    summed = np.zeros((len(table), int(nodes.max()) + 1))
    summed[:, sorted_nodes[starts]] = np.add.reduceat(table[:, order].astype(float), starts, axis=1)
    return summed
