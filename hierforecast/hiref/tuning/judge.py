"""The error of settings at rolling origins: fitted on everything before, judged on the horizon after.

What settings share is read once: rows, columns and their moments depend on season, trend and link, and not on strengths,
sizes or levels. A trial then costs little more than its optimiser. Within a trial, what a fit chooses for itself (the recent
level, how far the median is from the mean) rests on one earlier origin: the trial's own origins are what it is judged by.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache

import pandas as pd

from hierforecast import splits
from hierforecast.errors import PanelError
from hierforecast.hiref.material import Material, from_panel
from hierforecast.hiref.model import HiReF
from hierforecast.metrics import wape
from hierforecast.options import Training
from hierforecast.results import FORECAST
from hierforecast.schema import SalesPanel

SHORTEST = 3  # horizons of history before the earliest origin
MOST_BYTES = 2**30  # of kept material
_UNREAD = (
    "ridge",
    "embedding_size",
    "season_by",
    "recent_level",
    "iterations",
    "discount",
    "loss",
)  # of training: what material does not depend on


class Judge:
    """Judges settings on a history, whose last horizon it never sees.

    Args:
        history: rows whose target is known, the last horizon included.
        settings: declares columns and horizon.
        origins: how many horizons before the last one are forecast.

    Raises:
        PanelError: the history is too short for so many origins.
    """

    def __init__(self, history: pd.DataFrame, settings: SalesPanel, *, origins: int) -> None:
        before = splits.last_periods(history, settings.horizon, period=settings.period).train
        self.folds = splits.rolling_origins(before, settings.horizon, origins, period=settings.period)
        if self.folds[-1].train[settings.period].nunique() < SHORTEST * settings.horizon:
            periods = history[settings.period].nunique()
            raise PanelError(
                f"{origins} origins of {settings.horizon} periods leave too little history to fit on: {periods} periods, and "
                f"{(origins + 1 + SHORTEST) * settings.horizon} are needed; ask for fewer origins or lower `horizon`"
            )
        largest = sum(fold.train.memory_usage(index=False).sum() for fold in self.folds)
        # A study turns through about twenty combinations of season and trend; more are not kept where they are large.
        room = int(max(min(MOST_BYTES // max(int(largest), 1), 32), 1)) * len(self.folds)
        self._like: dict[int, HiReF] = {}  # the first model at each origin, where later ones begin
        self._material: Callable[[int, str, str], Material] = lru_cache(maxsize=room)(self._read)

    def errors(self, settings: SalesPanel, training: Training) -> Iterator[float]:
        """Bottom WAPE at every origin, a share, the latest first; nothing is fitted before it is asked for."""
        for place, fold in enumerate(self.folds):
            forecast = self._forecast(place, settings, training)
            yield wape(fold.holdout[settings.target.name].to_numpy(float), forecast[FORECAST].to_numpy(float))

    def _forecast(self, place: int, settings: SalesPanel, training: Training) -> pd.DataFrame:
        training = training.model_copy(update={"origins": 1})
        model, fold = HiReF.from_panel_settings(settings, training), self.folds[place]
        if training.engine == "rows":  # it may learn curves, which change the columns
            return model.fit(fold.train).predict(fold.holdout)
        training = training.model_copy(update={"keep_moments": False})  # no trial is ever updated
        neutral = training.model_copy(update={name: Training.model_fields[name].get_default() for name in _UNREAD})
        key = settings.model_copy(update={"statistic": "mean"})
        data = self._material(place, key.model_dump_json(), neutral.model_dump_json())
        # The columns are the same, the levels they vary over and the settings they are kept with are this trial's.
        data = data._replace(design=replace(data.design, panel=settings, training=training))
        model.fit_prepared(data, like=self._like.get(place))
        self._like.setdefault(place, model)
        return model.predict(fold.holdout)

    def _read(self, place: int, settings: str, training: str) -> Material:
        return from_panel(
            self.folds[place].train, SalesPanel.model_validate_json(settings), Training.model_validate_json(training)
        )
