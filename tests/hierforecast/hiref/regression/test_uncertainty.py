"""Standard errors of effects: the same as by brute force, and true to how far estimates really scatter."""

import numpy as np
import pandas as pd
import pytest

from hierforecast.hierarchy import BOTTOM, TOTAL, Hierarchy
from hierforecast.hiref.moments.sums import sum_moments
from hierforecast.hiref.regression import covariance, uncertainty
from hierforecast.hiref.regression.effects import Columns, Parameters, effects_of
from hierforecast.hiref.regression.ridge import strengths_of
from hierforecast.hiref.regression.uncertainty import _expected, _groups, _sampling, _slopes
from hierforecast.options import Training

LEVELS = ["store", "brand"]
COLUMNS = Columns(("price", "tv", "season"), np.array([-1.0, 1.0, 0.0]), (("brand",), (), ("store", "brand")))
SIZE = 2


@pytest.fixture(scope="module")
def hierarchy() -> Hierarchy:
    keys = pd.MultiIndex.from_product([list("abcd"), list("xyz")], names=LEVELS).to_frame(index=False)
    return Hierarchy.from_panel(keys, LEVELS)


@pytest.fixture(scope="module")
def parameters(hierarchy) -> Parameters:
    rng = np.random.default_rng(0)
    mask = np.repeat([[level in by for level in LEVELS] for by in COLUMNS.by], SIZE, axis=1)
    return Parameters(
        bias=np.asarray(1.0),
        weights=rng.normal(0, 1, 4),
        theta=rng.normal(0, 1, 3),
        loadings=rng.normal(0, 1, (3, 4)) * mask,
        embeddings={level: rng.normal(0, 0.5, (len(hierarchy.nodes[level]), SIZE)) for level in LEVELS},
        signs=COLUMNS.signs,
        column_scales=np.ones(3),
        target_scale=np.asarray(1.0),
    )


def flat(parameters: Parameters) -> np.ndarray:
    tables = [table.ravel() for table in parameters.embeddings.values()]
    kept = parameters.loadings[parameters.loadings != 0]
    return np.concatenate([[parameters.bias], parameters.weights, parameters.theta, kept, *tables])


def unflat(values: np.ndarray, like: Parameters) -> Parameters:
    kept = like.loadings != 0
    shapes = [table.shape for table in like.embeddings.values()]
    ends = np.cumsum([1, 4, 3, kept.sum(), *[np.prod(shape) for shape in shapes]])
    bias, weights, theta, loaded, *tables = np.split(values, ends[:-1])
    loadings = np.zeros_like(like.loadings)
    loadings[kept] = loaded
    embeddings = {name: t.reshape(s) for name, t, s in zip(like.embeddings, tables, shapes, strict=True)}
    return like._replace(bias=bias[0], weights=weights, theta=theta, loadings=loadings, embeddings=embeddings)


def slopes_by_brute_force(parameters: Parameters, hierarchy: Hierarchy) -> np.ndarray:
    """(series, 1 + columns, parameters) by central differences."""

    def found(values: np.ndarray) -> np.ndarray:
        effects = effects_of(unflat(values, parameters), hierarchy.series)
        return np.column_stack([effects.baseline, effects.total])

    at, step = flat(parameters), 1e-5
    moved = [(found(at + step * unit) - found(at - step * unit)) / (2 * step) for unit in np.eye(len(at))]
    return np.stack(moved, axis=2)


