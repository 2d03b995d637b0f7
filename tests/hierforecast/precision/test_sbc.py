"""A sample of simulation-based calibration: ranks of the truth are even, and are not where data follow another law."""

from importlib.util import find_spec

import numpy as np
import pytest

from benchmarks.precision_companies import mean_of, residuals_of
from benchmarks.precision_sbc import LEVEL, WEEKS, corrected, judge, problem_of, replicate

REPLICATIONS = 20
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("tensorflow") is None, reason="the precision extra is not installed"),
]


@pytest.fixture(scope="module")
def problem():
    return problem_of("default")


def quieter_target(parameters, problem, seed):
    """Data whose noise is half of what the parameters say."""
    return mean_of(parameters, problem)[0] + 0.5 * residuals_of(parameters, WEEKS, seed=seed)


def test_the_truth_ranks_evenly_among_the_draws(problem):
    done = [replicate(problem, number, seed=1) for number in range(REPLICATIONS)]
    assert corrected(judge(done)) > LEVEL
    assert np.mean([one.divergences for one in done]) < 1
    assert max(one.rhat for one in done) < 1.1


def test_another_law_than_the_densitys_is_found_out(problem):
    table = judge([replicate(problem, number, make=quieter_target, seed=1) for number in range(REPLICATIONS)])
    assert corrected(table) < LEVEL
    assert table.set_index("quantity")["p"].idxmin() in ("noise[0]", "log_likelihood")
