"""Which stretches warm-up has: short windows that teach a metric and grow, then one that settles the step size."""

from typing import NamedTuple

FIRST, GROWTH = 20, 1.7
LAST_SHARE = 0.16  # of warm-up, for the step size under the last metric
SHALLOW = (6, 7)  # tree depths of the first windows at most: long trajectories in wrong coordinates teach little


class Window(NamedTuple):
    """A stretch of warm-up."""

    steps: int
    learns_metric: bool  # at its end
    depth: int  # of trees at most


def warmup_windows(steps: int, max_depth: int) -> list[Window]:
    """Cut warm-up into windows.

    Args:
        steps: of warm-up in all.
        max_depth: of trees after the first windows.
    """
    last = max(int(LAST_SHARE * steps), 10)
    left, size, sizes = steps - last, min(FIRST, max((steps - last) // 4, 1)), []
    while left > 0:
        following = int(GROWTH * size)
        size = left if left < size + following else size  # the last window takes what would be too short
        sizes.append(size)
        left, size = left - size, following
    depths = [min(depth, max_depth) for depth in SHALLOW] + [max_depth] * len(sizes)
    return [*(Window(size, True, depth) for size, depth in zip(sizes, depths, strict=False)), Window(last, False, max_depth)]
