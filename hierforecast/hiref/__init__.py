"""HiReF, the hierarchical regression forecaster: one regression for all series, with effects that vary over levels.

    g(y[s,t]) = baseline[s] + trend + season + holidays + level[s,t] + sum_k (x[s,t,k] - ref[k]) * effect[s,k] + noise

- `columns` reads rows (who, when, in which order) and makes what the regression sees of them; `moments` sums that up.
- `streaming` does the same for files, week by week, and on a cluster; `material` is what either leaves for a fit.
- `regression` is the model: its equations, strengths, fitting on moments and errors of effects; `rounds` and `solving`
  make other losses of squares. All of it is NumPy.
- `minibatch` is the second engine (torch): other losses, learned curves.
- `origins` holds periods out; `recent` and `intervals` are chosen on them: recent levels, and how far off forecasts are.
- `answers` is what a fitted model can be asked.
- `selection` says which drivers to have, `tuning` judges settings.
- `fitting` runs these in order, `model` is the front door, `saving` the folder on disk.
"""

from hierforecast.driver import Driver
from hierforecast.hiref.model import HiReF

__all__ = ["Driver", "HiReF"]
