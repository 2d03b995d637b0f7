import pytest

from hierforecast.precision.sampling.chains import calls_of
from hierforecast.precision.sampling.program import CHUNK
from hierforecast.precision.sampling.schedule import LAST_SHARE, warmup_windows


@pytest.mark.parametrize("steps", [*range(50, 260), 500, 999, 1000, 1234, 5000, 20_000])
def test_windows_cover_every_step_once(steps):
    windows = warmup_windows(steps, 8)
    assert sum(window.steps for window in windows) == steps
    assert min(window.steps for window in windows) > 0
    *learning, last = windows
    assert all(window.learns_metric for window in learning)
    assert learning
    assert not last.learns_metric  # the step size must settle under the last metric
    assert last.steps >= max(10, int(LAST_SHARE * steps))
    sizes = [window.steps for window in learning]
    assert sizes == sorted(sizes)
    assert sizes[0] <= 20 or len(sizes) == 1


@pytest.mark.parametrize("max_depth", [3, 6, 7, 8, 12])
def test_first_windows_have_shallow_trees_and_later_ones_full(max_depth):
    depths = [window.depth for window in warmup_windows(500, max_depth)]
    assert max(depths) == max_depth
    assert depths == sorted(depths)
    assert depths[:2] == [min(6, max_depth), min(7, max_depth)]


@pytest.mark.parametrize("steps", [1, 49, 50, 51, 100, 1003])
def test_calls_make_up_the_steps(steps):
    calls = calls_of(steps)
    assert sum(calls) == steps
    assert max(calls) <= CHUNK
    assert min(calls) > 0
