"""The gates of either family: which numbers are judged, and how each is told."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hierforecast.gates.decision import Decision, GateResult
from hierforecast.gates.paired import judge_pairs
from hierforecast.gates.rival import Rival
from hierforecast.hierarchy import BOTTOM, TOTAL
from hierforecast.options import HirefGate, PrecisionGate


class DataFindings(NamedTuple):
    """What the checks found in data that they let pass: drift by driver (population stability index), warnings."""

    drift: Mapping[str, float] = {}
    warnings: int = 0


def decide_hiref(
    gate: HirefGate,
    *,
    wape: Mapping[str, float],
    bias: float,
    wrong_signs: float,
    rival: Rival,
    data: DataFindings | None = None,
    manual: bool = False,
) -> Decision:
    """Judge a HiReF challenger on the weeks after the cutoff.

    Args:
        gate: the declared limits.
        wape: of the challenger after the cutoff by level, shares; at least `bottom`.
        bias: relative bias of its total after the cutoff, a share.
        wrong_signs: share of total effects whose sign is not the declared one.
        rival: the champion's settings fitted to the same cutoff.
        data: what the checks found.
        manual: whether a person has the last word.
    """
    results = (
        *_compare(gate, wape, rival, first=BOTTOM),
        _at_most("absolute bias of the total", abs(bias), gate.max_bias),
        _at_most("share of wrong signs", wrong_signs, 0.0),
        *_found(data or DataFindings(), gate.max_drift),
    )
    return Decision(results, manual=manual)


def decide_precision(
    gate: PrecisionGate,
    *,
    convergence: dict[str, Any],
    reasons: Sequence[str],
    wape: Mapping[str, float],
    rival: Rival,
    data: DataFindings | None = None,
    manual: bool = False,
) -> Decision:
    """Judge a Precision challenger: first whether its chains converged, then accuracy after the cutoff.

    Args:
        gate: the declared limits.
        convergence: `max_rhat`, `min_ess_bulk`, `min_ess_tail`, `divergences`, `ebfmi` of the fit on all weeks.
        reasons: what did not converge, naming parameter and node.
        wape: of the challenger after the cutoff, a share, under `total`.
        rival: the champion's settings fitted to the same cutoff.
        data: what the checks found.
        manual: whether a person has the last word.
    """
    results = (
        _at_most("largest R-hat", convergence["max_rhat"], gate.max_rhat, because=_why(reasons, "R-hat")),
        _at_least("smallest bulk ESS", convergence["min_ess_bulk"], gate.min_ess, because=_why(reasons, "bulk ESS")),
        _at_least("smallest tail ESS", convergence["min_ess_tail"], gate.min_ess, because=_why(reasons, "tail ESS")),
        _at_most("divergences", convergence["divergences"], gate.max_divergences),
        _at_least("E-BFMI", convergence["ebfmi"], gate.min_ebfmi),
        *_compare(gate, wape, rival, first=TOTAL),
        *_found(data or DataFindings(), gate.max_drift),
    )
    return Decision(results, manual=manual)


def _compare(gate: HirefGate | PrecisionGate, wape: Mapping[str, float], rival: Rival, *, first: str) -> list[GateResult]:
    """WAPE at every level with a tolerance, the finest one first, and whether most of its series are worse."""
    tolerances = gate.max_wape_increase
    levels = [first, *(level for level in tolerances if level != first)]
    results = [_not_worse(level, wape, rival, tolerances[level]) for level in levels]
    if rival.wape is None:
        return results
    worse_by = tolerances[first] if gate.worse_by is None else gate.worse_by
    return [*results, judge_pairs(rival, worse_by, gate.alpha)]


def _found(data: DataFindings, max_drift: float | None) -> list[GateResult]:
    """What is told of the data, and judged where there is a limit."""
    results = []
    if data.drift:
        driver = max(data.drift, key=lambda name: data.drift[name])
        results.append(_told_or_at_most("largest drift of a driver", data.drift[driver], max_drift, f" ({driver})"))
    elif max_drift is not None:
        said = "drift was not measured: there is no champion's training data to measure it from"
        results.append(GateResult("largest drift of a driver", None, None, held=True, sentence=said))
    if data.warnings:
        said = f"checks of the data that warn: {data.warnings}, see their report"
        results.append(GateResult("warnings of the checks", float(data.warnings), None, held=True, sentence=said))
    return results


def _told_or_at_most(name: str, value: float, limit: float | None, about: str) -> GateResult:
    if limit is None:
        return GateResult(name, _finite(value), None, held=True, sentence=f"{name} is {value:.4g}{about}, told and not judged")
    return _at_most(name, value, limit, because=about)


def _why(reasons: Sequence[str], about: str) -> str:
    """The reason that names parameter and node, in brackets; empty where there is none."""
    return next((f" ({reason})" for reason in reasons if about in reason), "")


def _not_worse(level: str, wape: Mapping[str, float], rival: Rival, tolerance: float) -> GateResult:
    name = f"{level} WAPE"
    if level not in wape:
        said = f"{name} was not measured: the model has no such level"
        return GateResult(name, None, None, held=level not in (BOTTOM, TOTAL), sentence=said)
    value, theirs = wape[level], (rival.wape or {}).get(level, math.nan)
    said = f"{name} after the cutoff is {value:.4g}"
    if not math.isfinite(theirs):
        because = rival.why_not or "the champion's settings reach no number there"
        return GateResult(name, _finite(value), None, math.isfinite(value), f"{said}; {because}")
    limit = theirs + tolerance
    sentence = f"{said}; the champion's settings reach {theirs:.4g}, at most {limit:.4g} is allowed"
    return GateResult(name, _finite(value), limit, value <= limit, sentence)


def _at_most(name: str, value: float, limit: float, *, because: str = "") -> GateResult:
    held = value <= limit  # NaN compares false, so a missing number never passes
    return GateResult(
        name, _finite(value), limit, held, f"{name} is {value:.4g}, at most {limit:g} is allowed" + ("" if held else because)
    )


def _at_least(name: str, value: float, limit: float, *, because: str = "") -> GateResult:
    held = value >= limit
    return GateResult(
        name, _finite(value), limit, held, f"{name} is {value:.4g}, at least {limit:g} is wanted" + ("" if held else because)
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
