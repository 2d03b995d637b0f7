"""How likely each observed week's residual is, given the ones before: iid or AR(1), Normal or Student-t.

    r[t] = rho^gap r[previous] + noise sqrt((1 - rho^(2 gap)) / (1 - rho^2)) e[t]         e ~ N(0, 1) or t(tails)
    r[first] = noise / sqrt(1 - rho^2) e[first]

`noise` is the sd (the scale of a t) of one period's shock. The square roots are the AR(1) determinant. Over gaps a t stands
in for a sum of them, with the right variance. Factors p(r[t] | r[< t]) add up to the joint log density.
"""

from typing import Any

from hierforecast.precision.operations import Operations
from hierforecast.precision.posterior.data import Residuals

LOG_2_PI = 1.8378770664093453
LOG_PI = 1.1447298858494002


def log_factors(
    residual: Any, noise: Any, correlation: Any | None, tails: Any | None, weeks: Residuals, ops: Operations
) -> Any:
    """Log density of every observed week given the observed weeks before it; 0 where a week is not observed.

    Args:
        residual: (..., weeks) actual less mean, in any unit.
        noise: (..., 1) in that unit.
        correlation: (..., 1) in (-1, 1), or None.
        tails: (..., 1) degrees of freedom, or None.
        weeks: how observed weeks follow each other.
        ops: of the arrays' library.
    """
    scale = noise
    if correlation is not None:
        carried, variance = _carry(correlation, weeks, ops)
        residual = residual - carried * ops.take(residual, weeks.previous)
        scale = noise * ops.exp(0.5 * ops.log(variance))
    return weeks.observed * log_shock(residual / scale, tails, ops) - weeks.observed * ops.log(scale)


def log_shock(shock: Any, tails: Any | None, ops: Operations) -> Any:
    """Log density of a standard Normal, or of a Student-t of scale 1, at (..., weeks)."""
    if tails is None:
        return -0.5 * shock**2 - 0.5 * LOG_2_PI
    constant = ops.log_gamma(0.5 * (tails + 1.0)) - ops.log_gamma(0.5 * tails) - 0.5 * (ops.log(tails) + LOG_PI)
    return constant - 0.5 * (tails + 1.0) * ops.log1p(shock**2 / tails)


def _carry(correlation: Any, weeks: Residuals, ops: Operations) -> tuple[Any, Any]:
    """rho^gap, 0 for the first week, and the variance of what is new, in units of one shock's; (..., weeks) each."""
    square = correlation**2
    # gap 1 is nearly every week; a power of a negative number keeps its sign for odd gaps.
    odd = weeks.gap - 2.0 * _floor_half(weeks.gap)
    size = ops.exp(0.5 * weeks.gap * ops.log(square + 1e-24))
    power = ops.where(weeks.gap > 1.0, ops.where(odd * correlation < 0.0, -size, size), correlation + 0.0 * size)
    carried = weeks.follows * power
    return carried, (1.0 - carried**2) / (1.0 - square)


def _floor_half(gap: Any) -> Any:
    """floor(gap / 2) of positive whole numbers in floats, of any library."""
    return (gap - gap % 2.0) / 2.0
