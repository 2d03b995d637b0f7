"""The tables that a model version carries for people: their names, columns and meaning.

Training writes them, the registry keeps them, the dashboard reads them; none of the three spells a column itself.
"""

from typing import NamedTuple

PERIOD, PART = "period", "part"
HISTORY, HOLDOUT, FUTURE = "history", "holdout", "future"
ACTUAL, FORECAST, LOWER, UPPER = "actual", "forecast", "lower", "upper"
BASELINE, TREND, SEASON, CONTROL = "baseline", "trend", "season", "control"
LEVEL, INTERACTION = "level", "{driver} by hierarchy"  # HiReF: a series' recent level, and what of an effect varies
HOLIDAYS, TARGET_LAGS = "holidays", "{target} lags"  # HiReF: official days, and what the target's own past brings
WEEKDAY = "weekday"  # Precision: what the day of the week brings
REFERENCE, PROMOTED, UPLIFT, UPLIFT_SHARE, AFTER = "at_reference", "promoted", "uplift", "uplift_share", "late"
FALLBACK, WHAT_IF, CHANGE, OUTSIDE = "fallback", "what_if", "change", "outside"  # what HiReF adds to an answer


class Table(NamedTuple):
    """A table's file name (without ending) and its columns beside the company's own level columns."""

    name: str
    columns: tuple[str, ...]
    about: str


