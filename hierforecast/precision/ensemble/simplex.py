"""The best mixture of given densities: a convex problem on the simplex, solved with a certificate.

    maximise f(w) = sum_t c_t log sum_m w_m p[t, m],   w >= 0, sum w = 1,   c >= 0, sum c = C
    gradient g_m(w) = sum_t c_t p[t, m] / sum_n w_n p[t, n],   and always sum_m w_m g_m = C
    gap = max_m g_m - C >= f(best) - f(w)       as f is concave

f grows by exactly C log s as w is scaled by s, so the simplex may be left: maximising f(w) - C sum w over w >= 0 ends on it.
A log barrier keeps w > 0:

    minimise  sharpness (C sum w - f(w)) - sum_m log w_m
    at its minimum  g_m = C - 1 / (sharpness w_m),   so that, scaled back to sum w = 1,  gap <= models / sharpness

The function is self-concordant, so Newton steps of 1 / (1 + decrement) never leave w > 0 and converge from everywhere
(Nesterov & Nemirovski 1994, "Interior-point polynomial algorithms in convex programming"; Boyd & Vandenberghe 2004, 9.6 and
11.3). Many weightings c of the weeks are solved at once. Where the best weights are not unique, as for models that are the
same, the barrier picks their analytic centre.
"""

import numpy as np

SHARPENING = 10.0  # growth of the barrier's sharpness once centred
SURE = 0.25  # below this decrement a full Newton step converges quadratically
CENTRED = 1e-2  # decrement at which the next sharpness may start
MOST_STEPS = 2_000  # never met: some 100 are usual


def stacking_weights(log_density: np.ndarray, counts: np.ndarray, *, tolerance: float) -> np.ndarray:
    """The best weights for each weighting of the weeks, (problems, models), all above 0.

    Args:
        log_density: (weeks, models) finite.
        counts: (problems, weeks) how often each week counts.
        tolerance: gap at which to stop; 1e-9 is as much as rounding allows at some hundred weeks.
    """
    density = _relative_density(log_density)
    models = density.shape[1]
    products = (density[:, :, None] * density[:, None, :]).reshape(len(density), -1)  # (weeks, models * models)
    total = counts.sum(axis=1, keepdims=True)
    weights = np.full((len(counts), models), 1.0 / models)
    sharpness = 1.0
    for _ in range(MOST_STEPS):
        mixture = weights @ density.T  # (problems, weeks)
        gradient = (counts / mixture) @ density
        curvature = ((counts / mixture**2) @ products).reshape(-1, models, models)
        step, decrement = _newton(weights, total - gradient, curvature, sharpness)
        if decrement.max() < CENTRED:
            gap = (gradient * weights.sum(axis=1, keepdims=True)).max(axis=1, keepdims=True) - total
            if gap.max() <= tolerance:
                break
            sharpness *= SHARPENING
        else:
            weights = weights * (1 + step * np.where(decrement < SURE, 1.0, 1 / (1 + decrement)))
    return weights / weights.sum(axis=1, keepdims=True)


def optimality_gap(log_density: np.ndarray, weights: np.ndarray) -> float:
    """How much other weights could add to the sum over weeks of the mixture's log density, at most; nats, may be inf.

    Args:
        log_density: (weeks, models) finite.
        weights: (models,) shares.
    """
    density = _relative_density(log_density)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        gains = np.nan_to_num(density / (density @ weights)[:, None], nan=0.0, posinf=np.inf)
    return max(float(gains.sum(axis=0).max()) - len(density), 0.0)


def _relative_density(log_density: np.ndarray) -> np.ndarray:
    """Densities relative to the week's best model, which changes no weights and keeps exp from underflowing in all of them."""
    return np.exp(log_density - log_density.max(axis=1, keepdims=True))


def _newton(weights: np.ndarray, slack: np.ndarray, curvature: np.ndarray, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """The Newton step relative to the weights, (problems, models), and its decrement, (problems, 1).

    Relative steps keep the system well scaled: the barrier's own curvature becomes the identity.
    """
    scaled = sharpness * weights[:, :, None] * curvature * weights[:, None, :] + np.eye(weights.shape[1])
    descent = 1 - sharpness * weights * slack
    step = np.linalg.solve(scaled, descent[:, :, None])[:, :, 0]
    return step, np.sqrt(np.maximum((step * descent).sum(axis=1, keepdims=True), 0.0))
