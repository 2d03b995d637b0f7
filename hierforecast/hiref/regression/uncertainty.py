"""How far off the effects may be: standard errors of every series' and every node's effects, from moments alone.

Two things are uncertain, and their variances are added.

1. The parameters. Around the optimum the model is linear in its parameters phi, so with J[s] the slopes of series s'
   baseline and effects, A[s] its weighted products of columns, v[s] its noise variance times weight, and ridge the prior

       B = sum_s J' A J + ridge,    M = sum_s v J' A J + mean(v) ridge,    cov(phi) = B^-1 M B^-1

   a ridge posterior that allows for noise that differs between series; the delta method takes it through softplus.
2. What the parameters cannot say: effects differ in ways that a few numbers per node do not hold. What is left in the
   residuals of nodes, beyond what noise leaves there, gives the variance of such differences, for each level its own.

Errors of different rows are taken as unrelated in 1; where they are not, 2 finds more left than noise leaves.

Sources: MacKay (1992), Bayesian interpolation, Neural Computation 4(3), doi:10.1162/neco.1992.4.3.415, for 1;
DerSimonian & Laird (1986), Meta-analysis in clinical trials, doi:10.1016/0197-2456(86)90046-2, for 2.
"""

from statistics import NormalDist

import numpy as np

from hierforecast.hierarchy import BOTTOM, TOTAL, Hierarchy
from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.regression.covariance import Covariance, Layout, Slopes, covariances, lay_out
from hierforecast.hiref.regression.effects import Columns, Parameters, effects_of, embed
from hierforecast.hiref.regression.own import own_places, profile_own
from hierforecast.hiref.regression.ridge import Strengths

NOISE_ROWS = 10.0  # rows' worth of doubt before a series' noise departs from the common one
_CHUNK = 1024  # series at a time, to bound memory
PARTIAL_RIDGE = 1e-3  # of a column's own sum of squares: keeps per-series regressions on few rows solvable


