"""What a plan may spend: bounds on nodes of any level, for the window or every week, as rows over the search's variables.

    lower <= sum of the node's spend <= upper

A plan's spend is linear in its variables, spend[i, t] = variable[i, t] * per[i, t], so every bound is a row of a matrix.
Tacticals that are kept as they are enter as constants.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from hierforecast.errors import SettingsError
from hierforecast.precision.hierarchy import Hierarchy
from hierforecast.precision.nodes import tacticals_under

CLOSE = 1e-7  # share of a row's size within which it counts as kept, or as binding


@dataclass(frozen=True)
class Bound:
    """What a node may spend.

    Args:
        node: a node of any level, or "total".
        lower: least spend, >= 0.
        upper: most spend.
        unit: "currency", or "times" the node's current spend.
        per: in the whole "window" or in every "week" of it; "times" then means the week's own current spend.
        level: the node's level, where several levels share its name.
    """

    node: str
    lower: float = 0.0
    upper: float = float("inf")
    unit: Literal["currency", "times"] = "currency"
    per: Literal["window", "week"] = "window"
    level: str | None = None


class Rows(NamedTuple):
    """Linear rows over the variables, and bounds of single variables; all in currency."""

    names: tuple[str, ...]  # (rows,)
    matrix: np.ndarray  # (rows, variables)
    kept: np.ndarray  # (rows,) currency that tacticals which are kept as they are spend in the row
    lower: np.ndarray  # (rows,) of the whole row
    upper: np.ndarray  # (rows,)

    def spend(self, variables: np.ndarray) -> np.ndarray:
        """(rows,) currency."""
        return self.matrix @ variables + self.kept

    def kept_by(self, variables: np.ndarray) -> bool:
        """Whether no row is broken."""
        spend, room = self.spend(variables), CLOSE * self.size
        return bool(((spend >= self.lower - room) & (spend <= self.upper + room)).all())

    @property
    def size(self) -> np.ndarray:
        """(rows,) currency, what a row's numbers are of the order of."""
        size = np.abs(self.matrix).sum(axis=1) + self.kept
        return np.where(size > 0, size, 1.0)


def spend_rows(
    bounds: Sequence[Bound],
    each: tuple[float, float],
    hierarchy: Hierarchy,
    spend: np.ndarray,
    per: np.ndarray,
    free: np.ndarray,
    by_week: bool,
) -> Rows:
    """Rows of all bounds.

    Args:
        bounds: what the nodes may spend.
        each: least and most spend of every tactical in the window, in multiples of its current spend; a bound on the
            tactical for the window replaces it.
        hierarchy: the media tree.
        spend: (tacticals, window) current spend.
        per: (free tacticals, window) spend per unit of the variable.
        free: (tacticals,) bool, those that the search may change.
        by_week: whether every tactical has a variable per week, or one for all.

    Raises:
        SettingsError: unknown node, or limits that are no numbers, negative or the wrong way round.
    """
    masks = [tacticals_under(hierarchy, bound.node, bound.level) for bound in bounds]
    own = {int(np.argmax(mask)) for bound, mask in zip(bounds, masks, strict=True) if mask.sum() == 1 and bound.per == "window"}
    rest = [place for place in np.flatnonzero(free & (spend.sum(axis=1) > 0)) if place not in own]
    leaves = [Bound(hierarchy.tacticals[place], *each, unit="times", level=hierarchy.levels[0]) for place in rest]
    masks += [np.arange(hierarchy.num_tacticals) == place for place in rest]
    pieces = [
        row for bound, mask in zip([*bounds, *leaves], masks, strict=True) for row in _rows_of(_checked(bound), mask, spend)
    ]
    names, lower, upper, cells = zip(*pieces, strict=True) if pieces else ((), (), (), ())
    matrix = [_over_variables(cell[free] * per, by_week) for cell in cells]
    kept = [float((spend * cell)[~free].sum()) for cell in cells]
    width = per.size if by_week else len(per)
    return Rows(names, np.array(matrix).reshape(len(names), width), np.array(kept), np.array(lower), np.array(upper))


def total_row(rows: Rows, spend: np.ndarray, per: np.ndarray, free: np.ndarray, by_week: bool, budget: float) -> Rows:
    """The same rows and one more: all spend together is the budget. Raises SettingsError for a budget that is not > 0."""
    if not np.isfinite(budget) or budget <= 0:
        raise SettingsError(f"budget must be a currency amount > 0, got {budget:g}; leave it out to let returns decide")
    return Rows(
        (*rows.names, "budget"),
        np.vstack([rows.matrix, _over_variables(per, by_week)]),
        np.append(rows.kept, spend[~free].sum()),
        np.append(rows.lower, budget),
        np.append(rows.upper, budget),
    )


def _rows_of(bound: Bound, mask: np.ndarray, spend: np.ndarray) -> list[tuple[str, float, float, np.ndarray]]:
    """Name, lower and upper in currency, and the (tacticals, window) cells of 0 and 1 that count."""
    if bound.per == "window":
        chosen = [(bound.node, np.ones(spend.shape[1]))]
    else:
        chosen = [(f"{bound.node}, week {week + 1}", row) for week, row in enumerate(np.eye(spend.shape[1]))]
    found = []
    for name, weeks in chosen:
        cells = mask[:, None] * weeks
        size = float((spend * cells).sum()) if bound.unit == "times" else 1.0
        upper = bound.upper * size if np.isfinite(bound.upper) else np.inf
        found.append((name, bound.lower * size, upper, cells))
    return found


def _checked(bound: Bound) -> Bound:
    if bound.unit not in ("currency", "times") or bound.per not in ("window", "week"):
        raise SettingsError(
            f'the bound on {bound.node!r} needs unit "currency" or "times" and per "window" or "week"; '
            f"got {bound.unit!r} and {bound.per!r}"
        )
    if not (np.isfinite(bound.lower) and bound.lower >= 0 and not np.isnan(bound.upper)):
        raise SettingsError(f"the bound on {bound.node!r} must be numbers >= 0, got {bound.lower:g} .. {bound.upper:g}")
    if bound.lower > bound.upper:
        raise SettingsError(
            f"the bound on {bound.node!r} contradicts itself: lower {bound.lower:g} is above upper {bound.upper:g}; swap them"
        )
    return bound


def _over_variables(cells: np.ndarray, by_week: bool) -> np.ndarray:
    """(free tacticals, window) coefficients as a row over the variables."""
    return cells.ravel() if by_week else cells.sum(axis=1)
