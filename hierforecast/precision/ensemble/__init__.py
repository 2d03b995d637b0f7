"""The ensemble over metrics: impressions, clicks, conversions or whatever else counts media, each a model of its own.

Choices made here:
- nothing is fitted before every safeguard has looked at it, and what it finds has a name;
- all metrics are judged on the same weeks, so that their densities can be compared;
- weights maximise the stacked leave-one-out density, a convex problem that is solved to its optimum;
- intervals are quantiles of the mixture, never averages of quantiles.
"""

from hierforecast.precision.ensemble.fitting import ensemble
from hierforecast.precision.ensemble.result import EnsembleResult
from hierforecast.precision.ensemble.safeguards import Safeguard, SafeguardWarning

__all__ = ["EnsembleResult", "Safeguard", "SafeguardWarning", "ensemble"]
