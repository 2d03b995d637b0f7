"""The front door: fit, predict, explain, diagnose, save and load a marketing mix model.

    model = Precision.from_panel_settings(company.media, company.sampling).fit(panel)
    model.verdict(company.gates.precision) or model.predict(plan)

Fitting needs TensorFlow; everything else, loading and predicting included, is NumPy on the saved draws. What follows from
the draws for money (returns, curves, budgets, scenarios) is in `decisions`.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierforecast.errors import NotFittedError, SettingsError
from hierforecast.mix_model import MixModel, Priors
from hierforecast.options import PrecisionGate, Sampling
from hierforecast.precision import draws_file, summaries
from hierforecast.precision.accuracy import accuracy_table
from hierforecast.precision.arguments import check_form, check_names
from hierforecast.precision.background import Background
from hierforecast.precision.calibration import LiftTest
from hierforecast.precision.controls import learn_design
from hierforecast.precision.decisions import Decisions
from hierforecast.precision.diagnostics import Convergence, diagnose, summarise_convergence, verdict, warn_of_shares
from hierforecast.precision.hierarchy import Hierarchy, build_hierarchy
from hierforecast.precision.media_table import (
    Columns,
    MediaTable,
    check_continues,
    extend,
    observed_weeks,
    periods_after,
    read_media_table,
)
from hierforecast.precision.pointwise import Pointwise, pointwise_log_likelihood
from hierforecast.precision.posterior.data import Old
from hierforecast.precision.posterior.density import density_of
from hierforecast.precision.posterior.parameters import constrain
from hierforecast.precision.posterior.prior import prior_draws
from hierforecast.precision.predictive import carry_on, predictive_draws
from hierforecast.precision.priors import prior_numbers
from hierforecast.precision.psis import Loo, psis_loo
from hierforecast.precision.refreshing import compare_posteriors
from hierforecast.precision.response import Coefficients, Weeks, fitted_draws
from hierforecast.precision.sampling import Progress, sample
from hierforecast.precision.saving import read_saved, write_saved
from hierforecast.precision.scaling import learn_scaling
from hierforecast.precision.training import Training, betas, coefficients_in_units, model_data, pooled
from hierforecast.schema import Frequency, MediaPanel


class Precision:
    """A Bayesian marketing mix model with carry-over and effects pooled down the media tree.

    Args:
        hierarchy: the media tree, from `build_hierarchy`.
        target: column to be explained.
        media_columns: one exposure column per tactical, in the tree's order; the tacticals' names if not given.
        spend_columns: one spend column per tactical, for returns and budgets; none if not given.
        control_names: columns of further causes.
        period: date column.
        frequency: "day", "week" or "month"; a season is a year in any case.
        background: trend, season and holidays.
        model: the form: decays, saturation, memory, residuals.
        priors: what is believed before the data.
        sampling: chains, draws, interval, seed.
        present: (tacticals,) bool, False for tacticals that have no exposure by nature; all are expected if not given.

    Raises:
        SettingsError: names do not fit the tree or each other, or the form asks for what is not there.
    """

    def __init__(
        self,
        hierarchy: Hierarchy,
        *,
        target: str,
        media_columns: Sequence[str] | None = None,
        spend_columns: Sequence[str] = (),
        control_names: Sequence[str] = (),
        period: str = "week",
        frequency: Frequency = "week",
        background: Background | None = None,
        model: MixModel | None = None,
        priors: Priors | None = None,
        sampling: Sampling | None = None,
        present: np.ndarray | None = None,
    ) -> None:
        self.hierarchy = hierarchy
        media = tuple(media_columns or hierarchy.tacticals)
        self.columns = Columns(period, frequency, target, media, tuple(control_names), tuple(spend_columns))
        self.background, self.model = background or Background(), model or MixModel()
        self.priors, self.sampling = priors or Priors(), sampling or Sampling()
        self.present = np.ones(len(media), dtype=bool) if present is None else np.asarray(present, dtype=bool)
        check_names(self.hierarchy, self.columns)
        check_form(self.hierarchy, self.columns, self.model, self.priors)
        self._numbers = prior_numbers(self.priors, hierarchy, frequency, self.model)
        self._training: Training | None = None
        self._draws: dict[str, Any] = {}  # group -> xarray.Dataset
        self._table: pd.DataFrame | None = None

    @classmethod
    def from_panel_settings(cls, panel: MediaPanel, sampling: Sampling | None = None) -> "Precision":
        """The model of a company's declared media panel, on its exposure metric."""
        return cls(
            build_hierarchy(panel.tree, panel.levels),
            target=panel.target.name,
            media_columns=panel.metric_columns(panel.exposure_metric),
            spend_columns=panel.spend_columns(),
            control_names=panel.controls,
            period=panel.period,
            frequency=panel.frequency,
            background=Background(panel.seasonality, panel.trend, panel.trend_knots, panel.weekly_pairs, panel.holidays),
            model=panel.model,
            priors=panel.priors,
            sampling=sampling,
        )

    def fit(
        self,
        panel: pd.DataFrame,
        *,
        observed: np.ndarray | None = None,
        lift_tests: Sequence[LiftTest] = (),
        progress: Progress | None = None,
        checkpoint: str | Path | None = None,
    ) -> "Precision":
        """Sample the posterior.

        Args:
            panel: one row per period; the target may be empty where it is not observed.
            observed: (weeks,) bool in the panel's row order, the weeks in the likelihood; those with a known target if
                not given. Mask a holdout instead of cutting it: shapes stay equal, so nothing is compiled again.
            lift_tests: experiments that enter the likelihood.
            progress: called with "warm-up" or "draws", steps done, steps in all.
            checkpoint: folder for what the sampler has done; a killed fit goes on there, with the same draws.

        Raises:
            PanelError: the panel does not fit what was declared.
            SettingsError: a lift test does not fit the tree or the panel.
        """
        self._train(panel, observed, tuple(lift_tests))
        return self._sample(progress, checkpoint)

    def refresh(
        self,
        panel: pd.DataFrame,
        *,
        inflation: float = 1.0,
        progress: Progress | None = None,
        checkpoint: str | Path | None = None,
    ) -> "Precision":
        """A new model that has learned the panel's new weeks: scales frozen, the old posterior (as a normal) its prior.

        Only weeks after the last observed one enter the likelihood, so that no week counts twice; the older ones still
        carry over.

        Args:
            panel: the old weeks and the new ones.
            inflation: factor on the old posterior's sds, >= 1; above 1 old knowledge fades.
            progress: as in `fit`.
            checkpoint: as in `fit`.

        Raises:
            PanelError: there are no new weeks with a known target.
            SettingsError: inflation is below 1.
        """
        old = self._trained
        new = read_media_table(panel, self.columns, needs_target=True)
        table, observed = extend(old.table, old.observed, new, self.columns.frequency)
        flat = pooled(self._group(draws_file.UNCONSTRAINED), "flat")
        fresh = self._blank()
        data, _ = model_data(old, self.hierarchy, self._numbers, self.model)
        fresh._training = Training(
            table,
            observed,
            old.scaling,
            old.design,
            scaled_on=np.isin(table.periods.to_numpy(), old.table.periods[old.scaled_on].to_numpy()),
            old=Old.of(flat, inflation),
            centring=data.centring,
        )
        return fresh._sample(progress, checkpoint)

    def compare_with(self, old: "Precision") -> pd.DataFrame:
        """What this refresh changed against the model that it came from, in the columns of `results.REFRESH`.

        Raises:
            SettingsError: the two are of another form, tree or scale, so that their numbers cannot be compared.
        """
        mine, theirs = self._made_with(), old._made_with()
        different = [name for name in ("hierarchy", "model", "control_names", "background") if mine[name] != theirs[name]]
        if different or self._trained.scaling.target_sd != old._trained.scaling.target_sd:
            raise SettingsError(
                f"only a refresh and the model it came from can be compared; they differ in {different or ['scales']}"
            )
        columns = tuple(self._trained.design.column_names)
        return compare_posteriors(old.coefficients, self.coefficients, self.hierarchy, columns, interval=self.sampling.interval)

    def predict(self, panel: pd.DataFrame | None = None) -> pd.DataFrame:
        """Mean and predictive interval per period: columns period, forecast, lower, upper, in target units.

        After the last observed week correlated residuals go on from there, in the mean as well.

        Args:
            panel: media and controls of other weeks, starting within or right after the fitted ones: the carry-over
                of everything before its first week is kept. Without it the fitted weeks.
        """
        weeks = self._weeks(panel)
        mean, predictive = self._predictive(weeks)
        return summaries.forecast_table(weeks.periods, mean, predictive, interval=self.sampling.interval)

    def predictive_draws(self, panel: pd.DataFrame | None = None) -> np.ndarray:
        """The target itself under every draw, residuals included, (draws of all chains, weeks); `panel` as in `predict`."""
        return self._predictive(self._weeks(panel))[1]

    def prior_predictive(self, panel: pd.DataFrame, *, draws: int = 500, seed: int | None = None) -> pd.DataFrame:
        """What the priors alone expect of a panel's weeks, in the columns of `predict`.

        The panel's target is only used for scales: its mean and sd in the known weeks.
        """
        mean, predictive, periods = self._prior_predictive(panel, draws, self.sampling.seed if seed is None else seed)
        return summaries.forecast_table(periods, mean, predictive, interval=self.sampling.interval)

    def weeks(self) -> Weeks:
        """The fitted weeks in scaled units, as the functions in `response` take them beside `coefficients`."""
        return self._weeks(None)

    @property
    def observed(self) -> np.ndarray:
        """(fitted weeks,) bool, the weeks in the likelihood."""
        return self._trained.observed.copy()

    @property
    def fitted_draws(self) -> np.ndarray:
        """The mean of the target under every draw, (draws of all chains, fitted weeks) in target units."""
        return fitted_draws(self.coefficients, self._weeks(None))

    def contributions(self, level: str | None = None, panel: pd.DataFrame | None = None) -> pd.DataFrame:
        """Contributions with intervals in the columns of `results.MEDIA_CONTRIBUTIONS`.

        Args:
            level: one media level, or None for all; controls and baseline always come along.
            panel: as in `predict`.
        """
        levels = self.hierarchy.levels if level is None else (level,)
        return summaries.contribution_table(
            self.coefficients, self._weeks(panel), self.hierarchy, levels, interval=self.sampling.interval
        )

    def contribution_totals(self, first: object = None, last: object = None) -> pd.DataFrame:
        """Totals and shares of a window of the fitted weeks with intervals, in the columns of `results.MEDIA_TOTALS`.

        Args:
            first: first period; the first observed one if not given.
            last: last period; the last observed one if not given.
        """
        weeks, interval = self._weeks(None), self.sampling.interval
        window = self._trained.observed.copy()
        if first is not None or last is not None:
            periods = weeks.periods
            window = periods.between(pd.Timestamp(first or periods.min()), pd.Timestamp(last or periods.max())).to_numpy()
        return summaries.contribution_totals(self.coefficients, weeks, self.hierarchy, window, interval=interval)

    def contribution_means(self, panel: pd.DataFrame | None = None) -> pd.DataFrame:
        """One row per period: period, baseline, controls, tacticals and `forecast`, which they sum to."""
        return summaries.contribution_means(self.coefficients, self._weeks(panel), self.hierarchy.tacticals)

    def decay(self) -> pd.DataFrame:
        """Decay and half-life per tactical that is present, in the columns of `results.DECAY`."""
        decay = pooled(self._posterior, "decay")
        table = summaries.decay_table(decay, self.hierarchy, self.diagnostics(), interval=self.sampling.interval)
        return table[self.present].reset_index(drop=True)

    def decisions(self, panel: pd.DataFrame | None = None) -> Decisions:
        """Returns, response curves, budgets and scenarios of the fitted weeks, or of a panel's as in `predict`."""
        weeks, training = self._weeks(panel), self._trained
        paid, counted, before = training.table.spend, training.observed, None
        if panel is not None:
            paid = read_media_table(panel, self.columns, needs_target=False).spend
            counted = np.ones(len(weeks.periods), dtype=bool)
            last, residual = self._last_residual()
            right_after = periods_after(weeks.periods, last, self.columns.frequency)[0] == 1
            before = residual if right_after and self.coefficients.correlation.any() else None
        return Decisions(self.coefficients, weeks, self.hierarchy, paid, counted, self.sampling.interval, before)

    def accuracy(self, panel: pd.DataFrame, *, held_out: np.ndarray | None = None) -> pd.DataFrame:
        """How near the predictive draws are to what came, one row in the columns of `accuracy.accuracy_table`.

        Args:
            panel: the fitted panel, now with the targets of its held-out weeks.
            held_out: (weeks,) bool of the panel's rows; weeks that were not in the likelihood if not given.
        """
        actual = read_media_table(panel, self.columns, needs_target=True).target
        counted = ~self._trained.observed if held_out is None else np.asarray(held_out)
        return accuracy_table(np.where(counted, actual, np.nan), self.predictive_draws())

    @cached_property
    def pointwise(self) -> Pointwise:
        """Log densities of the observed weeks under every draw, (draws of all chains, observed weeks), per target unit."""
        table, observed = self._trained.table, self._trained.observed
        return pointwise_log_likelihood(self.coefficients, self.fitted_draws, table.target, observed)

    def loo(self) -> Loo:
        """Leave-one-out by Pareto-smoothed importance sampling."""
        return psis_loo(self.pointwise.given_rest, relative_efficiency=self._relative_efficiency())

    def diagnostics(self) -> pd.DataFrame:
        """Mean, sd, R-hat and ESS per scalar parameter, in scaled units, in the columns of `results.DIAGNOSTICS`."""
        if self._table is None:
            self._table = diagnose(self._posterior)
        return self._table.copy()

    def convergence(self) -> Convergence:
        """The worst R-hat and ESS over all parameters, divergences, E-BFMI, Pareto k."""
        stats = self._group(draws_file.SAMPLE_STATS)
        return summarise_convergence(
            self.diagnostics(),
            energy_fraction=stats["energy_fraction"].to_numpy(),
            diverging=stats["diverging"].to_numpy(),
            pareto_k=self.loo().pareto_k,
        )

    def verdict(self, gate: PrecisionGate) -> tuple[str, ...]:
        """Why this fit must not be used, one sentence per reason; empty where it may."""
        return verdict(self.diagnostics(), self.convergence(), gate)

    def warnings(self) -> tuple[str, ...]:
        """What does not forbid the fit but should be known.

        Weeks that leave-one-out cannot judge; and contributions that no practitioner would sign, which chains that agree
        perfectly may well agree on: media that bring more than everything, a baseline below nothing.
        """
        weeks = self._trained.table.periods[self._trained.observed].dt.strftime("%Y-%m-%d")
        return *self.loo().warnings(list(weeks)), *warn_of_shares(self.contribution_totals(), self.hierarchy.levels[-1])

    def inference_data(self) -> Any:
        """The draws as ArviZ's own container: posterior, sample_stats, log_likelihood, observed_data."""
        import arviz

        groups = {
            **self._draws,
            draws_file.OBSERVED_DATA: draws_file.name_observed(self._trained.table, self._trained.observed),
        }
        return arviz.InferenceData(**{name: group for name, group in groups.items() if name != draws_file.UNCONSTRAINED})

    def save(self, folder: str | Path) -> Path:
        """Write the model folder: settings as JSON, training arrays, draws as `posterior.nc`."""
        self._posterior  # noqa: B018 - says so where there are no draws
        observed = draws_file.name_observed(self._trained.table, self._trained.observed)
        return write_saved(folder, self._made_with(), self._trained, {**self._draws, draws_file.OBSERVED_DATA: observed})

    @classmethod
    def load(cls, folder: str | Path) -> "Precision":
        """Read a model folder. Needs no TensorFlow. Raises ModelFolderError if it is not one."""
        saved = read_saved(folder)
        model = cls(**saved.made_with)
        model._learn(saved.table, saved.observed, saved.lift_tests, scaled_on=saved.scaled_on)
        scaling = model._trained.scaling._replace(media=saved.media_scale)
        model._training = model._trained._replace(centring=saved.centring, scaling=scaling)
        model._draws = saved.groups
        return model

    @cached_property
    def coefficients(self) -> Coefficients:
        """Draws in the target's unit."""
        return coefficients_in_units(self._trained, self._posterior, self.model)

    @property
    def _trained(self) -> Training:
        if self._training is None:
            raise NotFittedError("this Precision model has not been fitted; call fit(panel) or load(folder) first")
        return self._training

    @property
    def _posterior(self) -> Any:
        """The posterior as an xarray.Dataset."""
        return self._group(draws_file.POSTERIOR)

    def _group(self, name: str) -> Any:
        if name not in self._draws:
            raise NotFittedError("this Precision model has no draws; call fit(panel) or load(folder) first")
        return self._draws[name]

    def _blank(self) -> "Precision":
        """A model of the same settings that has seen nothing."""
        return type(self)(**self._made_with())

    def _train(self, panel: pd.DataFrame, observed: np.ndarray | None, lift_tests: tuple[LiftTest, ...] = ()) -> None:
        """Check the panel and keep it, in period order."""
        table = read_media_table(panel, self.columns, needs_target=True)
        if observed is not None and len(observed) == len(panel):
            observed = np.asarray(observed)[np.argsort(pd.to_datetime(panel[self.columns.period]).to_numpy(), kind="stable")]
        self._learn(table, observed_weeks(table, observed), lift_tests)

    def _learn(
        self,
        table: MediaTable,
        observed: np.ndarray,
        lift_tests: tuple[LiftTest, ...] = (),
        *,
        scaled_on: np.ndarray | None = None,
    ) -> None:
        """Learn scales and the control design from the observed weeks, or from others that they are frozen at."""
        scaled_on = observed if scaled_on is None else scaled_on
        scaling = learn_scaling(table, scaled_on, self.hierarchy.tacticals, self.present)
        design = learn_design(
            table.periods,
            table.controls,
            self.columns.controls,
            scaled_on,
            background=self.background,
            frequency=self.columns.frequency,
        )
        self._training = Training(table, observed, scaling, design, scaled_on, lift_tests)

    def _sample(self, progress: Progress | None, checkpoint: str | Path | None) -> "Precision":
        """Draw from the posterior of what was learned, and keep the draws under their names."""
        training = self._trained
        data, spread = model_data(training, self.hierarchy, self._numbers, self.model)
        drawn = sample(
            density_of(self.model),
            data,
            spread,
            sampling=self.sampling,
            progress=progress,
            checkpoint=Path(checkpoint) if checkpoint else None,
        )
        parameters = constrain(drawn.flat, data, self.model)
        beta = betas(parameters, training, self.hierarchy, self.model)
        columns, place = training.design.column_names, self.model.effects_at
        for cached in ("coefficients", "pointwise"):
            self.__dict__.pop(cached, None)
        self._table = None
        self._draws = {
            draws_file.POSTERIOR: draws_file.name_draws(parameters, beta, self.hierarchy, columns, effects_at=place),
            draws_file.SAMPLE_STATS: draws_file.name_sample_stats(drawn),
            draws_file.UNCONSTRAINED: draws_file.name_flat(drawn.flat),
        }
        periods = training.table.periods[training.observed].to_numpy()
        self._draws[draws_file.LOG_LIKELIHOOD] = draws_file.name_log_likelihood(self.pointwise, periods, len(drawn.flat))
        return self

    def _weeks(self, panel: pd.DataFrame | None) -> Weeks:
        """The fitted weeks, or a panel's weeks with the carry-over of everything before them."""
        training = self._trained
        table = training.table
        chosen = table if panel is None else read_media_table(panel, self.columns, needs_target=False)
        before = (table.periods < chosen.periods.iloc[0]).to_numpy()
        if panel is not None:
            check_continues(table.periods, chosen.periods, self.columns.frequency)
        scaling, design = training.scaling, training.design
        matrix = design.matrix(chosen.periods, chosen.controls)
        media = scaling.media_in(chosen.media)
        return Weeks(chosen.periods, media, scaling.media_in(table.media[:, before]), matrix, design.columns)

    def _predictive(self, weeks: Weeks) -> tuple[np.ndarray, np.ndarray]:
        """Expected target and target under every draw, (draws, weeks)."""
        coefficients, seed = self.coefficients, self.sampling.seed
        mean = fitted_draws(coefficients, weeks)
        if not coefficients.correlation.any():
            return mean, predictive_draws(coefficients, mean, seed=seed)
        last, residual = self._last_residual()
        ahead = periods_after(weeks.periods, last, self.columns.frequency)
        return carry_on(coefficients, mean, residual, ahead, seed=seed)

    def _last_residual(self) -> tuple[pd.Timestamp, np.ndarray]:
        """The last observed week, and its residual under every draw, (draws,)."""
        table = self._trained.table
        last = int(np.flatnonzero(self._trained.observed)[-1])
        return table.periods[last], table.target[last] - self.fitted_draws[:, last]

    def _prior_predictive(self, panel: pd.DataFrame, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray, pd.Series]:
        """Expected target and target under draws of the prior, (draws, weeks), and the panel's periods."""
        believed = self._blank()
        believed._train(panel, None)
        training = believed._trained
        data, _ = model_data(training, self.hierarchy, self._numbers, self.model)
        parameters = constrain(prior_draws(data, self.model, draws=draws, seed=seed)[None], data, self.model)
        beta = betas(parameters, training, self.hierarchy, self.model)
        named = draws_file.name_draws(
            parameters, beta, self.hierarchy, training.design.column_names, effects_at=self.model.effects_at
        )
        coefficients = coefficients_in_units(training, named, self.model)
        weeks = believed._weeks(None)
        mean = fitted_draws(coefficients, weeks)
        return mean, predictive_draws(coefficients, mean, seed=seed), weeks.periods

    def _relative_efficiency(self) -> float:
        """Effective draws of the likelihood per draw, which the smoothing's tail length depends on; at most 1."""
        import arviz

        values = self._group(draws_file.LOG_LIKELIHOOD)[draws_file.GIVEN_REST]
        effective = arviz.ess(np.exp(values - values.max(("chain", "draw"))), method="mean")[draws_file.GIVEN_REST]
        return float(min(1.0, effective.mean() / values[:, :, 0].size))

    def _made_with(self) -> dict[str, Any]:
        """The arguments that this model was made with."""
        columns = self.columns
        return {
            "hierarchy": self.hierarchy,
            "target": columns.target,
            "media_columns": columns.media,
            "spend_columns": columns.spend,
            "control_names": columns.controls,
            "period": columns.period,
            "frequency": columns.frequency,
            "background": self.background,
            "model": self.model,
            "priors": self.priors,
            "sampling": self.sampling,
            "present": self.present,
        }
