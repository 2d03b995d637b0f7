"""The ensemble over metrics: one marketing mix model per metric, weighted by how well they foretell.

Weights that predict best are not weights that attribute best: clicks and conversions come after people have been persuaded
(they are post-treatment). So weights are for forecasting, and what media earned is told per metric, with equal weights and
stacked, side by side, with a flag where they disagree.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import ValidationError

from hierforecast.errors import SettingsError, nearest
from hierforecast.mix_model import MixModel, Priors
from hierforecast.options import Sampling
from hierforecast.precision.background import Background
from hierforecast.precision.ensemble.result import EnsembleResult, describe
from hierforecast.precision.ensemble.safeguards import Prepared, prepare
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.model import Precision
from hierforecast.precision.sampling import Progress
from hierforecast.schema import Frequency

WeightScheme = Literal["psis_loo", "pseudo_bma", "leave_future_out", "equal"]
SCHEMES: tuple[WeightScheme, ...] = ("psis_loo", "pseudo_bma", "leave_future_out", "equal")
PERIOD, TARGET = "ensemble period", "ensemble target"  # columns that no control is likely to be called
FIRST_DATE = "2000-01-03"
_STEP: dict[Frequency, str] = {"day": "D", "week": "7D", "month": "MS"}
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
    priors: Priors | None = None,
    nuts_args: Mapping[str, Any] | None = None,
    leakage_corr_threshold: float = 0.97,
    exposure_metric: str | None = None,
    spend: Any = None,
    dates: Any = None,
    frequency: Frequency = "week",
    background: Background | None = None,
    model: MixModel | None = None,
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
        spend: (weeks, tacticals) currency; with it returns are compared, without it contributions.
        dates: (weeks,) dates of the periods; made ones if not given.
        frequency: "day", "week" or "month".
        background: trend, season, holidays; a trend and a season where there are dates, else none.
        model: form of every model.
        interval: nominal coverage of lower..upper.
        progress: called with "<metric>: warm-up" or "<metric>: draws", steps done and steps in all.

    Raises:
        SafeguardError: something given does not fit, by the name of the safeguard; LeakageError where a metric or control
            knows the target.
        SettingsError: an unknown weight scheme or sampler setting.

    Warns:
        SafeguardWarning: what was let pass but should be known.
    """
    if weight_scheme not in SCHEMES:
        raise SettingsError(f"weight_scheme: there is no {weight_scheme!r}; {nearest(str(weight_scheme), SCHEMES)}")
    sampling = _sampling(nuts_args, interval)
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
        dates=dates,
    )
    periods = _periods(dates, len(prepared.y), frequency)
    paid = _spend(spend, hierarchy, len(prepared.y))
    fitted: dict[str, Precision] = {}
    for metric in prepared.exposures:
        known = None if paid is None else np.where(prepared.present[metric], paid, 0.0)
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
    return describe(fitted, prepared, weight_scheme, interval=interval, seed=sampling.seed)


def _sampling(nuts_args: Mapping[str, Any] | None, interval: float) -> Sampling:
    given = dict(nuts_args or {})
    for name in given:
        if name not in Sampling.model_fields:
            raise SettingsError(f"nuts_args: there is no setting {name!r}; {nearest(name, Sampling.model_fields)}")
    try:
        return Sampling(**{"interval": interval, **given})
    except ValidationError as error:
        told = "; ".join(f"{mistake['loc'][0]}: {mistake['msg']}, got {mistake['input']!r}" for mistake in error.errors())
        raise SettingsError(f"nuts_args: {told}") from None


def _periods(dates: Any, weeks: int, frequency: Frequency) -> pd.Series:
    if dates is None:
        return pd.Series(pd.date_range(FIRST_DATE, periods=weeks, freq=_STEP[frequency]))
    return pd.Series(pd.to_datetime(np.asarray(dates)))


def _spend(spend: Any, hierarchy: Hierarchy, weeks: int) -> np.ndarray | None:
    """(weeks, tacticals) currency, None where there is none."""
    if spend is None:
        return None
    if isinstance(spend, pd.DataFrame) and set(hierarchy.tacticals) <= set(spend.columns):
        spend = spend[list(hierarchy.tacticals)]
    paid, wanted = np.asarray(spend, dtype=float), (weeks, hierarchy.num_tacticals)
    if paid.shape != wanted or not np.isfinite(paid).all() or (paid < 0).any():
        raise SettingsError(f"spend: wanted known amounts >= 0 of shape {wanted} (weeks, tacticals), got shape {paid.shape}")
    return paid


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