SCORES = Table(
    "scores",
    ("level", "cells", "wape", "mae", "rmse", "mase", "bias", "coverage"),
    "accuracy on the held-out periods at every level; wape, bias and coverage are shares, mae and rmse in target units",
)
HORIZONS = Table(
    "horizons",
    ("level", "horizon", "cells", "wape", "bias", "coverage"),
    "accuracy on the held-out periods at every level by how many periods ahead was forecast; all three are shares",
)
FORECASTS = Table(
    "forecasts",
    (PERIOD, PART, ACTUAL, FORECAST, LOWER, UPPER),
    "HiReF: levels and one row per series and period; part is history (fitted), holdout (forecast from before it) or future",
)
NODES = Table(
    "nodes",
    ("level", "node", PERIOD, PART, ACTUAL, FORECAST, LOWER, UPPER),
    "HiReF: the forecasts summed per node of every level and in total; with their own intervals after the cutoff",
)
CONTRIBUTIONS = Table(
    "contributions",
    (PERIOD, PART, BASELINE),
    "HiReF: levels and one column per component in target units; components of a row sum to its forecast",
)
ELASTICITIES = Table(
    "elasticities",
    ("driver", "level", "node", "effect", LOWER, UPPER),
    "HiReF: mean effect on the link scale per node with its interval, an elasticity where link and driver are logs",
)
BRIDGE = Table(
    "bridge",
    ("revenue_before", "volume", "mix", "price", "new", "lost", "revenue_after"),
    "HiReF: revenue of two periods and what lies between them per node, in currency; before plus the parts is after",
)
SIGNS = Table(
    "signs",
    ("driver", "sign", "series", "disagree", "clearly", "wape", "wape_free", "cost"),
    "HiReF: per signed driver the share of series whose own slope disagrees, held-out errors with and without the sign",
)
ABLATION = Table(
    "ablation",
    ("driver", "wape", "wape_without", "adds"),
    "HiReF: held-out error with all drivers and without one; adds is what the driver takes off it, a share",
)
COHERENT = Table("coherent", ("base", FORECAST), "HiReF: forecasts of all levels before and after reconciliation")
FIT = Table(
    "fit",
    (PERIOD, PART, ACTUAL, FORECAST, LOWER, UPPER),
    "Precision: the fitted mean with its predictive interval per period; part is history or holdout",
)
MEDIA_CONTRIBUTIONS = Table(
    "media_contributions",
    (PERIOD, "level", "node", "mean", LOWER, UPPER),
    "Precision: contributions in target units; level is a media level, control or baseline",
)
MEDIA_TOTALS = Table(
    "media_totals",
    ("level", "node", "total", LOWER, UPPER, "share", "share_lower", "share_upper"),
    "Precision: contributions summed over all observed periods, in target units and as shares of the fitted total",
)
DECAY = Table(
    "decay",
    ("tactical", "channel", "decay", LOWER, UPPER, "half_life", "half_life_lower", "half_life_upper", "rhat", "ess_bulk"),
    "Precision: share of an exposure's effect carried to the next period, per tactical; half_life in periods",
)
DECAY_PRIOR = Table(
    "decay_prior",
    ("tactical", "median", LOWER, UPPER),
    "Precision: what was believed of every decay before the data, a share per period",
)
DIAGNOSTICS = Table(
    "diagnostics",
    ("parameter", "node", "mean", "sd", "rhat", "ess_bulk", "ess_tail"),
    "Precision: convergence per scalar parameter",
)
ROI = Table(
    "roi",
    (
        "level",
        "node",
        "spend",
        "contribution",
        "roi",
        "median",
        LOWER,
        UPPER,
        "marginal_roi",
        "marginal_lower",
        "marginal_upper",
        "cost_per_unit",
        "reason",
    ),
    "Precision: return on spend per node, what the spend of some weeks brought then and later over what was spent; the "
    "marginal one is that of one more currency unit; contribution in target units; reason says why a number is missing",
)
RESPONSE = Table(
    "response",
    (
        "level",
        "node",
        "multiple",
        "spend",
        "effect",
        LOWER,
        UPPER,
        "marginal_roi",
        "marginal_lower",
        "marginal_upper",
    ),
    "Precision: what a node brings, carry-over included, at multiples of its current spend; effect in target units",
)
PRIOR_PREDICTIVE = Table(
    "prior_predictive",
    (PERIOD, FORECAST, LOWER, UPPER),
    "Precision: what the priors alone expect of every period: mean and predictive interval, in target units",
)
LEFT_OUT = Table(
    "left_out",
    (PERIOD, "log_density", "pareto_k", "limit"),
    "Precision: log density of every trained period given all others, in nats; not believed where Pareto k is above limit",
)
ACCURACY_LEVELS = (50, 80, 90, 95)  # percent, of the intervals that are judged
ACCURACY = Table(
    "accuracy",
    (
        *("weeks", "mape", "wape", "rmse", "mae", "bias", "r2", "crps", "relative_crps"),
        *(f"{score}_{level}" for level in ACCURACY_LEVELS for score in ("coverage", "interval_score")),
    ),
    "Precision: the predictive draws on the held-out periods; mape, wape, bias, r2, relative_crps and coverage are shares, the "
    "others in target units",
)
BUDGET = Table(
    "budget",
    (
        "level",
        "node",
        "spend_before",
        "spend_after",
        "contribution_before",
        "contribution_after",
        "roi_before",
        "roi_after",
        "marginal_before",
        "marginal_after",
    ),
    "Precision: spend, contribution and returns per node in the current and in the best plan",
)
BUDGET_OUTCOME = Table(
    "budget_outcome",
    (
        *("first", "last", "planned", "budget"),
        *("before", "before_lower", "before_upper", "after", "after_lower", "after_upper"),
        *("difference", "difference_lower", "difference_upper", "probability_better", "converged", "message"),
    ),
    "Precision: one row about the best plan: its periods, whether they are planned ones, currency spent, what it brings in "
    "target units beside the current plan, and a sentence",
)
SCENARIO = Table(
    "scenario",
    ("scenario", PERIOD, FORECAST, LOWER, UPPER, "difference", "difference_lower", "difference_upper"),
    "Precision: forecasts of plans per period, and what each brings beyond the base plan, with intervals, in target units",
)
SCENARIO_TOTAL = Table(
    "scenario_total",
    (
        "scenario",
        FORECAST,
        LOWER,
        UPPER,
        "difference",
        "difference_lower",
        "difference_upper",
        "later",
        "probability_better",
    ),
    "Precision: the same for all periods together; later is what media carry beyond the last period more than in the base plan",
)
REFRESH = Table(
    "refresh",
    ("quantity", "node", "old", "old_lower", "old_upper", "new", "new_lower", "new_upper", "shift"),
    "Precision: posterior means and intervals before and after a refresh, in target units; shift in the old posterior's sds",
)
ENSEMBLE_WEIGHTS = Table(
    "ensemble_weights",
    (
        "metric",
        "weight",
        "standard_error",
        "pseudo_bma",
        "equal",
        "leave_future_out",
        "elpd",
        "elpd_se",
        "elpd_difference",
        "difference_se",
        "effective_parameters",
        "max_pareto_k",
        "weeks_above_k",
    ),
    "Precision: per metric its stacking weight with its error, other schemes' weights, and leave-one-out log density in nats",
)
ENSEMBLE_ROI = Table(
    "ensemble_roi",
    ("level", "node", "quantity", "equal", "stacked", "sd", "disagree"),
    "Precision: returns by every metric (a column each), by equal weights and stacked; whether they differ by more than an sd",
)
BACKTEST = Table(
    "backtest",
    ("model", "origin", "level", "cells", "wape", "mae", "rmse", "mase", "bias", "coverage", "cpu_seconds"),
    "accuracy of HiReF and baselines at rolling origins and every level; origin is the last known period",
)
TRIALS = Table(
    "trials",
    ("trial", "state", "wape", "seconds"),
    "a tuning study's trials: mean bottom WAPE over the origins it was judged at, and one column per knob",
)
SELECTION = Table(
    "selection",
    ("driver", "selected", "kept", "stability", "enters_at", "gain", "by", "by_gain"),
    "which drivers are worth having; gain is the share of held-out squared error that one takes away",
)

HIREF_TABLES = (SCORES, HORIZONS, FORECASTS, NODES, CONTRIBUTIONS, ELASTICITIES, SIGNS, ABLATION)
PRECISION_TABLES = (
    SCORES,
    ACCURACY,
    FIT,
    PRIOR_PREDICTIVE,
    MEDIA_CONTRIBUTIONS,
    MEDIA_TOTALS,
    DECAY,
    DECAY_PRIOR,
    DIAGNOSTICS,
    LEFT_OUT,
)
SPEND_TABLES = (ROI, RESPONSE, BUDGET, BUDGET_OUTCOME)  # of a marketing mix version whose company declares spend
