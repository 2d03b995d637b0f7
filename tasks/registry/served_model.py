"""Run by MLflow when a version is loaded as a pyfunc: opens the model folder inside the version, whichever family's.

Logged as source ("models from code"), so nothing is pickled and loading runs no code but the installed package's.
"""

from typing import Any

import mlflow
import pandas as pd


class ServedModel(mlflow.pyfunc.PythonModel):
    """DataFrame of keys, period and drivers in; DataFrame with forecast, lower and upper per row out."""

    def load_context(self, context: Any) -> None:
        """Open the model folder that travels in the version."""
        from hierforecast.loading import load_model

        self.model = load_model(context.artifacts["model"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Forecast every row of the frame."""
        del context, params
        return self.model.predict(model_input)


mlflow.models.set_model(ServedModel())
