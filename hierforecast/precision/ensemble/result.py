"""What an ensemble says: weights, weighted contributions with the mixture's intervals, and returns side by side."""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from hierforecast import results
from hierforecast.precision.ensemble.future import leave_future_out
from hierforecast.precision.ensemble.mixture import mix
from hierforecast.precision.ensemble.safeguards import Prepared, Safeguard, SafeguardWarning
from hierforecast.precision.ensemble.weights import Weights, equal, pseudo_bma, stack
from hierforecast.precision.intervals import central_interval
from hierforecast.precision.model import Precision
from hierforecast.precision.nodes import all_nodes
from hierforecast.precision.psis import Loo
from hierforecast.precision.response import media_draws

FUTURE_FROM = 0.5  # share of the weeks after which one-step-ahead densities are looked at
FEWEST_FUTURE_WEEKS = 10  # that must be trusted for stacking them
UNTRUSTED = (
    f"leave_future_out: fewer than {FEWEST_FUTURE_WEEKS} weeks can be foretold from the draws of fits to all weeks, so the "
    "weights are those of psis_loo; give more weeks, or ask for psis_loo"
)


@dataclass(frozen=True)
class EnsembleResult:
    """One model per metric, and what they say together.

    Args:
        weights: per metric, of the scheme asked for; they sum to 1.
        weights_table: per metric weights of every scheme, elpd, differences and errors, in `results.ENSEMBLE_WEIGHTS`.
        per_model: the fitted model of every metric.
        contributions_weighted: one row per period: period, baseline, controls, tacticals and `forecast`, their sum; means
            of the mixture in target units.
        uncertainty_weighted: level, node, period, mean, lower, upper: quantiles of the mixture of draws.
        forecast_weighted: period, forecast, lower, upper of the mixture's predictive draws.
        roi_comparison: per node the return (or contribution, where spend is not known) by every metric, by equal weights
            and stacked (by `weights`, or by stacking where those are equal), the posterior sd within models, and whether
            they disagree by more than that.
        warnings: what the safeguards let pass, and why other weights than those asked for are given.
        leave_one_out: per metric, with Pareto k of every counted week.
        counted: (weeks,) bool, the weeks in every likelihood.
    """

    weights: dict[str, float]
    weights_table: pd.DataFrame
    per_model: dict[str, Precision]
    contributions_weighted: pd.DataFrame
    uncertainty_weighted: pd.DataFrame
    forecast_weighted: pd.DataFrame
    roi_comparison: pd.DataFrame
    warnings: tuple[Safeguard, ...]
    leave_one_out: dict[str, Loo]
    counted: np.ndarray


class _Scored(NamedTuple):
    loo: dict[str, Loo]
    stacked: Weights
    averaged: Weights
    even: Weights
    future: np.ndarray  # (models,) weights, NaN where no week can be trusted


def describe(fitted: dict[str, Precision], prepared: Prepared, scheme: str, *, interval: float, seed: int) -> EnsembleResult:
    """Score and weigh fitted models, and mix what they say.

    Args:
        fitted: per metric, all on the same weeks.
        prepared: what they were fitted on.
        scheme: one of `fitting.SCHEMES`.
        interval: nominal coverage of lower..upper.
        seed: of the bootstraps behind errors.

    Warns:
        SafeguardWarning: one-step-ahead densities were asked for and cannot be trusted, so leave-one-out weighs.
    """
    scored = _score(fitted, seed)
    is_trusted = bool(np.isfinite(scored.future).all())
    found = prepared.warnings
    if scheme == "leave_future_out" and not is_trusted:
        found = (*found, Safeguard("leave_future_out", "", "", UNTRUSTED))
        warnings.warn(UNTRUSTED, SafeguardWarning, stacklevel=3)
    by_scheme = {
        "psis_loo": scored.stacked.weights,
        "pseudo_bma": scored.averaged.weights,
        "equal": scored.even.weights,
        "leave_future_out": scored.future if is_trusted else scored.stacked.weights,
    }
    weights = {metric: float(weight) for metric, weight in zip(fitted, by_scheme[scheme], strict=True)}
    stacked = dict(zip(fitted, scored.stacked.weights, strict=True)) if scheme == "equal" else weights
    return EnsembleResult(
        weights=weights,
        weights_table=_weights_table(fitted, scored),
        per_model=fitted,
        contributions_weighted=_weighted_means(fitted, weights),
        uncertainty_weighted=_mixed_contributions(fitted, weights, interval),
        forecast_weighted=_mixed_forecast(fitted, weights, interval),
        roi_comparison=_side_by_side(fitted, prepared, stacked),
        warnings=found,
        leave_one_out=scored.loo,
        counted=prepared.counted,
    )


def _score(fitted: dict[str, Precision], seed: int) -> _Scored:
    loo = {metric: model.loo() for metric, model in fitted.items()}
    pointwise = np.column_stack([one.pointwise for one in loo.values()])
    return _Scored(loo, stack(pointwise, seed=seed), pseudo_bma(pointwise, seed=seed), equal(pointwise), _future(fitted, seed))


def _future(fitted: dict[str, Precision], seed: int) -> np.ndarray:
    """Stacking weights of one-step-ahead densities, over the weeks that all models can be trusted with."""
    factors = [model.pointwise.given_past for model in fitted.values()]
    weeks = factors[0].shape[1]
    ahead = [leave_future_out(factor, start=int(FUTURE_FROM * weeks)) for factor in factors]
    trusted = max(one.trusted_from for one in ahead)
    if weeks - trusted < FEWEST_FUTURE_WEEKS:
        return np.full(len(fitted), np.nan)
    pointwise = np.column_stack([one.pointwise[one.weeks >= trusted] for one in ahead])
    return stack(pointwise, draws=2, seed=seed).weights