def effect_errors(
    moments: Moments,
    hierarchy: Hierarchy,
    columns: Columns,
    parameters: Parameters,
    intercepts: np.ndarray,
    *,
    strengths: Strengths,
    weights: np.ndarray,
    own: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Standard errors of effects, link scale per unit of a column.

    Args:
        moments: of all rows, unweighted.
        hierarchy: nodes and series.
        columns: signs and levels per column.
        parameters: the optimum.
        intercepts: (series,) each series' own, link scale.
        strengths: ridge of nodes and of what series have of their own.
        weights: (series,) what training weighed each series by.
        own: (series, columns) what each series adds to its effects; None where none adds any.

    Returns:
        By level, "bottom" and "total": (nodes, columns), of the mean effect over a node's series; nodes in the
        hierarchy's order.
    """
    groups = _groups(hierarchy)
    if not columns.names:
        return {name: np.zeros((codes.max() + 1, 0)) for name, codes in groups.items()}
    target, per_unit = float(parameters.target_scale), float(parameters.target_scale) / parameters.column_scales
    unit = parameters._replace(column_scales=np.ones(len(parameters.theta)), target_scale=np.asarray(1.0))
    scaled = moments.scaled(parameters.column_scales, target)
    effects = effects_of(parameters, hierarchy.series, own)
    found = np.column_stack([(effects.baseline + intercepts) / target, effects.total / per_unit])
    noise = _noise(scaled, found)
    slopes = _slopes(unit, hierarchy, columns, strengths)
    layout = lay_out(hierarchy, slopes)
    residual, places = _residual_slopes(scaled, found), own_places(columns)
    if (weights != 1.0).any():
        scaled = scaled * weights[:, None, None]  # nobody asks for the unweighted ones from here on
    left, added = _own_part(scaled[:, :-1, :-1], noise * weights, places, strengths.own)
    profiled = profile_own(scaled, places, strengths.own)[:, :-1, :-1]
    del scaled  # as large as the moments
    known = covariances(profiled, noise * weights, hierarchy, slopes, layout)
    errors = {}
    for name, codes in groups.items():
        variance = _sampling(known, name, codes, hierarchy, slopes, layout)
        size = np.bincount(codes)[:, None]
        variance = variance * _mean(left, codes) ** 2 + _mean(added, codes) / size
        errors[name] = np.sqrt(variance + _left_over(*residual, codes, variance)) * per_unit
    return errors


def _own_part(
    products: np.ndarray, scale: np.ndarray, places: np.ndarray, strengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What of an error in the nodes' effects stays once series have their own part, and the own part's variance.

    Both are (series, columns): 1 and 0 for columns without own effects. Covariances between columns are left out.
    """
    across = products[:, places][:, :, places]
    inverse = np.linalg.inv(across + np.diag(strengths[places]))
    left, added = np.ones(products.shape[:2]), np.zeros(products.shape[:2])
    left[:, places] = 1.0 - np.einsum("sij,sji->si", inverse, across)
    added[:, places] = np.einsum("sii->si", inverse) * scale[:, None]
    return left[:, 1:], added[:, 1:]


def _mean(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Means of (series, columns) over the series of each node, (nodes, columns)."""
    count = int(codes.max()) + 1
    sums = np.column_stack([np.bincount(codes, column, count) for column in values.T])
    return sums / np.bincount(codes, minlength=count)[:, None]


def _groups(hierarchy: Hierarchy) -> dict[str, np.ndarray]:
    """(series,) node of each series, per level, at the bottom and in total."""
    count = len(hierarchy.series)
    levels = {level: hierarchy.membership(level).astype(np.int64) for level in hierarchy.levels}
    return {BOTTOM: np.arange(count), **levels, TOTAL: np.zeros(count, dtype=np.int64)}


def _noise(scaled: np.ndarray, found: np.ndarray, used: np.ndarray | float = 0.0) -> np.ndarray:
    """Noise variance per series, (series,), in units of the target's scale; shrunk to the common one.

    Args:
        scaled: (series, columns + 2, columns + 2) moments.
        found: (series, 1 + columns) baseline and effects.
        used: (series,) rows' worth of freedom that went into `found`.
    """
    residual = np.column_stack([-found, np.ones(len(found))])
    squares = np.maximum(np.einsum("si,sij,sj->s", residual, scaled, residual, optimize=True), 0.0)
    spare = np.maximum(scaled[:, 0, 0] - used, 0.0)
    common = squares.sum() / max(spare.sum(), 1.0)
    return np.maximum((squares + NOISE_ROWS * common) / (spare + NOISE_ROWS), 1e-12)


def _slopes(unit: Parameters, hierarchy: Hierarchy, columns: Columns, strengths: Strengths) -> Slopes:
    z = embed(unit, hierarchy.series)
    size = next(iter(unit.embeddings.values())).shape[1]
    raw = unit.theta + z @ unit.loadings.T
    # The slope of softplus is the logistic function.
    bend = np.where(unit.signs == 0, 1.0, unit.signs / (1.0 + np.exp(-np.clip(raw, -50, 50))))
    mask = np.repeat(columns.varies(hierarchy.levels), size, axis=1)
    trained = 1 if unit.full else 1 + z.shape[1]  # where embeddings are full, w and P are no parameters
    return Slopes(
        z=np.column_stack([np.ones(len(z)), z])[:, :trained],
        bend=np.column_stack([np.ones(len(z)), bend]),
        loadings=np.vstack([unit.weights, np.where(mask, unit.loadings, 0.0)]),
        keep=np.vstack([np.ones(1 + z.shape[1], dtype=bool), np.column_stack([np.ones(len(mask), dtype=bool), mask])])[
            :, :trained
        ],
        shared_ridge=np.column_stack([np.zeros(1 + len(mask)), np.repeat(strengths.columns.T, size, axis=1)])[:, :trained],
        node_ridge=strengths.columns if unit.full else np.repeat(strengths.nodes[:, None], size, axis=1),
    )


def _sampling(
    found: list[Covariance], name: str, codes: np.ndarray, hierarchy: Hierarchy, slopes: Slopes, layout: Layout
) -> np.ndarray:
    """Variance of the mean effect over each node's series, (nodes, columns)."""
    of = _series_variance if name == BOTTOM else _mean_variance
    places = {level: layout.starts[level] + hierarchy.series[:, level].astype(np.int64) for level in layout.whole}
    variances = [
        of(covariance, slopes.bend[:, column], slopes.z, places, hierarchy, codes)
        for column, covariance in enumerate(found, start=1)
    ]
    return np.maximum(np.column_stack(variances), 0.0)


def _series_variance(
    covariance: Covariance, bend: np.ndarray, z: np.ndarray, places: dict[int, np.ndarray], hierarchy: Hierarchy, _: np.ndarray
) -> np.ndarray:
    total = ((z @ covariance.shared) * z).sum(axis=1)
    for place in places.values():
        total += 2.0 * (z * covariance.cross[:, place].T).sum(axis=1)
        for other in places.values():
            total += covariance.nodes[place, other]
    for level, variance in covariance.apart.items():
        total += variance[hierarchy.series[:, level]]
    return bend**2 * total


def _mean_variance(
    covariance: Covariance,
    bend: np.ndarray,
    z: np.ndarray,
    places: dict[int, np.ndarray],
    hierarchy: Hierarchy,
    codes: np.ndarray,
) -> np.ndarray:
    count, nodes = int(codes.max()) + 1, covariance.nodes.shape[0]
    share = bend / np.bincount(codes, minlength=count)[codes]  # of a series in its node's mean
    shared = np.column_stack([np.bincount(codes, share * side, count) for side in z.T])
    local = np.zeros((count, nodes))
    for place in places.values():
        local += np.bincount(codes * nodes + place, share, count * nodes).reshape(count, nodes)
    total = ((shared @ covariance.shared) * shared).sum(axis=1)
    total += 2.0 * ((shared @ covariance.cross) * local).sum(axis=1) + ((local @ covariance.nodes) * local).sum(axis=1)
    for level, variance in covariance.apart.items():
        pairs, place = np.unique(codes * len(variance) + hierarchy.series[:, level], return_inverse=True)
        weight = np.bincount(place, share)
        total += np.bincount(pairs // len(variance), weight**2 * variance[pairs % len(variance)], count)
    return total


def _residual_slopes(scaled: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a regression of each series' residuals still finds: slopes, how much of a true difference they would show,
    and their variance by noise alone; (series, columns) each.
    """
    diagonal = np.einsum("sii->si", scaled)[:, :-1]
    ridge = PARTIAL_RIDGE * diagonal + 1e-6 * np.maximum(diagonal.mean(axis=0), 1e-12)
    slope, shown, spread = (np.empty(found.shape) for _ in range(3))
    for at in range(0, len(found), _CHUNK):
        some = slice(at, at + _CHUNK)
        gram, solvable = scaled[some, :-1, :-1], scaled[some, :-1, :-1].copy()
        np.einsum("sii->si", solvable)[...] += ridge[some]
        inverse = np.linalg.inv(solvable)
        kept = inverse @ gram
        left = scaled[some, :-1, -1] - np.einsum("sij,sj->si", gram, found[some])
        slope[some] = np.einsum("sij,sj->si", inverse, left)
        shown[some] = np.einsum("sii->si", kept)
        spread[some] = np.einsum("sij,sji->si", kept, inverse)
    # Noise is what a series' own regression leaves: with the common effects, their differences would count as noise too.
    variance = spread * _noise(scaled, found + slope, shown.sum(axis=1))[:, None]
    return slope[:, 1:], shown[:, 1:], variance[:, 1:]


def _left_over(slope: np.ndarray, shown: np.ndarray, variance: np.ndarray, codes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Variance of a node's true mean effect about the fitted one beyond `known`, (1, columns), by the method of moments."""
    count = int(codes.max()) + 1
    precise = np.where((shown > 0) & (variance > 0), 1.0 / np.maximum(variance, 1e-300), 0.0)
    result = np.zeros((1, slope.shape[1]))
    for column in range(slope.shape[1]):
        behind = np.bincount(codes, precise[:, column] * shown[:, column] ** 2, count)
        pooled = np.bincount(codes, precise[:, column] * shown[:, column] * slope[:, column], count)
        usable = behind > 0
        if usable.any():
            squares = (pooled[usable] ** 2 / behind[usable]).sum()  # of pooled slopes in units of their noise
            by_noise = np.maximum(1.0 - known[usable, column] * behind[usable], 0.0).sum()
            # The effect that all nodes share was fitted to them, which takes one node's worth of differences away.
            counted = behind[usable].sum() * (1.0 - 1.0 / usable.sum() if usable.sum() > 1 else 1.0)
            result[0, column] = _expected((squares - by_noise) / counted, np.sqrt(2.0 * usable.sum()) / counted)
    return result


def _expected(estimate: float, error: float) -> float:
    """What to expect of a variance, known to be >= 0, given an estimate with a standard error.

    The mean of a normal distribution cut off at 0. Small true variances are often estimated as 0, which would leave the
    intervals of one fit in two too narrow.
    """
    standard = NormalDist()
    ratio = max(estimate / error, -5.0)
    return error * (ratio + standard.pdf(ratio) / standard.cdf(ratio))
