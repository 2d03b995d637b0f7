"""Precision: the Bayesian marketing mix model. Needs TensorFlow Probability to fit, NumPy to do everything else.

    from hierforecast.precision import Precision

Choices made here:
- media -> carry-over (geometric, exact memory) -> linear effect > 0, pooled down a tree of any depth;
- target and media are scaled inside, so priors and results do not depend on currency;
- NUTS in one small compiled program, chunk by chunk; data are its arguments;
- a holdout is masked, not cut, so that the refit on all weeks compiles nothing anew;
- everything reported comes from draws, and contributions of a draw add up to its fitted mean.
"""

from hierforecast.precision.model import Precision
from hierforecast.precision.priors import HalfLife, Priors

__all__ = ["HalfLife", "Precision", "Priors"]