def _weights_table(fitted: dict[str, Precision], scored: _Scored) -> pd.DataFrame:
    stacked = scored.stacked
    columns = (
        list(fitted),
        stacked.weights,
        stacked.standard_error,
        scored.averaged.weights,
        scored.even.weights,
        scored.future,
        stacked.elpd,
        [one.standard_error for one in scored.loo.values()],
        stacked.elpd_difference,
        stacked.difference_se,
        [one.effective_parameters for one in scored.loo.values()],
        [float(one.pareto_k.max()) for one in scored.loo.values()],
        [int((one.pareto_k > one.largest_k).sum()) for one in scored.loo.values()],
    )
    return pd.DataFrame(dict(zip(results.ENSEMBLE_WEIGHTS.columns, columns, strict=True)))


def _weighted_means(fitted: dict[str, Precision], weights: dict[str, float]) -> pd.DataFrame:
    tables = {metric: model.contribution_means() for metric, model in fitted.items()}
    first = next(iter(tables.values()))
    numbers = first.columns.drop(results.PERIOD)
    return pd.concat(
        [first[[results.PERIOD]], sum(weights[metric] * table[numbers] for metric, table in tables.items())], axis=1
    )


def _mixed_contributions(fitted: dict[str, Precision], weights: dict[str, float], interval: float) -> pd.DataFrame:
    any_model = next(iter(fitted.values()))
    kept = {metric: (model.coefficients, model.weeks()) for metric, model in fitted.items() if weights[metric] > 0}
    periods = next(iter(kept.values()))[1].periods.to_numpy()
    tables = []
    for level, node, under in all_nodes(any_model.hierarchy):
        places = np.flatnonzero(under)

        def brought(metric: str, places: np.ndarray = places) -> np.ndarray:
            return sum(media_draws(int(place), *kept[metric]) for place in places)

        draws = mix(weights, brought)
        columns = (periods, level, node, draws.mean(axis=0), *central_interval(draws, interval))
        tables.append(pd.DataFrame(dict(zip(results.MEDIA_CONTRIBUTIONS.columns, columns, strict=True))))
    return pd.concat(tables, ignore_index=True)


def _mixed_forecast(fitted: dict[str, Precision], weights: dict[str, float], interval: float) -> pd.DataFrame:
    draws = mix(weights, lambda metric: fitted[metric].predictive_draws())
    means = sum(weight * fitted[metric].predict()[results.FORECAST].to_numpy() for metric, weight in weights.items())
    lower, upper = central_interval(draws, interval)
    periods = next(iter(fitted.values())).weeks().periods.to_numpy()
    return pd.DataFrame({results.PERIOD: periods, results.FORECAST: means, results.LOWER: lower, results.UPPER: upper})


def _side_by_side(fitted: dict[str, Precision], prepared: Prepared, weights: dict[str, float]) -> pd.DataFrame:
    """Per node what each metric's model says, and where they differ by more than a posterior sd.

    A metric says nothing of a node of which it lacks a tactical (with spend: one that was paid for), as it would compare
    another sum.
    """
    any_model = next(iter(fitted.values()))
    has_spend = bool(any_model.columns.spend)
    quantity = "roi" if has_spend else "contribution"
    asked = _paid(fitted[prepared.exposure_metric]) if has_spend else np.ones(any_model.hierarchy.num_tacticals, dtype=bool)
    told = {metric: _node_draws(model, asked, prepared.present[metric], has_spend) for metric, model in fitted.items()}
    rows = []
    for place, (level, node, _) in enumerate(all_nodes(any_model.hierarchy)):
        draws = {metric: values[:, place] for metric, values in told.items() if np.isfinite(values[:, place]).all()}
        if not draws:
            continue
        means = {metric: float(values.mean()) for metric, values in draws.items()}
        own = {metric: weights[metric] for metric in draws}
        even = float(np.mean(list(means.values())))
        total = sum(own.values())
        stacked = sum(own[metric] * means[metric] for metric in means) / total if total > 0 else even
        sd = float(np.sqrt(np.mean([values.var() for values in draws.values()])))
        said = [*means.values(), even, stacked]
        rows.append(
            {"level": level, "node": node, "quantity": quantity}
            | {metric: means.get(metric, np.nan) for metric in fitted}
            | {"equal": even, "stacked": stacked, "sd": sd, "disagree": max(said) - min(said) > sd}
        )
    return pd.DataFrame(rows)


def _paid(model: Precision) -> np.ndarray:
    """(tacticals,) bool, those with spend in the counted weeks."""
    return model.decisions().roi_draws().spend[: model.hierarchy.num_tacticals] > 0


def _node_draws(model: Precision, asked: np.ndarray, present: np.ndarray, has_spend: bool) -> np.ndarray:
    """Return on spend, or contribution in the counted weeks, of every node, (draws, nodes); NaN where it says nothing."""
    masks = np.array([under & asked for _, _, under in all_nodes(model.hierarchy)])
    if has_spend:
        values = model.decisions().roi_draws().roi
    else:
        weeks, observed = model.weeks(), model.observed
        places = range(len(present))
        totals = [media_draws(place, model.coefficients, weeks)[:, observed].sum(axis=1) for place in places]
        values = np.column_stack(totals) @ masks.T
    return np.where((masks & ~present).any(axis=1), np.nan, values)
