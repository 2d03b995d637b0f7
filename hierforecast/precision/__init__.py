"""Precision: the Bayesian marketing mix model. Needs TensorFlow to fit, NumPy to do everything else.

    from hierforecast.precision import Precision

Choices made here:
- media -> carry-over (geometric) -> saturation, if any -> effect > 0, pooled down a tree of any depth;
- target and media are scaled inside, so priors and results do not depend on currency;
- NUTS in one small compiled program, call by call; data are its arguments;
- a holdout is masked, not cut, so that the refit on all weeks compiles nothing anew;
- everything reported comes from draws, and contributions of a draw add up to its fitted mean.
"""

from hierforecast.mix_model import BetaDecay, EffectPrior, HalfLife, MixModel, PooledDecay, Priors
from hierforecast.precision.background import Background
from hierforecast.precision.calibration import LiftTest
from hierforecast.precision.model import Precision

__all__ = [
    "Background",
    "BetaDecay",
    "EffectPrior",
    "HalfLife",
    "LiftTest",
    "MixModel",
    "PooledDecay",
    "Precision",
    "Priors",
]
