"""Where a history is cut into what a fit knew and blocks that it is judged by."""

SHORTEST = 4  # what stays before the first held-out block is at least about this many times as long as a block


def cuts_of(periods: int, horizon: int, origins: int) -> tuple[int, ...]:
    """First periods of at most so many held-out blocks at the end of a history of so many periods, ascending."""
    length = min(horizon, periods // SHORTEST)
    wanted = [periods - back * length for back in range(origins, 0, -1)]
    return tuple(cut for cut in wanted if length and cut >= (SHORTEST - 1) * length)
