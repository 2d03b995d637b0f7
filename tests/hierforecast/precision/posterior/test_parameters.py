import numpy as np
import pytest

from hierforecast.precision.operations import in_tensorflow
from hierforecast.precision.posterior.data import parent_matrices
from hierforecast.precision.posterior.parameters import block_sizes, constrain, split_blocks


@pytest.fixture
def arranged(form, trained):
    one, data = trained(form)
    flat = np.random.default_rng(6).normal(size=(2, 3, sum(block_sizes(data, form.model).values())))
    return one, data, flat


def test_pieces_make_up_the_whole_vector(form, arranged):
    _, data, flat = arranged
    pieces = split_blocks(flat, data, form.model)
    assert {name: piece.shape[-1] for name, piece in pieces.items()} == block_sizes(data, form.model)
    np.testing.assert_array_equal(np.concatenate(list(pieces.values()), axis=-1), flat)


def test_parameters_lie_where_they_must_and_have_declared_shapes(form, arranged):
    one, data, flat = arranged
    drawn = constrain(3 * flat, data, form.model)
    count = one.hierarchy.num_tacticals
    for values, size in ((drawn.noise, 1), (drawn.strength, data.units)):
        assert values.shape == (2, 3, size)
        assert (values > 0).all()
    assert drawn.decay.shape == (2, 3, count)
    assert ((drawn.decay >= 0) & (drawn.decay <= 1)).all()
    assert (drawn.correlation is not None) == (form.model.residuals == "ar1")
    assert (drawn.tails is not None) == (form.model.noise == "student")
    assert (drawn.half is not None) == (form.model.saturation != "none")
    assert (drawn.slope is not None) == (form.model.saturation == "hill")
    if drawn.tails is not None:
        assert (drawn.tails > 2).all()
    if drawn.correlation is not None:
        assert (np.abs(drawn.correlation) <= 1).all()
    if form.model.effects == "tree":
        levels = one.hierarchy.levels[::-1]
        levels = levels[: levels.index(form.model.effects_at) + 1] if form.model.effects_at else levels
        assert drawn.scales.shape == (2, 3, len(levels))
        assert [effects.shape[-1] for effects in drawn.effects] == [len(one.hierarchy.nodes(level)) for level in levels]


def test_chains_and_draws_agree(tf, form, arranged):
    _, data, flat = arranged
    rows = flat.reshape(6, -1)
    ours, theirs = constrain(rows, data, form.model), constrain(tf.constant(rows), data, form.model, in_tensorflow())
    for name in ours._fields:
        pairs = zip(
            *(part if isinstance(part, tuple) else (part,) for part in (getattr(ours, name), getattr(theirs, name))),
            strict=True,
        )
        for one, other in pairs:
            assert (one is None) == (other is None)
            if one is not None:
                np.testing.assert_allclose(other, one, rtol=1e-12)


@pytest.mark.parametrize("form", ["plain"], indirect=True)
def test_a_narrow_level_makes_siblings_alike(form, arranged):
    _, data, flat = arranged
    narrow = data._replace(priors=data.priors._replace(scale_location=np.array(-20.0)), centring=np.zeros(4))
    drawn = constrain(flat, narrow, form.model)
    np.testing.assert_allclose(drawn.strength, np.exp(drawn.global_effect) * np.ones(4), rtol=1e-6)


def test_parents_hand_their_values_down(trained, form):
    one, _ = trained(form)
    tree = one.hierarchy
    matrices = parent_matrices(tree)
    assert [matrix.sum() for matrix in matrices] == [len(tree.nodes(level)) for level in tree.levels[::-1]]
    assert all((matrix.sum(axis=0) == 1).all() for matrix in matrices)  # one parent each
    for place, level in enumerate(tree.levels[-2::-1], start=1):
        above = tree.nodes(tree.levels[len(tree.levels) - place])
        handed = np.arange(len(above)) @ matrices[place]
        parent_of = {path[tree.levels.index(level)]: path[tree.levels.index(level) + 1] for path in tree.paths}
        assert [above[int(number)] for number in handed] == [parent_of[node] for node in tree.nodes(level)]
