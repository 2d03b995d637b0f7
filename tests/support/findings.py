"""What checks find, asked without Great Expectations around them: many panels are judged in a moment."""

from typing import NamedTuple

import pandas as pd

from expectations.check import Check
from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import PanelView
from hierforecast.schema import MediaPanel, SalesPanel


class Broken(NamedTuple):
    """A check that does not hold."""

    severity: str
    found: str
    count: int
    keys: tuple[str, ...]


def broken(checks: list[Check], frame: pd.DataFrame, panel: SalesPanel | MediaPanel) -> dict[str, Broken]:
    """Of our own expectations those that a typed panel breaks, by check id."""
    view = PanelView.of(frame, panel)
    found = {}
    for check in checks:
        if isinstance(check.expectation, PanelExpectation):
            finding = check.expectation.find(view)
            if finding.count:
                found[check.check] = Broken(check.severity, finding.found, finding.count, finding.keys)
    return found
