"""The front door: judge a panel as it was read, before anything is trained on it."""

from datetime import date

import pandas as pd

from expectations import media_panel, sales_panel
from expectations.check import Check, with_severities
from expectations.columns import read_dates, read_numbers
from expectations.from_schema import number_columns, structure_checks
from expectations.history.drift import drift_by_driver
from expectations.history.profile import Profile, profile_of
from expectations.own_checks import own_checks
from expectations.panel_view import PanelView
from expectations.report import Report
from expectations.running import not_run, run_checks
from hierforecast.schema import MediaPanel, SalesPanel


def validate(
    frame: pd.DataFrame,
    panel: SalesPanel | MediaPanel,
    *,
    name: str,
    earlier: Profile | None = None,
    today: date | None = None,
) -> Report:
    """Check a panel against what was declared about it.

    Structure first (columns, types, keys); content (bounds, calendar, leakage, lags) only where the structure holds.
    The frame is left as it is.

    Args:
        frame: the table as read from Parquet or CSV; columns may be missing or of the wrong type.
        panel: the declaration.
        name: of the panel in messages and in the report, e.g. "sales".
        earlier: the profile of the panel that the champion was trained on; None where there is none to compare with.
        today: the day that the age of the data is counted from; None where it is not judged.

    Returns:
        The report; `report.passed` says whether training may start.

    Raises:
        SettingsError: a check of the company's own has an argument that Great Expectations does not take.
        SuiteMismatchError: Great Expectations lost a check, so that nothing may be concluded.
    """
    frame = _with_dates(frame.reset_index(drop=True), panel)
    content = content_checks(panel, earlier=earlier, today=today)
    structure = structure_checks(panel)
    ready = [check for check in structure if set(check.needs) <= set(frame.columns)]
    results, evidence = run_checks(ready, PanelView.of(frame, panel), name=f"{name} structure")
    results += not_run([check for check in structure if check not in ready], "a column it needs is missing")
    evidence, profile, drift = {"structure": evidence, "content": None}, None, {}
    if any(result.status != "passed" and result.severity == "stop" for result in results):
        results += not_run(content, "waits until the columns, types and keys hold")
    else:
        view = PanelView.of(_typed(frame, panel), panel)
        more, evidence["content"] = run_checks(content, view, name=f"{name} content")
        results += more
        if view.last_known(panel.target.name) is not None:
            profile, drift = profile_of(view, panel), drift_by_driver(view, panel, earlier)
    return Report(name, len(frame), tuple(results), evidence, profile, drift)


def content_checks(panel: SalesPanel | MediaPanel, *, earlier: Profile | None = None, today: date | None = None) -> list[Check]:
    """The content suite of either kind of panel, under the severities that its settings declare, with checks of its own."""
    suite = sales_panel if isinstance(panel, SalesPanel) else media_panel
    checks = suite.content_checks(panel, earlier=earlier, today=today)
    return [*with_severities(checks, panel.checks.severity), *own_checks(panel)]


def _with_dates(frame: pd.DataFrame, panel: SalesPanel | MediaPanel) -> pd.DataFrame:
    """Text dates become dates where all of them can be read, so that keys compare as dates; else they stay as they came."""
    if panel.period not in frame.columns:
        return frame
    dates = read_dates(frame[panel.period])
    return frame if dates.isna().any() else frame.assign(**{panel.period: dates})


def _typed(frame: pd.DataFrame, panel: SalesPanel | MediaPanel) -> pd.DataFrame:
    """The declared columns only, numbers as float."""
    return frame[panel.columns].assign(**{name: read_numbers(frame[name]) for name in number_columns(panel)})
