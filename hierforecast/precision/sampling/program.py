"""The one compiled program: some draws of all chains, each chain at its own pace.

One pass of its loop is one leapfrog step of every chain. A chain whose trajectory ends writes its draw and begins the next
one in the same pass, so no chain waits for the deepest tree of the others; only the last draws of a call do. The density is
written into the program once, which is what keeps its compilation short, and chance comes from outside.

A chain walks in q, where flat = metric q: there the posterior looks round and masses are one.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hierforecast.precision.engine import tensorflow
from hierforecast.precision.sampling.averaging import Averaging, average
from hierforecast.precision.sampling.trajectory import (
    Tree,
    ValueAndGradient,
    add_leaf,
    begin_anew,
    join_subtree,
    leap,
    standing_still,
)

if TYPE_CHECKING:
    import tensorflow as tf

CHUNK = 50  # draws per call at most: progress several times a second, and few calls
JITTER = 0.1  # step sizes vary by so much from draw to draw, so that no trajectory closes on itself twice
TOLD = ("energy", "diverging", "acceptance", "leapfrogs", "log_density")

LogDensity = Callable[["tf.Tensor", Any], "tf.Tensor"]


class Luck(NamedTuple):
    """Everything random in a call, drawn before it: impulses are normal, the others uniform in (0, 1)."""

    impulses: Any  # (CHUNK, C, D) momenta
    paces: Any  # (CHUNK, C) jitter of the step size
    directions: Any  # (CHUNK, C, depth) of every doubling
    joins: Any  # (CHUNK, C, depth) whether the draw moves into the new half
    leaves: Any  # (CHUNK, C, 2^depth) whether a leaf becomes its subtree's draw
    seed: Any  # (2,) int, for a kernel that draws its own


class Adaptation(NamedTuple):
    """How a call is to walk."""

    learns: Any  # () 1.0 or 0.0: whether step sizes adapt
    target: Any  # () acceptance aimed at
    steps: Any  # () int, draws to take, at most CHUNK
    depth: Any  # () int, of trees at most


def draw_luck(seed: tuple[int, int], chains: int, size: int, max_depth: int) -> Luck:
    """The luck of one call; equal seeds, equal luck."""
    rng = np.random.default_rng(seed)
    shape = (CHUNK, chains)
    impulses, paces = rng.standard_normal((*shape, size)), rng.random(shape)
    directions, joins = rng.random((*shape, max_depth)), rng.random((*shape, max_depth))
    return Luck(impulses, paces, directions, joins, rng.random((*shape, 2**max_depth)), rng.integers(0, 2**30, 2))


@cache
def compiled_program(log_density: LogDensity, max_depth: int) -> Callable[..., Any]:
    """Compile once per density, depth and shapes of its arguments.

    The program's arguments: start (C, D) in the metric's coordinates; metric (D, D); averaging (fields (C,)); adaptation;
    luck; data. It returns the averaging and (CHUNK, C, 2 D + 5) records: position in flat coordinates, gradient in the
    metric's, then `TOLD`.
    """
    tf = tensorflow()

    def advance(
        start: "tf.Tensor", metric: "tf.Tensor", averaging: Averaging, adaptation: Adaptation, luck: Luck, data: Any
    ) -> tuple[Averaging, "tf.Tensor"]:
        def value_and_gradient(position: "tf.Tensor") -> tuple["tf.Tensor", "tf.Tensor"]:
            with tf.GradientTape() as tape:
                tape.watch(position)
                value = log_density(tf.matmul(position, metric, transpose_b=True), data)
            return value, tape.gradient(value, position)

        def body(*state: Any) -> tuple:
            return _one_pass(*state, adaptation=adaptation, luck=luck, value_and_gradient=value_and_gradient)

        chains, size = start.shape
        records = tf.zeros((CHUNK, chains, 2 * size + len(TOLD)), start.dtype)
        state = (tf.constant(0), tf.zeros(chains, tf.int32), standing_still(start, max_depth), averaging, records)
        *_, averaging, records = tf.while_loop(lambda *now: tf.reduce_any(now[1] < adaptation.steps), body, state)
        walked, rest = tf.reshape(records[..., :size], (-1, size)), records[..., size:]
        flat = tf.reshape(tf.matmul(walked, metric, transpose_b=True), (CHUNK, chains, size))
        return averaging, tf.concat([flat, rest], axis=-1)

    return tf.function(advance, jit_compile=True, autograph=False)


def _one_pass(
    passes: "tf.Tensor",
    draw: "tf.Tensor",
    tree: Tree,
    averaging: Averaging,
    records: "tf.Tensor",
    *,
    adaptation: Adaptation,
    luck: Luck,
    value_and_gradient: ValueAndGradient,
) -> tuple:
    """One leapfrog step of every chain, and what follows from it; the very first stands still to learn the gradient."""
    tf = tensorflow()
    moving, levels = passes > 0, luck.directions.shape[-1]
    doubling = tf.minimum(tree.depth, levels - 1)
    rightward = _of_draw(luck.directions, draw, doubling) < 0.5
    sign = tf.where(rightward, tf.ones_like(tree.weight), -tf.ones_like(tree.weight))
    jitter = 1.0 + JITTER * (2.0 * _of_draw(luck.paces, draw) - 1.0)
    pace = tf.where(moving, sign * jitter * tf.exp(averaging.log_step), tf.zeros_like(sign))
    leaf = leap(tree, rightward, pace, value_and_gradient)
    tree, broken = add_leaf(tree, leaf, rightward, _of_draw(luck.leaves, draw, tree.leapfrogs))
    tree, over = join_subtree(tree, broken, _of_draw(luck.joins, draw, doubling), adaptation.depth)
    tree = tree._replace(chosen=tf.where(moving, tree.chosen, leaf.point))

    done = over & (draw < adaptation.steps) & moving
    acceptance = tree.acceptance / tf.cast(tree.leapfrogs, leaf.gain.dtype)
    here = (tf.range(CHUNK)[:, None] == draw[None]) & done[None]
    records = tf.where(here[..., None], _record(tree, leaf.diverging, acceptance)[None], records)
    averaging = average(averaging, acceptance, adaptation.target, done & (adaptation.learns > 0))
    draw = draw + tf.cast(done, tf.int32)
    return passes + 1, draw, begin_anew(tree, over | ~moving, _of_draw(luck.impulses, draw)), averaging, records


def _record(tree: Tree, diverging: "tf.Tensor", acceptance: "tf.Tensor") -> "tf.Tensor":
    """What is written down of a draw, (C, 2 D + 5)."""
    tf = tensorflow()
    value, energy = tree.chosen[:, -2], tree.chosen[:, -1]
    numbers = (energy, diverging, acceptance, tree.leapfrogs, value)
    told = tf.stack([tf.cast(number, acceptance.dtype) for number in numbers], axis=-1)
    return tf.concat([tree.chosen[:, :-2], told], axis=-1)


def _of_draw(table: "tf.Tensor", draw: "tf.Tensor", *column: "tf.Tensor") -> "tf.Tensor":
    """A row of (CHUNK, C, ...) per chain, each at its own draw, and of that a column."""
    tf = tensorflow()
    return tf.gather_nd(table, tf.stack([tf.minimum(draw, CHUNK - 1), tf.range(table.shape[1]), *column], axis=-1))
