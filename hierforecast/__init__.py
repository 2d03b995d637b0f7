"""hierforecast: hierarchical sales forecasts (HiReF) and Bayesian marketing mix models (Precision).

A plain library: it knows no Prefect, MLflow, Great Expectations, Dash, environment variables or clock. The models
stay behind their own doors, `hierforecast.hiref` (torch) and `hierforecast.precision` (TensorFlow Probability), so
importing this package is instant.
"""

import logging

__version__ = "0.1.0"

# Prefect ships a library's INFO lines to the run's log only if the library's logger has a level of its own.
logging.getLogger(__name__).setLevel(logging.INFO)
