"""The No-U-Turn sampler: one small compiled program, called again and again.

Choices made here:
- the program takes some draws of all chains, with metric, step sizes and data as arguments, so that equal shapes are
  compiled once, progress is shown while it runs, and what is done can be kept after every call;
- every chain walks at its own pace, so none waits for the deepest tree of the others;
- the metric comes from positions and gradients together, which needs far fewer draws than their covariance alone;
- step sizes vary by a tenth from draw to draw, and one draw is kept per `steps_per_draw` steps: means of a round posterior
  mix at once (successive states are nearly mirror images), but squares keep part of their past, and the R-hat of the spread
  would fail a bound of 1.01 now and then.
"""

from hierforecast.precision.sampling.program import LogDensity
from hierforecast.precision.sampling.run import Draws, Progress, energy_fraction, sample

__all__ = ["Draws", "LogDensity", "Progress", "energy_fraction", "sample"]
