"""No-U-Turn trajectories of all chains, leaf by leaf: what a leapfrog step adds, when a half joins, when it is over.

Hoffman & Gelman 2014 (JMLR 15:1593) with multinomial selection of the next state (Betancourt 2017, arXiv:1701.02434) and
the tree built leaf by leaf (Phan, Pradhan & Jankowiak 2019, arXiv:1912.11554), which needs no recursion: the momenta at the
starts of the subtrees that a leaf may end are kept in one slot per level.

C are chains, D the size of the flat vector, K the levels of a tree. Chains walk where masses are one. A point is position,
gradient, log density and energy, (C, 2 D + 2); an end is position, momentum and gradient, (C, 3 D).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hierforecast.precision.engine import tensorflow

if TYPE_CHECKING:
    import tensorflow as tf

LARGEST_ERROR = 1000.0  # energy error that counts as a divergence, as in Stan

ValueAndGradient = Callable[["tf.Tensor"], tuple["tf.Tensor", "tf.Tensor"]]


class Tree(NamedTuple):
    """The trajectory that every chain is on: the tree so far, and the subtree that is being added to one of its ends."""

    ends: Any  # (2, C, 3 D) the left and the right end
    chosen: Any  # (C, 2 D + 2) the tree's draw
    weight: Any  # (C,) log of the summed weights of the tree
    momenta: Any  # (C, D) sum over the tree
    depth: Any  # (C,) int
    energy: Any  # (C,) at the start
    sub_chosen: Any  # (C, 2 D + 2) the subtree's draw
    sub_weight: Any  # (C,)
    sub_momenta: Any  # (C, D)
    leaf: Any  # (C,) int, leaves of the subtree so far
    starts: Any  # (C, K, D) momentum at the first leaf of the unfinished subtree of every level
    sums: Any  # (C, K, D) sub_momenta then
    acceptance: Any  # (C,) summed over leaves
    leapfrogs: Any  # (C,) int


class Leaf(NamedTuple):
    """Where one leapfrog step led."""

    point: Any  # (C, 2 D + 2)
    end: Any  # (C, 3 D)
    momentum: Any  # (C, D)
    gain: Any  # (C,) energy at the start less energy here, the log of the leaf's weight
    diverging: Any  # (C,) bool


def standing_still(start: "tf.Tensor", levels: int) -> Tree:
    """Chains at (C, D) positions that know nothing yet, not even their gradients."""
    tf = tensorflow()
    chains, size = start.shape
    none, zero = tf.zeros(chains, tf.int32), tf.zeros(chains, start.dtype)
    point, nothing = tf.zeros((chains, 2 * size + 2), start.dtype), tf.zeros_like(start)
    end, slot = tf.concat([start, nothing, nothing], axis=-1), tf.zeros((chains, levels, size), start.dtype)
    return Tree(
        ends=tf.stack([end, end]),
        chosen=point,
        weight=zero,
        momenta=nothing,
        depth=none,
        energy=zero,
        sub_chosen=point,
        sub_weight=zero - np.inf,
        sub_momenta=nothing,
        leaf=none,
        starts=slot,
        sums=slot,
        acceptance=zero,
        leapfrogs=none,
    )


def leap(tree: Tree, rightward: "tf.Tensor", pace: "tf.Tensor", value_and_gradient: ValueAndGradient) -> Leaf:
    """One leapfrog step beyond an end, (C,) forward or backward, with (C,) signed step sizes."""
    tf = tensorflow()
    pace = pace[:, None]
    position, momentum, gradient = tf.split(tf.where(rightward[:, None], tree.ends[1], tree.ends[0]), 3, axis=-1)
    momentum = momentum + 0.5 * pace * gradient
    position = position + pace * momentum
    value, gradient = value_and_gradient(position)
    momentum = momentum + 0.5 * pace * gradient
    energy = 0.5 * tf.reduce_sum(momentum**2, axis=-1) - value
    energy = tf.where(tf.math.is_finite(energy), energy, np.inf * tf.ones_like(energy))
    gain = tree.energy - energy
    point = tf.concat([position, gradient, value[:, None], energy[:, None]], axis=-1)
    return Leaf(point, tf.concat([position, momentum, gradient], axis=-1), momentum, gain, gain < -LARGEST_ERROR)


def add_leaf(tree: Tree, leaf: Leaf, rightward: "tf.Tensor", chance: "tf.Tensor") -> tuple[Tree, "tf.Tensor"]:
    """The leaf joins the subtree, and becomes its draw if its (C,) chance says so.

    Returns:
        The tree, and (C,) whether the subtree is broken: it diverged, or part of it turned back on itself.
    """
    tf = tensorflow()
    sub_weight = _log_add(tree.sub_weight, leaf.gain)
    taken = tf.math.log(chance) < leaf.gain - sub_weight
    sub_momenta = tree.sub_momenta + leaf.momentum
    starts, sums, turned = _compare_with_starts(tree, leaf.momentum, sub_momenta)
    tree = tree._replace(
        ends=tf.where(tf.stack([~rightward, rightward])[..., None], leaf.end[None], tree.ends),
        sub_chosen=tf.where(taken[:, None], leaf.point, tree.sub_chosen),
        sub_weight=sub_weight,
        sub_momenta=sub_momenta,
        leaf=tree.leaf + 1,
        starts=starts,
        sums=sums,
        acceptance=tree.acceptance + tf.exp(tf.minimum(leaf.gain, 0.0)),
        leapfrogs=tree.leapfrogs + 1,
    )
    return tree, leaf.diverging | turned


def join_subtree(tree: Tree, broken: "tf.Tensor", chance: "tf.Tensor", depth: "tf.Tensor") -> tuple[Tree, "tf.Tensor"]:
    """A whole and unbroken subtree joins the tree, whose draw moves into it if the (C,) chance says so.

    Returns:
        The tree, ready for the next subtree where one joined, and (C,) whether the trajectory is over.
    """
    tf = tensorflow()
    size = tree.momenta.shape[-1]
    joined = (tree.leaf == tf.bitwise.left_shift(tf.ones_like(tree.leaf), tree.depth)) & ~broken
    moved = joined & (tf.math.log(chance) < tree.sub_weight - tree.weight)
    momenta = tf.where(joined[:, None], tree.momenta + tree.sub_momenta, tree.momenta)
    turned = joined & turns(tree.ends[0, :, size : 2 * size], tree.ends[1, :, size : 2 * size], momenta)
    reached = tree.depth + tf.cast(joined, tf.int32)
    tree = tree._replace(
        chosen=tf.where(moved[:, None], tree.sub_chosen, tree.chosen),
        weight=tf.where(joined, _log_add(tree.weight, tree.sub_weight), tree.weight),
        momenta=momenta,
        depth=reached,
    )
    return _without_subtree(tree, joined), broken | turned | (reached >= depth)


def begin_anew(tree: Tree, over: "tf.Tensor", impulse: "tf.Tensor") -> Tree:
    """Where a trajectory is over, the next one starts at its draw with a (C, D) momentum."""
    tf = tensorflow()
    size = impulse.shape[-1]
    energy = 0.5 * tf.reduce_sum(impulse**2, axis=-1) - tree.chosen[:, 2 * size]
    end = tf.concat([tree.chosen[:, :size], impulse, tree.chosen[:, size : 2 * size]], axis=-1)
    renewed = tf.concat([tree.chosen[:, : 2 * size + 1], energy[:, None]], axis=-1)
    zero, none = tf.zeros_like(energy), tf.zeros_like(tree.leaf)
    tree = tree._replace(
        ends=tf.where(over[None, :, None], tf.stack([end, end]), tree.ends),
        chosen=tf.where(over[:, None], renewed, tree.chosen),
        weight=tf.where(over, zero, tree.weight),
        momenta=tf.where(over[:, None], impulse, tree.momenta),
        depth=tf.where(over, none, tree.depth),
        energy=tf.where(over, energy, tree.energy),
        acceptance=tf.where(over, zero, tree.acceptance),
        leapfrogs=tf.where(over, none, tree.leapfrogs),
    )
    return _without_subtree(tree, over)


def turns(left: "tf.Tensor", right: "tf.Tensor", momenta: "tf.Tensor") -> "tf.Tensor":
    """Whether a stretch turns back: an end's momentum points against the way between the ends, as a trapezoid sums it."""
    tf = tensorflow()
    way = momenta - 0.5 * (left + right)
    return (tf.reduce_sum(left * way, axis=-1) <= 0) | (tf.reduce_sum(right * way, axis=-1) <= 0)


