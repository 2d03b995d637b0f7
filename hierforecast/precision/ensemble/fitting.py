"""The ensemble over metrics: one marketing mix model per metric, weighted by how well they foretell.

Weights that predict best are not weights that attribute best: clicks and conversions come after people have been persuaded
(they are post-treatment). So weights are for forecasting, and what media earned is told per metric, with equal weights and
stacked, side by side, with a flag where they disagree.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from hierforecast.errors import SettingsError, nearest
from hierforecast.mix_model import MixModel, Priors
from hierforecast.options import Sampling
from hierforecast.precision.background import Background
from hierforecast.precision.ensemble.inputs import read_periods, read_settings, read_spend, refuse_taken_names
from hierforecast.precision.ensemble.result import EnsembleResult, describe
from hierforecast.precision.ensemble.safeguards import Prepared, prepare
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.model import Precision
from hierforecast.precision.sampling import Progress
from hierforecast.schema import Frequency

WeightScheme = Literal["psis_loo", "pseudo_bma", "leave_future_out", "equal"]
SCHEMES: tuple[WeightScheme, ...] = ("psis_loo", "pseudo_bma", "leave_future_out", "equal")
PERIOD, TARGET = "ensemble period", "ensemble target"  # columns that no control is likely to be called
PERIODS_PER_YEAR: dict[Frequency, float] = {"day": 365.25, "week": 52.18, "month": 12.0}


def ensemble(
    *,
    hierarchy: Hierarchy,
    y: Any,
    U_metrics: Mapping[str, Any],
    metric_lags: Mapping[str, int] | None = None,
    offline_channels: Sequence[str] = (),
    weight_scheme: WeightScheme = "psis_loo",
    Z_controls: Any = None,
    control_names: Sequence[str] | None = None,
    availability: Any = None,
    priors: Priors | Mapping[str, Any] | None = None,
    nuts_args: Sampling | Mapping[str, Any] | None = None,
    leakage_corr_threshold: float = 0.97,
    exposure_metric: str | None = None,
    spend: Any = None,
    dates: Any = None,
    frequency: Frequency = "week",
    background: Background | None = None,
    model: MixModel | Mapping[str, Any] | None = None,
    interval: float = 0.9,
    progress: Progress | None = None,
) -> EnsembleResult:
    """Fit one model per metric on the same weeks and weigh them.

    Args:
        hierarchy: the media tree; its `tacticals` are the order of all columns.
        y: (weeks,) target; NaN where it is not known, so that those weeks are forecast.
        U_metrics: per metric, whatever its name, (weeks, tacticals) values >= 0 in its own unit.
        metric_lags: per metric how many periods it is moved forward before it may explain the target.
        offline_channels: channels that only the exposure metric has (nobody clicks on a poster).
        weight_scheme: psis_loo: stacking of leave-one-out densities (Yao et al. 2018, doi:10.1214/17-BA1091); pseudo_bma:
            pseudo-BMA+ of the same; leave_future_out: stacking of one-step-ahead densities; equal.
        Z_controls: (weeks, controls) further causes, in their own units; they are scaled here.
        control_names: (controls,) names.
        availability: per metric the periods after which its values are known, or (weeks,) bool where it exists.
        priors: what is believed before the data, on scaled data.
        nuts_args: fields of `options.Sampling`: chains, warmup, draws, steps_per_draw, target_acceptance, seed ...
        leakage_corr_threshold: correlation beyond which a column counts as the target itself.
        exposure_metric: the metric with every tactical; the first if not given.
        spend: (weeks, tacticals) currency, in the weeks in which it was spent; with it returns are compared, without it
            contributions. A lagged metric's model has it lagged as well.
        dates: (weeks,) ascending dates of the periods; made ones if not given.
        frequency: "day", "week" or "month".
        background: trend, season, holidays; a trend and a season where there are dates, else none.
        model: form of every model.
        interval: nominal coverage of lower..upper, where `nuts_args` does not say it.
        progress: called with "<metric>: warm-up" or "<metric>: draws", steps done and steps in all.

    Raises:
        SafeguardError: something given does not fit, by the name of the safeguard; LeakageError where a metric or control
            knows the target.
        SettingsError: an unknown weight scheme, frequency or setting.
        PanelError: fewer than 20 weeks count, or dates have gaps.

    Warns:
        SafeguardWarning: what was let pass but should be known.
    """
    if weight_scheme not in SCHEMES:
        raise SettingsError(f"weight_scheme: there is no {weight_scheme!r}; {nearest(str(weight_scheme), SCHEMES)}")
    if frequency not in PERIODS_PER_YEAR:
        raise SettingsError(f"frequency: there is no {frequency!r}; {nearest(str(frequency), PERIODS_PER_YEAR)}")
    sampling = read_settings(Sampling, nuts_args, "nuts_args", interval=interval)
    priors, model = read_settings(Priors, priors, "priors"), read_settings(MixModel, model, "model")
    periods = None if dates is None else read_periods(dates, np.size(y), frequency)
    prepared = prepare(
        hierarchy=hierarchy,
        y=y,
        U_metrics=U_metrics,
        metric_lags=metric_lags,
        offline_channels=offline_channels,
        Z_controls=Z_controls,
        control_names=control_names,
        availability=availability,
        exposure_metric=exposure_metric,
        leakage_corr_threshold=leakage_corr_threshold,
        season_period=PERIODS_PER_YEAR[frequency],
        dates=periods,
    )
    refuse_taken_names(list(prepared.exposures), prepared.control_names, hierarchy)
    weeks = len(prepared.y)
    periods = read_periods(periods, weeks, frequency)
    paid = read_spend(spend, hierarchy, weeks)
    fitted: dict[str, Precision] = {}
    for metric in prepared.exposures:
        known = None if paid is None else _paid_for(paid, prepared.lags[metric], prepared.present[metric])
        mix = Precision(
            hierarchy,
            target=TARGET,
            media_columns=[f"media {name}" for name in hierarchy.tacticals],
            spend_columns=[] if known is None else [f"spend {name}" for name in hierarchy.tacticals],
            control_names=prepared.control_names,
            period=PERIOD,
            frequency=frequency,
            background=background or (Background() if dates is not None else Background(0, trend=False)),
            model=model,
            priors=priors,
            sampling=sampling,
            present=prepared.present[metric],
        )
        panel = _panel(prepared, metric, periods, known, hierarchy)
        fitted[metric] = mix.fit(panel, observed=prepared.counted, progress=_named(progress, metric))
    return describe(fitted, prepared, weight_scheme, interval=sampling.interval, seed=sampling.seed)


def _paid_for(paid: np.ndarray, lag: int, present: np.ndarray) -> np.ndarray:
    """(weeks, tacticals) spend beside the exposures that it bought: lagged as they are, 0 where the metric has none."""
    return np.where(present, np.concatenate([np.zeros_like(paid[:lag]), paid[: len(paid) - lag]]), 0.0)


def _panel(prepared: Prepared, metric: str, periods: pd.Series, paid: np.ndarray | None, hierarchy: Hierarchy) -> pd.DataFrame:
    """A metric's weeks as the table that a model reads."""
    columns = {PERIOD: periods, TARGET: prepared.y}
    for place, name in enumerate(hierarchy.tacticals):
        columns[f"media {name}"] = prepared.exposures[metric][:, place]
        if paid is not None:
            columns[f"spend {name}"] = paid[:, place]
    columns |= dict(zip(prepared.control_names, prepared.controls.T, strict=True))
    return pd.DataFrame(columns)


def _named(progress: Progress | None, metric: str) -> Progress | None:
    if progress is None:
        return None
    return lambda stage, done, of: progress(f"{metric}: {stage}", done, of)
