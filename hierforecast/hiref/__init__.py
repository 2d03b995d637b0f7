"""HiReF, the hierarchical regression forecaster: one regression for all series, with effects that vary over levels.

    g(y[s,t]) = baseline[s] + trend[s,t] + season[s,t] + level[s,t] + sum_f (x[s,t,f] - ref[f]) * effect[s,f] + noise

- `rows` reads a panel once: who, when, in which order; `design` turns it into columns x - ref.
- `moments` sums the columns up per series; `network` is the model on those sums (torch), `training` fits it.
- `effects` is the same model in NumPy, for everything after the fit: forecasting needs no torch.
- `level` is the recent-level term, `intervals` the prediction intervals, `attribution` the split of a forecast.
- `selection` says which drivers to have, `tuning` judges settings.
- `fitting` runs these in order, `model` is the front door, `saving` the folder on disk.
"""

from hierforecast.hiref.model import HiReF
from hierforecast.schema import Driver

__all__ = ["Driver", "HiReF"]
