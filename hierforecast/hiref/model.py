"""The front door of HiReF: set up, fit, save and load; what it can be asked afterwards stands in `answers.answering`."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from pydantic import ValidationError

from hierforecast.driver import Driver
from hierforecast.errors import SettingsError
from hierforecast.hiref.answers.answering import Answering
from hierforecast.hiref.fit import Fit
from hierforecast.hiref.learned import curves_told, settle_curves
from hierforecast.hiref.material import Material, from_panel, known_rows
from hierforecast.hiref.minibatch.refusals import is_learned, refuse_unfit
from hierforecast.hiref.saving import pack, unpack
from hierforecast.hiref.selection.choosing import STABLE, Selection, choose_drivers
from hierforecast.hiref.streaming.files import Source, list_files
from hierforecast.hiref.streaming.kept import Kept, extended, keep, read_kept, read_new_files, write_kept
from hierforecast.hiref.streaming.material import from_files
from hierforecast.model_folder import read_model_folder, write_model_folder
from hierforecast.options import Training
from hierforecast.schema import Frequency, Holidays, SalesPanel, Target

if TYPE_CHECKING:
    from distributed import Client

FAMILY = "hiref"


class HiReF(Answering):
    """One regression for all series of a hierarchy, with effects that vary over its levels and keep their signs.

    Args:
        levels: key columns, any number, crossed or nested.
        drivers: numeric causes with sign, reference, transform and the levels their effect varies over.
        target: column to forecast, >= 0; a `schema.Target` also says its unit and how late sales are known.
        period: date column.
        frequency: "day", "week" or "month".
        link: "log" makes effects multiplicative (elasticities for log drivers), "identity" additive.
        statistic: what `forecast` is: "mean" sums up over series, "median" is nearest in absolute error.
        horizon: periods forecast ahead; as many are held out to set intervals.
        target_lags: periods back at which the target explains itself; forecasts roll them forward.
        holidays: days of a country's calendar, or of one's own, that belong to the baseline.
        weight: column of row weights >= 0; None weighs rows alike.
        training: sizes, strengths, season, trend, seed.

    Raises:
        SettingsError: a name is repeated, unknown or reserved.

    Example:
        >>> drivers = [Driver("price", sign="-", transform="log", reference="regular_price", by=("brand",))]
        >>> model = HiReF(["state", "brand"], drivers, target="units", period="week")
    """

    def __init__(
        self,
        levels: Sequence[str],
        drivers: Sequence[Driver],
        *,
        target: str | Target,
        period: str = "week",
        frequency: Frequency = "week",
        link: str = "log",
        statistic: str = "mean",
        horizon: int = 13,
        target_lags: Sequence[int] = (),
        holidays: Holidays | None = None,
        weight: str | None = None,
        training: Training = Training(),  # noqa: B008  frozen
    ) -> None:
        try:
            panel = SalesPanel(
                levels=list(levels),
                drivers=list(drivers),
                target=Target(name=target) if isinstance(target, str) else target,
                period=period,
                frequency=frequency,
                link=link,
                statistic=statistic,
                horizon=horizon,
                target_lags=list(target_lags),
                holidays=holidays,
                weight=weight,
            )
        except ValidationError as error:
            told = "; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors())
            raise SettingsError(f"HiReF cannot be set up: {told}") from None
        self._set_up(panel, training)

    def _set_up(self, panel: SalesPanel, training: Training) -> None:
        try:
            training.check_levels(panel.levels)
        except ValueError as error:
            raise SettingsError(str(error)) from None
        refuse_unfit(panel, training)
        self.panel, self.training = panel, training
        self._fit: Fit | None = None
        self._kept: Kept | None = None

    @classmethod
    def from_panel_settings(cls, panel: SalesPanel, training: Training) -> "HiReF":
        """A model as a company's settings declare it. Raises SettingsError as the constructor does."""
        model = cls.__new__(cls)
        model._set_up(panel, training)
        return model

    def select_drivers(
        self, panel: pd.DataFrame, *, keep: Sequence[str] = (), stable: float = STABLE, seed: int = 7
    ) -> Selection:
        """Which of the declared drivers are worth having, how surely, and over which levels each one's effect varies.

        A group-lasso path within series and blocks of time, judged on later blocks, and stability selection over halves
        of the blocks (Meinshausen & Bühlmann 2010, doi:10.1111/j.1467-9868.2010.00740.x). Nothing is fitted or changed:
        make a model of `Selection.drivers`.

        Args:
            panel: as for `fit`.
            keep: drivers that stay whatever the data say, e.g. ``("price",)``.
            stable: share of halves in which a driver must be found.
            seed: of the halves.

        Raises:
            SettingsError: `keep` names no driver, or `stable` is no share.
            PanelError: the panel does not fit what was declared, or is too short to be cut into blocks of time.
        """
        data = from_panel(panel, settle_curves(panel, self.panel, self.training), self.training)
        return choose_drivers(data, self.panel, keep=keep, stable=stable, seed=seed)

    def fit(self, panel: pd.DataFrame, *, checkpoint: str | Path | None = None) -> "HiReF":
        """Learn from the rows whose target is known; rows without one, the plan, are ignored.

        Args:
            panel: levels, period, target and drivers.
            checkpoint: a folder in which the rows engine keeps every epoch; where a killed fit left one, the same fit
                goes on from it and ends the same. It may be deleted afterwards.

        Raises:
            PanelError: the panel does not fit what was declared; the message names column, rows and cure.
            SettingsError: the device that `training.rows` names is absent, or a checkpoint is wanted on moments.
            ModelFolderError: the checkpoint belongs to another fit.
        """
        began = time.perf_counter()
        if checkpoint is not None and self.training.engine != "rows":
            raise SettingsError("fit(checkpoint=...) is for training.engine 'rows'; moments are fitted in one go")
        folder = Path(checkpoint) if checkpoint is not None else None
        settings = settle_curves(panel, self.panel, self.training, checkpoint=folder)
        data = from_panel(panel, settings, self.training)
        self._learn(data, began=began, checkpoint=folder)
        if found := curves_told(settings):
            self._fit.diagnostics["learned_curves"] = found
        return self

    def fit_files(self, source: Source, *, client: "Client | None" = None) -> "HiReF":
        """Learn from Parquet files of any length in bounded memory.

        Two readings: keys, dates and what references rest on first, then sums over every row, so the regression is that
        of a `fit` of all rows. Only the rows of the last periods stay at hand (`streaming.material.RECENT_PERIODS` before
        the held-out ones): recent levels, noise, the way from middle to mean and intervals come from them, which on a
        longer history moves forecasts a little. Rows without a target, the plan, are ignored.

        Args:
            source: a file, a folder (also partitioned as ``region=North/``), or a list of them. A series may go on from
                one file to the next in the order of time; within a file, its rows come in that order.
            client: of a Dask cluster whose workers see the files under the same paths; None reads them here.

        Raises:
            PanelError: the rows do not fit what was declared, or their order; the message names the file and the cure.
            SettingsError: the training needs all rows in memory, as the rows engine and learned curves do.
        """
        self._refuse_rows_engine("fit_files")
        began = time.perf_counter()
        return self._learn(from_files(source, self.panel, self.training, client=client), began=began)

    def update(self, panel: pd.DataFrame) -> "HiReF":
        """Learn from the rows of new periods beside all that the model has learned from, without reading that again.

        The sums of the new rows join those kept (``Training(keep_moments=True)``), and the fit goes on from the present
        parameters: the same as a fit of all rows from there. References by mean, half saturations and the stand-in for
        zero sales stay as first learned; new series and nodes come in.

        Args:
            panel: rows after the last period of training; those without a target are ignored.

        Raises:
            NotFittedError: before `fit`.
            SettingsError: the model kept no moments, or was fitted by the rows engine.
            PanelError: rows are not after training, or do not fit what was declared.
        """
        return self._update([known_rows(panel, self.panel)])

    def update_files(self, source: Source) -> "HiReF":
        """As `update`, with the new rows in Parquet files; they are held in memory. Raises as `update` and `fit_files`."""
        return self._update(read_new_files(list_files(source), self._fitted().design))

    def _update(self, frames: list[pd.DataFrame]) -> "HiReF":
        fit = self._fitted()
        self._refuse_rows_engine("update")
        if self._kept is None:
            raise SettingsError("this model kept no moments to add to; fit it with Training(keep_moments=True)")
        began = time.perf_counter()
        data = extended(self._kept, fit.design, fit.hierarchy, fit.link, [frame for frame in frames if len(frame)])
        return self._learn(data, began=began, like=fit)

    def _learn(self, data: Material, *, began: float, like: Fit | None = None, checkpoint: Path | None = None) -> "HiReF":
        """Fit on material, from the parameters of another fit if there is one, and keep what an update needs."""
        from hierforecast.hiref.fitting import fit_material  # torch comes in here, so that forecasting starts without it
        from hierforecast.hiref.regression.starting import start_from

        start = like and start_from(
            like.parameters, like.hierarchy, like.design.columns, data.hierarchy, data.design.columns, training=self.training
        )
        self._fit = fit_material(data, self.training, start=start, checkpoint=checkpoint)
        self._kept = keep(data) if self.training.keep_moments and self.training.engine == "moments" else None
        self._fit.diagnostics["seconds"] = round(time.perf_counter() - began, 3)
        return self

    def _refuse_rows_engine(self, what: str) -> None:
        if self.training.engine == "rows" or any(map(is_learned, self.panel.drivers)):
            raise SettingsError(
                f"{what} works on sums over rows, but training.engine 'rows' and learned curves need the rows themselves; "
                "use fit with a frame, or engine: moments and fixed curves"
            )

    def fit_prepared(self, data: Material, *, like: "HiReF | None" = None) -> "HiReF":
        """Learn from rows that were read before, so that many settings can share one reading.

        Args:
            data: `material.from_panel` of the training rows with this model's settings; on moments, strengths, sizes and
                levels may differ from those it was read with.
            like: a fitted model of the same levels and drivers, whose parameters to begin at.
        """
        return self._learn(data, began=time.perf_counter(), like=like._fitted() if like is not None else None)

    def save(self, folder: str | Path) -> Path:
        """Write a readable folder, see `model_folder`. Raises NotFittedError, or ModelFolderError if it is in the way."""
        fit, kept = self._fitted(), self._kept
        config, arrays = pack(fit)
        more = None if kept is None else partial(write_kept, kept, fit.design)
        return write_model_folder(folder, family=FAMILY, config=config, arrays=arrays, write_more=more)

    @classmethod
    def load(cls, folder: str | Path) -> "HiReF":
        """Read a saved model back. Raises ModelFolderError if it is missing, damaged or of another family."""
        saved = read_model_folder(folder, family=FAMILY)
        fit = unpack(saved.config, saved.arrays)
        model = cls.from_panel_settings(fit.design.panel, fit.design.training)
        model._fit = fit
        model._kept = read_kept(saved.path, fit.design, fit.hierarchy, fit.link)
        return model