def test_sampling_variances_are_those_of_the_whole_matrix(hierarchy, parameters):
    rng = np.random.default_rng(1)
    X = rng.normal(0, 1, (12, 40, 4))
    X[:, :, 0] = 1.0
    products = np.einsum("sti,stj->sij", X, X)
    scale = rng.uniform(0.5, 2.0, 12)
    strengths = strengths_of(Training(ridge={"store": 0.7, "brand": 2.0}), COLUMNS, LEVELS)
    slopes = _slopes(parameters, hierarchy, COLUMNS, strengths)
    layout = covariance.lay_out(hierarchy, slopes)
    found = covariance.covariances(products, scale, hierarchy, slopes, layout)

    J = slopes_by_brute_force(parameters, hierarchy)
    by_width = np.repeat([0.7, 2.0], SIZE)
    loaded = np.tile(by_width, (3, 1))[parameters.loadings != 0]
    strengths = np.concatenate([[0.0], by_width, np.zeros(3), loaded, np.full(8, 0.7), np.full(6, 2.0)])
    bread = np.einsum("sip,sij,sjq->pq", J, products, J) + np.diag(strengths)
    usual = np.average(scale, weights=products[:, 0, 0])
    meat = np.einsum("sip,sij,sjq,s->pq", J, products, J, scale) + usual * np.diag(strengths)
    inverse = np.linalg.inv(bread)
    whole = inverse @ meat @ inverse
    for name, codes in _groups(hierarchy).items():
        mean = np.stack([J[codes == node].mean(axis=0) for node in range(codes.max() + 1)])
        wanted = np.einsum("nip,pq,niq->ni", mean, whole, mean)[:, 1:]
        np.testing.assert_allclose(_sampling(found, name, codes, hierarchy, slopes, layout), wanted, rtol=1e-5)


def fit_scatter(rng: np.random.Generator, hierarchy: Hierarchy, spread: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Errors of one least-squares slope shared by all series, whose true slopes differ by `spread`; and what is told."""
    count, weeks = len(hierarchy.series), 60
    series = np.repeat(np.arange(count), weeks)
    x, true = rng.normal(0, 1, count * weeks), 1.0 + spread * rng.normal(0, 1, count)
    y = true[series] * x + rng.normal(0, 0.5, count * weeks)
    columns = Columns(("x",), np.zeros(1), ((),))
    slope = (x @ y) / (x @ x)
    parameters = Parameters(
        bias=np.asarray(0.0),
        weights=np.zeros(2),
        theta=np.array([slope]),
        loadings=np.zeros((1, 2)),
        embeddings={level: np.zeros((len(hierarchy.nodes[level]), 1)) for level in LEVELS},
        signs=np.zeros(1),
        column_scales=np.ones(1),
        target_scale=np.asarray(1.0),
    )
    told = uncertainty.effect_errors(
        sum_moments(x[:, None], y, series, count),
        hierarchy,
        columns,
        parameters,
        np.zeros(count),
        strengths=strengths_of(Training(), columns, LEVELS),
        weights=np.ones(count),
    )
    return slope - true, told


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.5])
def test_errors_told_are_errors_made(hierarchy, spread):
    rng = np.random.default_rng(2)
    made, told = zip(*(fit_scatter(rng, hierarchy, spread) for _ in range(60)), strict=True)
    series = np.array([np.abs(error) <= 1.645 * said[BOTTOM][:, 0] for error, said in zip(made, told, strict=True)])
    total = np.array([abs(error.mean()) <= 1.645 * said[TOTAL][0, 0] for error, said in zip(made, told, strict=True)])
    assert 0.85 <= series.mean() <= 1.0
    assert total.mean() >= 0.85
    if spread == 0.5:
        assert np.mean([said[BOTTOM].mean() for said in told]) == pytest.approx(0.5, rel=0.2)


def test_levels_too_large_for_one_matrix_are_taken_node_by_node(hierarchy, parameters, monkeypatch):
    monkeypatch.setattr(covariance, "LARGEST", 0)
    slopes = _slopes(parameters, hierarchy, COLUMNS, strengths_of(Training(), COLUMNS, LEVELS))
    layout = covariance.lay_out(hierarchy, slopes)
    assert layout.whole == ()
    products = np.tile(50.0 * np.eye(4), (12, 1, 1))
    found = covariance.covariances(products, np.ones(12), hierarchy, slopes, layout)
    for name, codes in _groups(hierarchy).items():
        variance = _sampling(found, name, codes, hierarchy, slopes, layout)
        assert np.isfinite(variance).all()
        assert (variance > 0).all()


def test_a_variance_that_cannot_be_negative_is_expected_above_zero():
    assert _expected(10.0, 0.1) == pytest.approx(10.0)
    assert _expected(0.0, 1.0) == pytest.approx(np.sqrt(2 / np.pi))
    assert 0 < _expected(-2.0, 1.0) < _expected(0.0, 1.0) < _expected(2.0, 1.0)
