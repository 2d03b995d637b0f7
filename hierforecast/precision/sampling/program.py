"""The one compiled program: No-U-Turn trajectories of all chains, each chain at its own pace.

Hoffman & Gelman 2014 (JMLR 15:1593) with multinomial selection of the next state (Betancourt 2017, arXiv:1701.02434) and
the tree built leaf by leaf (Phan, Pradhan & Jankowiak 2019, arXiv:1912.11554), which needs no recursion: the momenta at the
starts of the subtrees that a leaf may end are kept in one slot per level.

One pass of the loop is one leapfrog step of every chain. A chain whose trajectory ends writes its draw and begins the next
one in the same pass, so no chain waits for the deepest tree of the others; only the last draws of a call do. The density is
written into the program once, which is what keeps its compilation short.

A chain walks in q, where flat = metric q: there the posterior looks round and masses are one.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hierforecast.precision.sampling.averaging import Averaging, average

if TYPE_CHECKING:
    import tensorflow as tf

CHUNK = 50  # draws per call at most: progress several times a second, and few calls

JITTER = 0.1  # step sizes vary by so much from draw to draw, so that no trajectory closes on itself twice
LARGEST_ERROR = 1000.0  # energy error that counts as a divergence, as in Stan
TOLD = ("energy", "diverging", "acceptance", "leapfrogs", "log_density")

LogDensity = Callable[["tf.Tensor", Any], "tf.Tensor"]


class Luck(NamedTuple):
    """Everything random in a call, drawn before it: impulses are normal, the others uniform in (0, 1)."""

    impulses: Any  # (CHUNK, C, D) standard normal momenta
    paces: Any  # (CHUNK, C) jitter of the step size
    directions: Any  # (CHUNK, C, depth) of every doubling
    joins: Any  # (CHUNK, C, depth) whether the draw moves into the new half
    leaves: Any  # (CHUNK, C, 2^depth) whether a leaf becomes its subtree's draw
    seed: Any  # (2,) int, for a kernel that draws its own


def draw_luck(seed: tuple[int, int], chains: int, size: int, max_depth: int) -> Luck:
    """The luck of one call; equal seeds, equal luck."""
    rng = np.random.default_rng(seed)
    shape = (CHUNK, chains)
    impulses, paces = rng.standard_normal((*shape, size)), rng.random(shape)
    directions, joins = rng.random((*shape, max_depth)), rng.random((*shape, max_depth))
    return Luck(impulses, paces, directions, joins, rng.random((*shape, 2**max_depth)), rng.integers(0, 2**30, 2))


class Tree(NamedTuple):
    """The trajectory that every chain is on, and where it may go; D is the size of the flat vector."""

    ends: Any  # (2, C, 3 D) position, momentum and gradient at the left and the right end
    chosen: Any  # (C, 2 D + 2) position, gradient, log density and energy of the tree's draw
    weight: Any  # (C,) log of the summed weights of the tree
    momenta: Any  # (C, D) sum over the tree
    depth: Any  # (C,) int
    energy: Any  # (C,) at the start
    sub_chosen: Any  # (C, 2 D + 2) the same four of the subtree that is being added
    sub_weight: Any  # (C,)
    sub_momenta: Any  # (C, D)
    leaf: Any  # (C,) int, leaves of the subtree so far
    starts: Any  # (C, K, D) momentum at the first leaf of the unfinished subtree of every level
    sums: Any  # (C, K, D) sub_momenta then
    acceptance: Any  # (C,) summed over leaves
    leapfrogs: Any  # (C,) int


def slots(depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Per leaf the slot that it may fill (even leaves), or the last and the first slot to compare with (odd leaves).

    Leaf n = ...b2 b1 b0 starts (even) or ends (odd) subtrees of the levels of its trailing bits; one slot per one-bit
    above the last keeps the starts that later leaves still need.
    """
    leaves = np.arange(2**depth)
    last = np.array([bin(leaf >> 1).count("1") for leaf in leaves], dtype=np.int32)
    trailing = np.array([len(bin(leaf)) - len(bin(leaf).rstrip("1")) for leaf in leaves], dtype=np.int32)
    return last, last - trailing + 1


