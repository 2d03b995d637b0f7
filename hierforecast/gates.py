"""What a challenger must hold before it becomes champion: plain numbers against declared limits, each with a sentence."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from hierforecast.options import HirefGate, PrecisionGate


@dataclass(frozen=True)
class GateResult:
    """One gate: its name, what was measured, the limit, whether it held, and a sentence for people.

    `value` and `limit` are None where there was nothing to measure (no champion yet).
    """

    gate: str
    value: float | None
    limit: float | None
    held: bool
    sentence: str


class Rival(NamedTuple):
    """What the champion's settings reach on the same weeks: WAPE, a share; or None, and why there is nothing to compare."""

    wape: float | None
    why_not: str = ""


@dataclass(frozen=True)
class Decision:
    """Whether a challenger is promoted, and the gates that say so."""

    results: tuple[GateResult, ...]

    @property
    def promoted(self) -> bool:
        """All gates held."""
        return all(result.held for result in self.results)

    @property
    def verdict(self) -> str:
        """ "promoted" or "kept" (the champion stays), as written on the version."""
        return "promoted" if self.promoted else "kept"

    @property
    def summary(self) -> str:
        """One line: the verdict, and the gates that did not hold."""
        broken = [result.sentence for result in self.results if not result.held]
        return "promoted: every gate held" if not broken else "kept out: " + "; ".join(broken)

    def to_json(self) -> str:
        """The gates as a JSON list of objects with the fields of `GateResult`."""
        return json.dumps([asdict(result) for result in self.results], allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Decision":
        """The inverse of `to_json`."""
        return cls(tuple(GateResult(**fields) for fields in json.loads(text)))


def decide_hiref(gate: HirefGate, *, wape: float, bias: float, wrong_signs: float, rival: Rival) -> Decision:
    """Judge a HiReF challenger on the weeks after the cutoff.

    Args:
        gate: the declared limits.
        wape: bottom-level WAPE of the challenger after the cutoff, a share.
        bias: relative bias of its total after the cutoff, a share.
        wrong_signs: share of total effects whose sign is not the declared one.
        rival: the champion's settings fitted to the same cutoff.
    """
    return Decision(
        (
            _not_worse("bottom WAPE", wape, rival, gate.max_wape_increase),
            _at_most("absolute bias of the total", abs(bias), gate.max_bias),
            _at_most("share of wrong signs", wrong_signs, 0.0),
        )
    )


def decide_precision(
    gate: PrecisionGate, *, convergence: dict[str, Any], reasons: Sequence[str], wape: float, rival: Rival
) -> Decision:
    """Judge a Precision challenger: first whether its chains converged, then accuracy after the cutoff.

    Args:
        gate: the declared limits.
        convergence: `max_rhat`, `min_ess_bulk`, `min_ess_tail`, `divergences`, `ebfmi` of the fit on all weeks.
        reasons: what did not converge, naming parameter and node.
        wape: WAPE of the challenger after the cutoff, a share.
        rival: the champion's settings fitted to the same cutoff.
    """
    return Decision(
        (
            _at_most("largest R-hat", convergence["max_rhat"], gate.max_rhat, because=_why(reasons, "R-hat")),
            _at_least("smallest bulk ESS", convergence["min_ess_bulk"], gate.min_ess, because=_why(reasons, "bulk ESS")),
            _at_least("smallest tail ESS", convergence["min_ess_tail"], gate.min_ess, because=_why(reasons, "tail ESS")),
            _at_most("divergences", convergence["divergences"], gate.max_divergences),
            _at_least("E-BFMI", convergence["ebfmi"], gate.min_ebfmi),
            _not_worse("WAPE", wape, rival, gate.max_wape_increase),
        )
    )


def _why(reasons: Sequence[str], about: str) -> str:
    """The reason that names parameter and node, in brackets; empty where there is none."""
    return next((f" ({reason})" for reason in reasons if about in reason), "")


def _not_worse(name: str, value: float, rival: Rival, tolerance: float) -> GateResult:
    said = f"{name} after the cutoff is {value:.4g}"
    if rival.wape is None or not math.isfinite(rival.wape):
        because = rival.why_not or "the champion's settings reach no number there"
        return GateResult(name, _finite(value), None, math.isfinite(value), f"{said}; {because}")
    limit = rival.wape + tolerance
    sentence = f"{said}; the champion's settings reach {rival.wape:.4g}, at most {limit:.4g} is allowed"
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
