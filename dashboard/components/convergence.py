"""Whether a marketing mix model's chains agree and its draws may be believed."""

import math
from collections.abc import Mapping

import pandas as pd
from dash.development.base_component import Component

from dashboard.components.cards import card, note, stat, stats
from dashboard.components.grids import DECIMAL, NUMBER, make_grid, number_column, text_column
from hierforecast.options import PrecisionGate
from hierforecast.results import PERIOD

WORST_PARAMETERS = 10


def convergence_card(
    diagnostics: pd.DataFrame, left_out: pd.DataFrame | None, metrics: Mapping[str, float], gate: PrecisionGate
) -> Component:
    """The worst figures beside what the gate allows, the parameters they belong to, and weeks that no model foresees.

    Args:
        diagnostics: as in the diagnostics table.
        left_out: as in the table of the same name; None for versions of earlier releases.
        metrics: of the version's run; `ebfmi` and `divergences` are shown where they are there.
        gate: the company's bounds.
    """
    rhat, ess = diagnostics["rhat"].max(), diagnostics[["ess_bulk", "ess_tail"]].min().min()
    numbers = [
        stat("largest R-hat", f"{rhat:.3f}", hint=_verdict(rhat <= gate.max_rhat, f"at most {gate.max_rhat:g}")),
        stat("least ESS", f"{ess:,.0f}", hint=_verdict(ess >= gate.min_ess, f"at least {gate.min_ess:g}")),
        *_of_the_sampler(metrics, gate),
        *([] if left_out is None else [_pareto(left_out)]),
        stat("parameters", f"{len(diagnostics):,}"),
    ]
    columns = [text_column("parameter", "Parameter"), text_column("node", "Node")]
    columns += [number_column(name, name, DECIMAL, width=90) for name in ("mean", "sd", "rhat")]
    columns += [number_column(name, name.replace("_", " "), NUMBER, width=95) for name in ("ess_bulk", "ess_tail")]
    worst = diagnostics.nlargest(WORST_PARAMETERS, "rhat")
    parts = [stats(numbers), note("The parameters with the largest R-hat:"), make_grid(worst, columns, id="diagnostics-grid")]
    return card("Convergence", [*parts, None if left_out is None else _doubted(left_out)])


def _of_the_sampler(metrics: Mapping[str, float], gate: PrecisionGate) -> list[Component]:
    found = []
    if "divergences" in metrics:
        count = metrics["divergences"]
        hint = _verdict(count <= gate.max_divergences, f"at most {gate.max_divergences}")
        found.append(stat("divergences", f"{count:,.0f}", hint=hint))
    if "ebfmi" in metrics:
        energy = metrics["ebfmi"]
        found.append(stat("E-BFMI", f"{energy:.2f}", hint=_verdict(energy >= gate.min_ebfmi, f"at least {gate.min_ebfmi:g}")))
    return found


def _pareto(left_out: pd.DataFrame) -> Component:
    largest, limit = float(left_out["pareto_k"].max()), float(left_out["limit"].iloc[0])
    shown = f"{largest:.2f}" if math.isfinite(largest) else "–"
    return stat("largest Pareto k", shown, hint=_verdict(largest <= limit, f"at most {limit:.2g}, of weeks left out"))


def _doubted(left_out: pd.DataFrame) -> Component | None:
    weeks = left_out[left_out["pareto_k"] > left_out["limit"]].nlargest(5, "pareto_k")
    named = ", ".join(f"{row[PERIOD]:%Y-%m-%d} ({row['pareto_k']:.2f})" for _, row in weeks.iterrows())
    return note(f"Weeks that the others foretell badly (Pareto k): {named}.") if named else None


def _verdict(holds: bool, limit: str) -> str:
    return f"{'✓' if holds else '✗'} {limit}"
