import numpy as np
import pytest

from hierforecast.options import Sampling
from hierforecast.precision.sampling.averaging import begin_averaging
from hierforecast.precision.sampling.chains import Chains
from hierforecast.precision.sampling.program import CHUNK, TOLD
from hierforecast.precision.sampling.trajectory import slots

SETTINGS = Sampling(chains=4, max_tree_depth=6)


def subtrees_ending_at(leaf, depth):
    """First leaves of all balanced subtrees that end at a leaf, by halving the whole tree again and again."""
    found = []

    def halve(first, last):
        if last == leaf and last > first:
            found.append(first)
        if last > first:
            middle = (first + last) // 2
            halve(first, middle)
            halve(middle + 1, last)

    halve(0, 2**depth - 1)
    return sorted(found)


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 8])
def test_slots_keep_the_starts_of_the_subtrees_that_a_leaf_ends(depth):
    last, first = slots(depth)
    kept = {}
    for leaf in range(2**depth):
        if leaf % 2 == 0:
            kept[last[leaf]] = leaf
            assert last[leaf] < depth
        else:
            assert sorted(kept[slot] for slot in range(first[leaf], last[leaf] + 1)) == subtrees_ending_at(leaf, depth)


@pytest.fixture
def chains(correlated_normal, normal_data):
    def make(seed=3):
        return Chains(correlated_normal, normal_data, np.ones(3), SETTINGS, seed, None)

    return make


def columns(records):
    """Position, gradient, and the five numbers told, by name."""
    told = dict(zip(TOLD, np.moveaxis(records[..., 6:], -1, 0), strict=True))
    return records[..., :3], records[..., 3:6], told


def test_records_tell_the_density_and_its_gradient_where_the_chains_are(chains, normal_data):
    mean, precision = normal_data
    position, gradient, told = columns(chains().walk(CHUNK, depth=6, adapt=True))
    centred = position - mean
    np.testing.assert_allclose(gradient, -centred @ precision, rtol=1e-8, atol=1e-8)
    log_density = -0.5 * (centred * (centred @ precision)).sum(axis=-1)
    np.testing.assert_allclose(told["log_density"], log_density, rtol=1e-8, atol=1e-8)
    kinetic = told["energy"] + log_density
    assert (kinetic > -1e-9).all()
    assert ((told["acceptance"] >= 0) & (told["acceptance"] <= 1)).all()


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_trees_are_never_deeper_than_they_may_be(chains, depth):
    """With tiny steps every trajectory would go on for ever."""
    one = chains()
    one._standing = one._standing._replace(averaging=begin_averaging(1e-11, 4))
    *_, told = columns(one.walk(CHUNK, depth=depth, adapt=False))
    assert (told["leapfrogs"] == 2**depth - 1).all()


def test_trajectories_stop_where_they_turn_back(chains, normal_data):
    """In round coordinates half a turn takes pi over the step: trees are neither at their limit nor single steps."""
    one = chains()
    metric = np.linalg.cholesky(np.linalg.inv(normal_data[1]))
    one._standing = one._standing._replace(metric=metric, averaging=begin_averaging(0.3, 4))
    *_, told = columns(one.walk(CHUNK, depth=6, adapt=False))
    assert told["leapfrogs"].max() <= 31
    assert told["leapfrogs"].mean() > 5


def test_a_chain_does_not_feel_where_the_others_are(chains):
    one, other = chains(), chains()
    flat = other._standing.flat.copy()
    flat[1:] += np.array([3.0, -2.0, 9.0])
    other._standing = other._standing._replace(flat=flat)
    ours, theirs = (which.walk(30, depth=5, adapt=False) for which in (one, other))
    np.testing.assert_array_equal(ours[:, 0], theirs[:, 0])
    assert (ours[:, 1, :3] != theirs[:, 1, :3]).any()


def test_a_step_that_loses_all_energy_diverges(chains):
    one = chains()
    one._standing = one._standing._replace(averaging=begin_averaging(1e4, 4))
    before = one._standing.flat.copy()
    position, _, told = columns(one.walk(10, depth=6, adapt=False))
    assert told["diverging"].all()
    assert (told["leapfrogs"] == 1).all()
    np.testing.assert_allclose(position, np.broadcast_to(before, position.shape), rtol=1e-9)  # and the chain stays


def test_chains_go_on_where_the_last_call_ended(chains):
    one = chains()
    one._standing = one._standing._replace(averaging=begin_averaging(1e-3, 4))
    first = one.walk(10, depth=4, adapt=False)
    np.testing.assert_allclose(one._standing.flat, first[-1, :, :3])
    second = one.walk(10, depth=4, adapt=False)
    assert (second[0, :, :3] != first[0, :, :3]).any()
