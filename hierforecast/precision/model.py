"""The front door: fit, predict, explain, diagnose, save and load a marketing mix model.

    model = Precision.from_panel_settings(company.media, company.sampling).fit(panel)
    model.verdict(company.gates.precision) or model.predict(plan)

Fitting needs TensorFlow Probability; everything else, loading and predicting included, is NumPy on the saved draws.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierforecast.errors import NotFittedError, PanelError, SettingsError
from hierforecast.model_folder import read_model_folder, write_model_folder
from hierforecast.options import PrecisionGate, Sampling
from hierforecast.precision import draws_file, summaries
from hierforecast.precision.controls import learn_design
from hierforecast.precision.diagnostics import Convergence, diagnose, summarise_convergence, verdict
from hierforecast.precision.hierarchy import Hierarchy, build_hierarchy
from hierforecast.precision.media_table import Columns, MediaTable, follows, observed_weeks, read_media_table
from hierforecast.precision.posterior import constrain, log_density
from hierforecast.precision.priors import Priors, prior_numbers
from hierforecast.precision.sampling import Progress, sample
from hierforecast.precision.scaling import learn_scaling
from hierforecast.precision.training import Training, coefficients_in_units, model_data, pooled
from hierforecast.schema import Frequency, MediaPanel

FAMILY = "precision"
DRAWS_FILE = "posterior.nc"


class Precision:
    """A Bayesian marketing mix model with carry-over and effects pooled down the media tree.

    Args:
        hierarchy: the media tree, from `build_hierarchy`.
        target: column to be explained.
        media_columns: one exposure column per tactical, in the tree's order; the tacticals' names if not given.
        control_names: columns of further causes.
        period: date column.
        frequency: "day", "week" or "month"; a season is a year in any case.
        seasonality: yearly Fourier pairs.
        trend: whether there is a linear trend.
        priors: what is believed before the data.
        sampling: chains, draws, interval, seed.

    Raises:
        SettingsError: names do not fit the tree or each other.
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        *,
        target: str,
        media_columns: Sequence[str] | None = None,
        control_names: Sequence[str] = (),
        period: str = "week",
        frequency: Frequency = "week",
        seasonality: int = 2,
        trend: bool = True,
        priors: Priors | None = None,
        sampling: Sampling | None = None,
    ) -> None:
        self.hierarchy = hierarchy
        self.columns = Columns(period, frequency, target, tuple(media_columns or hierarchy.tacticals), tuple(control_names))
        self.seasonality, self.trend = seasonality, trend
        self.priors, self.sampling = priors or Priors(), sampling or Sampling()
        self._numbers = prior_numbers(self.priors, hierarchy, frequency)
        self._training: Training | None = None
        self._posterior: Any = None  # xarray.Dataset
        self._sample_stats: Any = None  # xarray.Dataset
        self._table: pd.DataFrame | None = None
        if len(self.columns.media) != hierarchy.num_tacticals:
            raise SettingsError(
                f"media_columns needs one column per tactical: wanted {hierarchy.num_tacticals}, got {len(self.columns.media)}"
            )
        names = [period, target, *self.columns.media, *self.columns.controls]
        double = sorted({name for name in names if names.count(name) > 1})
        if double:
            raise SettingsError(f"each column has one role; {double} have several of period, target, media and control")

    @classmethod
    def from_panel_settings(
        cls, panel: MediaPanel, sampling: Sampling | None = None, *, priors: Priors | None = None
    ) -> "Precision":
        """The model of a company's declared media panel, on its exposure metric."""
        return cls(
            build_hierarchy(panel.tree, panel.levels),
            target=panel.target.name,
            media_columns=panel.metric_columns(panel.exposure_metric),
            control_names=panel.controls,
            period=panel.period,
            frequency=panel.frequency,
            seasonality=panel.seasonality,
            trend=panel.trend,
            priors=priors,
            sampling=sampling,
        )

    def fit(
        self,
        panel: pd.DataFrame,
        *,
        observed: np.ndarray | None = None,
        progress: Progress | None = None,
    ) -> "Precision":
        """Sample the posterior.

        Args:
            panel: one row per period; the target may be empty where it is not observed.
            observed: (weeks,) bool in the panel's row order, the weeks in the likelihood; those with a known target if
                not given. Mask a holdout instead of cutting it: shapes stay equal, so nothing is compiled again.
            progress: called with "warm-up" or "draws", steps done, steps in all.

        Raises:
            PanelError: the panel does not fit what was declared.
        """
        self._train(panel, observed)
        data, spread = model_data(self._trained, self.hierarchy, self._numbers)
        drawn = sample(log_density, data, spread, sampling=self.sampling, progress=progress)
        parameters = constrain(drawn.flat, data)
        self._posterior = draws_file.name_draws(parameters, self.hierarchy, self._trained.design.column_names)
        self._sample_stats = draws_file.name_sample_stats(drawn)
        self._table = None
        return self

    def predict(self, panel: pd.DataFrame | None = None) -> pd.DataFrame:
        """Mean and predictive interval per period: columns period, forecast, lower, upper, in target units.

        Args:
            panel: media and controls of other weeks, starting within or right after the fitted ones: the carry-over
                of everything before its first week is kept. Without it the fitted weeks.
        """
        weeks = self._weeks(panel)
        return summaries.forecast_table(self._coefficients, weeks, interval=self.sampling.interval, seed=self.sampling.seed)

    @property
    def fitted_draws(self) -> np.ndarray:
        """The mean of the target under every draw, (draws of all chains, fitted weeks) in target units."""
        return summaries.fitted_draws(self._coefficients, self._weeks(None))

    def contributions(self, level: str | None = None, panel: pd.DataFrame | None = None) -> pd.DataFrame:
        """Contributions with intervals in the columns of `results.MEDIA_CONTRIBUTIONS`.

        Args:
            level: one media level, or None for all; controls and baseline always come along.
            panel: as in `predict`.
        """
        levels = self.hierarchy.levels if level is None else (level,)
        return summaries.contribution_table(
            self._coefficients, self._weeks(panel), self.hierarchy, levels, interval=self.sampling.interval
        )

    def contribution_means(self, panel: pd.DataFrame | None = None) -> pd.DataFrame:
        """One row per period: period, baseline, controls, tacticals and `forecast`, which they sum to."""
        return summaries.contribution_means(self._coefficients, self._weeks(panel), self.hierarchy.tacticals)

    def decay(self) -> pd.DataFrame:
        """Decay and half-life per tactical in the columns of `results.DECAY`."""
        decay = pooled(self._drawn, "decay")
        return summaries.decay_table(decay, self.hierarchy, self.diagnostics(), interval=self.sampling.interval)

    def diagnostics(self) -> pd.DataFrame:
        """Mean, sd, R-hat and ESS per scalar parameter, in scaled units, in the columns of `results.DIAGNOSTICS`."""
        if self._table is None:
            self._table = diagnose(self._drawn)
        return self._table.copy()

    def convergence(self) -> Convergence:
        """The worst R-hat and ESS over all parameters, divergences, E-BFMI."""
        table, stats = self.diagnostics(), self._sample_stats
        return summarise_convergence(
            table, energy_fraction=stats["energy_fraction"].to_numpy(), diverging=stats["diverging"].to_numpy()
        )

    def verdict(self, gate: PrecisionGate) -> tuple[str, ...]:
        """Why this fit must not be used, one sentence per reason; empty where it may."""
        return verdict(self.diagnostics(), self.convergence(), gate)

    def save(self, folder: str | Path) -> Path:
        """Write the model folder: settings as JSON, training arrays, draws as `posterior.nc`."""
        groups = draws_file.all_groups(self._drawn, self._sample_stats, self._trained.table, self._trained.observed)
        return write_model_folder(
            folder,
            family=FAMILY,
            config=self._config(),
            arrays=self._trained.arrays(),
            write_more=lambda place: draws_file.write_draws(place / DRAWS_FILE, groups),
        )

    @classmethod
    def load(cls, folder: str | Path) -> "Precision":
        """Read a model folder. Needs no TensorFlow. Raises ModelFolderError if it is not one."""
        saved = read_model_folder(folder, family=FAMILY)
        config, arrays = saved.config, saved.arrays
        model = cls(
            Hierarchy.from_json(config["hierarchy"]),
            **config["columns"],
            **config["season"],
            priors=Priors.from_json(config["priors"]),
            sampling=Sampling(**config["sampling"]),
        )
        periods = pd.Series(pd.to_datetime(config["periods"]))
        table = MediaTable(periods, arrays["target"], arrays["media"], arrays["controls"])
        model._learn(table, arrays["observed"].astype(bool))
        model._posterior = draws_file.read_draws(saved.path / DRAWS_FILE, draws_file.POSTERIOR)
        model._sample_stats = draws_file.read_draws(saved.path / DRAWS_FILE, draws_file.SAMPLE_STATS)
        return model

    @property
    def _trained(self) -> Training:
        if self._training is None:
            raise NotFittedError("this Precision model has not been fitted; call fit(panel) or load(folder) first")
        return self._training

    @property
    def _drawn(self) -> Any:
        """The posterior as an xarray.Dataset."""
        if self._posterior is None:
            raise NotFittedError("this Precision model has no draws; call fit(panel) or load(folder) first")
        return self._posterior

    def _train(self, panel: pd.DataFrame, observed: np.ndarray | None) -> None:
        """Check the panel and keep it, in period order."""
        table = read_media_table(panel, self.columns, needs_target=True)
        if observed is not None and len(observed) == len(panel):
            observed = np.asarray(observed)[np.argsort(pd.to_datetime(panel[self.columns.period]).to_numpy(), kind="stable")]
        self._learn(table, observed_weeks(table, observed))

    def _learn(self, table: MediaTable, observed: np.ndarray) -> None:
        """Learn scales and the control design from the observed weeks."""
        scaling = learn_scaling(table, observed, self.hierarchy.tacticals)
        design = learn_design(
            table.periods,
            table.controls,
            self.columns.controls,
            observed,
            seasonality=self.seasonality,
            trend=self.trend,
        )
        self._training = Training(table, observed, scaling, design)

    @property
    def _coefficients(self) -> summaries.Coefficients:
        return coefficients_in_units(self._trained, self._drawn)

    def _weeks(self, panel: pd.DataFrame | None) -> summaries.Weeks:
        """The fitted weeks, or a panel's weeks with the carry-over of everything before them."""
        table, _, scaling, design = self._trained
        chosen = table if panel is None else read_media_table(panel, self.columns, needs_target=False)
        before = (table.periods < chosen.periods.iloc[0]).to_numpy()
        if panel is not None:
            _check_continues(table.periods, before, chosen.periods, self.columns.frequency)
        start = summaries.carried_state(pooled(self._drawn, "decay"), scaling.media_in(table.media[:, before]))
        matrix = design.matrix(chosen.periods, chosen.controls)
        return summaries.Weeks(chosen.periods, scaling.media_in(chosen.media), start, matrix, design.columns)

    def _config(self) -> dict[str, Any]:
        columns = self.columns
        return {
            "hierarchy": self.hierarchy.to_json(),
            "columns": {
                "period": columns.period,
                "frequency": columns.frequency,
                "target": columns.target,
                "media_columns": list(columns.media),
                "control_names": list(columns.controls),
            },
            "season": {"seasonality": self.seasonality, "trend": self.trend},
            "priors": self.priors.to_json(),
            "sampling": self.sampling.model_dump(),
            "periods": [period.isoformat() for period in self._trained.table.periods],
        }


def _check_continues(fitted: pd.Series, before: np.ndarray, chosen: pd.Series, frequency: Frequency) -> None:
    """Weeks to be predicted start within the fitted ones or right after them, else the carry-over is not known."""
    first, last = chosen.iloc[0], fitted.iloc[-1]
    if not before.any() and first < fitted.iloc[0]:
        raise PanelError(f"the panel starts in {first:%Y-%m-%d}, before the first fitted period {fitted.iloc[0]:%Y-%m-%d}")
    if first > last and not follows(last, first, frequency):
        raise PanelError(
            f"the panel starts in {first:%Y-%m-%d} but the fitted periods end in {last:%Y-%m-%d}; "
            f"add the {frequency}s between, so that the carry-over is known"
        )
