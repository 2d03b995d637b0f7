"""Diminishing returns: the tenth advert of a week does less than the first."""

import numpy as np


def hill(exposure: np.ndarray, half: float, slope: float = 1.0) -> np.ndarray:
    """``x^slope / (x^slope + half^slope)``, from 0 at no exposure to 1; negative exposures count as none.

    Args:
        exposure: any shape, in the driver's unit.
        half: exposure at which the curve reaches one half, > 0, in the driver's unit.
        slope: steepness, dimensionless; above 1 the curve is S-shaped.

    Source: Jin et al. (2017), Bayesian Methods for Media Mix Modeling with Carryover and Shape Effects, Google.
    """
    power = (np.maximum(exposure, 0.0) / half) ** slope
    # 1 - 1 / (1 + p) instead of p / (1 + p): an overflowing power then saturates at 1 and not at inf / inf.
    return 1.0 - 1.0 / (1.0 + power)


def logarithmic(exposure: np.ndarray, half: float) -> np.ndarray:
    """``log(1 + x / half)``: no ceiling, but each doubling adds about the same; negative exposures count as none."""
    return np.log1p(np.maximum(exposure, 0.0) / half)


def power(exposure: np.ndarray, exponent: float) -> np.ndarray:
    """``x^exponent``: no ceiling, and the same elasticity everywhere; negative exposures count as none.

    Args:
        exposure: any shape, in the driver's unit.
        exponent: the elasticity, dimensionless, 0 < exponent <= 1; 1 is a straight line.

    Source: Hanssens, Parsons and Schultz (2001), Market Response Models, ch. 3, Kluwer, doi:10.1007/b109775.
    """
    return np.maximum(exposure, 0.0) ** exponent