def slots(levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Per leaf the slot that it may fill (even leaves), or the last and the first slot to compare with (odd leaves).

    Leaf n = ...b2 b1 b0 starts (even) or ends (odd) subtrees of the levels of its trailing bits; one slot per one-bit
    above the last keeps the starts that later leaves still need.
    """
    leaves = np.arange(2**levels)
    last = np.array([bin(leaf >> 1).count("1") for leaf in leaves], dtype=np.int32)
    trailing = np.array([len(bin(leaf)) - len(bin(leaf).rstrip("1")) for leaf in leaves], dtype=np.int32)
    return last, last - trailing + 1


def _compare_with_starts(tree: Tree, momentum: "tf.Tensor", sub_momenta: "tf.Tensor") -> tuple[Any, Any, Any]:
    """The slots after a leaf, and (C,) whether a subtree that it ends has turned back."""
    tf = tensorflow()
    levels = tree.starts.shape[1]
    last, first = (tf.gather(slot, tree.leaf)[:, None] for slot in slots(levels))
    even, level = (tree.leaf % 2 == 0)[:, None], tf.range(levels)[None]
    fill = (even & (level == last))[..., None]
    starts = tf.where(fill, momentum[:, None], tree.starts)
    sums = tf.where(fill, sub_momenta[:, None], tree.sums)
    compared = ~even & (level >= first) & (level <= last)
    spans = sub_momenta[:, None] - sums + starts
    return starts, sums, tf.reduce_any(compared & turns(starts, momentum[:, None], spans), axis=-1)


def _without_subtree(tree: Tree, where: "tf.Tensor") -> Tree:
    """The next subtree has no leaf yet."""
    tf = tensorflow()
    return tree._replace(
        sub_weight=tf.where(where, tf.zeros_like(tree.sub_weight) - np.inf, tree.sub_weight),
        sub_momenta=tf.where(where[:, None], tf.zeros_like(tree.sub_momenta), tree.sub_momenta),
        leaf=tf.where(where, tf.zeros_like(tree.leaf), tree.leaf),
    )


def _log_add(one: "tf.Tensor", other: "tf.Tensor") -> "tf.Tensor":
    """``log(exp(one) + exp(other))``; minus infinity where both are."""
    tf = tensorflow()
    larger = tf.maximum(tf.maximum(one, other), -1e300)
    return larger + tf.math.log(tf.exp(one - larger) + tf.exp(other - larger))