@cache
def compiled_program(log_density: LogDensity, max_depth: int) -> Callable[..., Any]:
    """Compile once per density, depth and shapes of its arguments.

    The program's arguments: start (C, D) in the metric's coordinates; metric (D, D) lower triangular; averaging (fields
    (C,)); adapt, 1.0 or 0.0; target acceptance; luck; steps, at most CHUNK; depth, at most `max_depth`; data.
    It returns the averaging and (CHUNK, C, 2 D + 5) records: position and gradient in flat coordinates, then `TOLD`.
    """
    import tensorflow as tf

    real = tf.float64
    last_slot, first_slot = slots(max_depth)

    def advance(
        start: tf.Tensor,
        metric: tf.Tensor,
        averaging: Averaging,
        adapt: tf.Tensor,
        target: tf.Tensor,
        luck: Luck,
        steps: tf.Tensor,
        depth: tf.Tensor,
        data: Any,
    ) -> tuple[Averaging, tf.Tensor]:
        chains, size = start.shape
        each, levels = tf.range(chains), tf.range(max_depth)[None]

        def of_draw(table: tf.Tensor, draw: tf.Tensor, *column: tf.Tensor) -> tf.Tensor:
            """A row of (CHUNK, C, ...) per chain, each at its own draw."""
            return tf.gather_nd(table, tf.stack([tf.minimum(draw, CHUNK - 1), each, *column], axis=-1))

        def value_and_gradient(position: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(position)
                value = log_density(tf.matmul(position, metric, transpose_b=True), data)
            return value, tape.gradient(value, position)

        def begin(chosen: tf.Tensor, draw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            """Momentum, energy and both ends of a trajectory that starts at a chosen point."""
            momentum = of_draw(luck.impulses, draw)
            energy = 0.5 * tf.reduce_sum(momentum**2, axis=-1) - chosen[:, 2 * size]
            end = tf.concat([chosen[:, :size], momentum, chosen[:, size : 2 * size]], axis=-1)
            return momentum, energy, tf.stack([end, end])

        def body(
            passes: tf.Tensor, draw: tf.Tensor, tree: Tree, averaging: Averaging, records: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, Tree, Averaging, tf.Tensor]:
            # One leapfrog step at the end that is being extended; the very first pass stands still to learn the gradient.
            doubling = tf.minimum(tree.depth, max_depth - 1)
            rightward = of_draw(luck.directions, draw, doubling) < 0.5
            sign = tf.where(rightward, tf.ones_like(tree.weight), -tf.ones_like(tree.weight))
            jitter = 1.0 + JITTER * (2.0 * of_draw(luck.paces, draw) - 1.0)
            pace = tf.where(passes > 0, sign * jitter * tf.exp(averaging.log_step), tf.zeros_like(sign))[:, None]
            position, momentum, gradient = tf.split(tf.where(rightward[:, None], tree.ends[1], tree.ends[0]), 3, axis=-1)
            momentum = momentum + 0.5 * pace * gradient
            position = position + pace * momentum
            value, gradient = value_and_gradient(position)
            momentum = momentum + 0.5 * pace * gradient
            energy = 0.5 * tf.reduce_sum(momentum**2, axis=-1) - value
            energy = tf.where(tf.math.is_finite(energy), energy, np.inf * tf.ones_like(energy))
            gain = tree.energy - energy
            diverging = gain < -LARGEST_ERROR
            acceptance = tree.acceptance + tf.exp(tf.minimum(gain, 0.0))
            leapfrogs = tree.leapfrogs + 1

            # The leaf joins the subtree, which may now turn back on itself.
            point = tf.concat([position, gradient, value[:, None], energy[:, None]], axis=-1)
            end = tf.concat([position, momentum, gradient], axis=-1)
            ends = tf.where(tf.stack([~rightward, rightward])[..., None], end[None], tree.ends)
            sub_weight = _log_add(tree.sub_weight, gain)
            taken = tf.math.log(of_draw(luck.leaves, draw, tree.leapfrogs)) < gain - sub_weight
            sub_chosen = tf.where(taken[:, None], point, tree.sub_chosen)
            sub_momenta = tree.sub_momenta + momentum
            even = (tree.leaf % 2 == 0)[:, None]
            last, first = tf.gather(last_slot, tree.leaf)[:, None], tf.gather(first_slot, tree.leaf)[:, None]
            fill = (even & (levels == last))[..., None]
            starts = tf.where(fill, momentum[:, None], tree.starts)
            sums = tf.where(fill, sub_momenta[:, None], tree.sums)
            compared = ~even & (levels >= first) & (levels <= last)
            spans = sub_momenta[:, None] - sums + starts
            broken = diverging | tf.reduce_any(compared & _turns(starts, momentum[:, None], spans), axis=-1)
            leaf = tree.leaf + 1

            # A whole subtree joins the tree.
            joined = (leaf == tf.bitwise.left_shift(tf.ones_like(leaf), tree.depth)) & ~broken
            moved = joined & (tf.math.log(of_draw(luck.joins, draw, doubling)) < sub_weight - tree.weight)
            chosen = tf.where(moved[:, None], sub_chosen, tree.chosen)
            weight = tf.where(joined, _log_add(tree.weight, sub_weight), tree.weight)
            momenta = tf.where(joined[:, None], tree.momenta + sub_momenta, tree.momenta)
            reached = tree.depth + tf.cast(joined, tf.int32)
            turned = joined & _turns(ends[0, :, size : 2 * size], ends[1, :, size : 2 * size], momenta)
            over = broken | turned | (reached >= depth)
            chosen = tf.where(passes > 0, chosen, point)
            done = over & (draw < steps) & (passes > 0)
            over = over | (passes == 0)

            # What ended is written down, and the next trajectory begins.
            share = acceptance / tf.cast(leapfrogs, real)
            told = (chosen[:, 2 * size + 1], tf.cast(diverging, real), share, tf.cast(leapfrogs, real), chosen[:, 2 * size])
            record = tf.concat([chosen[:, : 2 * size], tf.stack(told, axis=-1)], axis=-1)
            here = (tf.range(CHUNK)[:, None] == draw[None]) & done[None]
            records = tf.where(here[..., None], record[None], records)
            averaging = average(averaging, share, target, done & (adapt > 0))
            draw = draw + tf.cast(done, tf.int32)
            impulse, energy, fresh = begin(chosen, draw)
            renewed, zero, none = joined | over, tf.zeros_like(weight), tf.zeros_like(leaf)
            tree = Tree(
                ends=tf.where(over[None, :, None], fresh, ends),
                chosen=chosen,
                weight=tf.where(over, zero, weight),
                momenta=tf.where(over[:, None], impulse, momenta),
                depth=tf.where(over, none, reached),
                energy=tf.where(over, energy, tree.energy),
                sub_chosen=sub_chosen,
                sub_weight=tf.where(renewed, zero - np.inf, sub_weight),
                sub_momenta=tf.where(renewed[:, None], tf.zeros_like(sub_momenta), sub_momenta),
                leaf=tf.where(renewed, none, leaf),
                starts=starts,
                sums=sums,
                acceptance=tf.where(over, zero, acceptance),
                leapfrogs=tf.where(over, none, leapfrogs),
            )
            return passes + 1, draw, tree, averaging, records

        draw, zero = tf.zeros(chains, tf.int32), tf.zeros(chains, real)
        blank = tf.zeros((chains, 2 * size + 2), real)
        standing = tf.concat([start, tf.zeros((chains, 2 * size), real)], axis=-1)
        slot = tf.zeros((chains, max_depth, size), real)
        nothing = tf.zeros((chains, size), real)
        tree = Tree(
            tf.stack([standing, standing]),
            blank,
            zero,
            nothing,
            draw,
            zero,
            blank,
            zero - np.inf,
            nothing,
            draw,
            slot,
            slot,
            zero,
            draw,
        )
        records = tf.zeros((CHUNK, chains, 2 * size + len(TOLD)), real)
        state = (tf.constant(0), draw, tree, averaging, records)
        *_, averaging, records = tf.while_loop(lambda *now: tf.reduce_any(now[1] < steps), body, state)
        walked, rest = tf.reshape(records[..., :size], (-1, size)), records[..., size:]
        flat = tf.reshape(tf.matmul(walked, metric, transpose_b=True), (CHUNK, chains, size))
        return averaging, tf.concat([flat, rest], axis=-1)

    return tf.function(advance, jit_compile=True, autograph=False)


def _log_add(one: "tf.Tensor", other: "tf.Tensor") -> "tf.Tensor":
    """``log(exp(one) + exp(other))``; minus infinity where both are."""
    import tensorflow as tf

    larger = tf.maximum(tf.maximum(one, other), -1e300)
    return larger + tf.math.log(tf.exp(one - larger) + tf.exp(other - larger))


def _turns(left: "tf.Tensor", right: "tf.Tensor", momenta: "tf.Tensor") -> "tf.Tensor":
    """Whether a stretch turns back: an end's momentum points against the way between the ends, as a trapezoid sums it."""
    import tensorflow as tf

    way = momenta - 0.5 * (left + right)
    return (tf.reduce_sum(left * way, axis=-1) <= 0) | (tf.reduce_sum(right * way, axis=-1) <= 0)
