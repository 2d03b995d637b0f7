"""Run by MLflow when a version is loaded as a pyfunc: opens the model folder inside the version, whichever family's.

Logged as source ("models from code"), so nothing is pickled and loading runs no code but the installed package's.
"""

from typing import Any

import mlflow
import pandas as pd

ANSWERS = ("forecast", "contributions", "elasticities")


class ServedModel(mlflow.pyfunc.PythonModel):
    """DataFrame of keys, period and drivers in; DataFrame with forecast, lower and upper per row out.

    A Precision version takes the `params` of `tasks.registry.media_answers`: `kind` ("forecast", "contributions", "roi",
    "response", "budget" or "spend_plan") and what belongs to it.

    A HiReF version also takes `params`: `answer` ("forecast", "contributions", or "elasticities", which reads no rows),
    `statistic` ("mean" or "median"), `level` (a level, "bottom" or "total"; of elasticities too) and `interval` (a share).
    """

    def load_context(self, context: Any) -> None:
        """Open the model folder that travels in the version."""
        from hierforecast.loading import load_model

        self.model = load_model(context.artifacts["model"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Answer about every row of the frame.

        Raises:
            PanelError, SettingsError: the frame does not fit what the model was trained on, or a parameter is unknown.
        """
        del context
        given = {name: value for name, value in (params or {}).items() if value not in (None, "")}
        if hasattr(self.model, "decisions"):
            from tasks.registry import media_answers

            return media_answers.answer(self.model, model_input, given)
        answer = given.pop("answer", "forecast")
        if answer == "elasticities":
            if "level" in given:
                given["by"] = given.pop("level")
            return self.model.elasticities(**_only(given, answer, ("by", "interval")))
        rows = _with_late_drivers(self.model, model_input)
        if answer == "contributions":
            return self.model.contributions(rows, **_only(given, answer, ("statistic", "level")))
        if answer != "forecast":
            from hierforecast.errors import SettingsError, nearest

            raise SettingsError(f"params: answer {answer!r} is unknown; {nearest(str(answer), ANSWERS)}")
        return self.model.predict(rows, **given)


def _only(given: dict[str, Any], answer: str, known: tuple[str, ...]) -> dict[str, Any]:
    """The parameters, once all of them mean something to this answer."""
    for name in given:
        if name not in known:
            from hierforecast.errors import SettingsError

            raise SettingsError(f"params: answer {answer!r} takes no {name!r}; leave it out")
    return given


def _with_late_drivers(model: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with an empty column for every driver that is not known ahead and was left out: forecasts do not read it."""
    late = [driver.name for driver in model.panel.drivers if not driver.known_ahead]
    return rows.assign(**{name: float("nan") for name in late if name not in rows.columns})


mlflow.models.set_model(ServedModel())
