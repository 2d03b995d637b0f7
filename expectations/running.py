"""Run checks with Great Expectations in an ephemeral context, and read its answers back, one per check."""

import json
import logging
import threading
from typing import Any

import great_expectations as gx
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults, ProgressBarsConfig
from great_expectations.datasource.fluent.interfaces import Batch
from great_expectations.expectations.expectation import Expectation

from expectations.check import Check
from expectations.panel_view import SHOWN_KEYS, Finding, PanelView, several
from expectations.report import CheckResult, Status

# The library keeps its current project in a global: two runs at once would read each other's tables.
_ONE_AT_A_TIME = threading.Lock()


class SuiteMismatchError(RuntimeError):
    """Great Expectations answered another number of checks than it was asked."""


def run_checks(checks: list[Check], view: PanelView, *, name: str) -> tuple[list[CheckResult], dict[str, Any]]:
    """Run a suite over a frame.

    Args:
        checks: what to run; their labels are unique.
        view: the frame and its keys.
        name: of the suite, e.g. "sales structure".

    Returns:
        One result per check in the order of the checks, and the library's own result, ready for JSON.

    Raises:
        SuiteMismatchError: a check was not answered, e.g. because an expectation got lost on its way.
    """
    with _ONE_AT_A_TIME:
        answer = _validate(checks, view, name)
    by_label = {result.expectation_config.meta["label"]: result for result in answer.results}
    wanted = [check.label for check in checks]
    if not len(answer.results) == len(by_label) == len(wanted) or set(by_label) != set(wanted):
        lost = sorted(set(wanted) - set(by_label))
        raise SuiteMismatchError(
            f"{name}: {len(wanted)} checks were asked and {len(answer.results)} answered; missing: {lost}. "
            "A check that is not answered may not count as passed"
        )
    results = [_read(check, by_label[check.label], view) for check in checks]
    return results, json.loads(json.dumps(answer.to_json_dict(), default=str))


def not_run(checks: list[Check], why: str) -> list[CheckResult]:
    """Results of checks that could not be run."""
    return [_result(check, "not run", Finding(why)) for check in checks]


def _result(check: Check, status: Status, finding: Finding) -> CheckResult:
    return CheckResult(check.check, check.sentence, status, *finding, check.column, check.severity, check.number)


def first_rows(expectation: Expectation, view: PanelView) -> dict[str, Any]:
    """Ask once more about a stock expectation that failed, now for the first rows that break it.

    Returns:
        The library's result: "partial_unexpected_index_list" holds positions in the frame, where the expectation is
        about rows; "observed_value" what was measured, where it is about a number.
    """
    shown = {"result_format": "SUMMARY", "partial_unexpected_count": SHOWN_KEYS}
    with _ONE_AT_A_TIME:
        return dict(_batch(view).validate(expectation, result_format=shown).result)


def _validate(checks: list[Check], view: PanelView, name: str) -> ExpectationSuiteValidationResult:
    for check in checks:
        check.expectation.meta = {"label": check.label}
    batch = _batch(view)  # opens the library's project, which a suite is made in
    suite = gx.ExpectationSuite(name=name, expectations=[check.expectation for check in checks])
    # BASIC asks for counts only; the keys of offending rows come from our own index.
    return batch.validate(suite, result_format="BASIC")


def _batch(view: PanelView) -> Batch:
    context = gx.get_context(mode="ephemeral", project_config=_project())
    asset = context.data_sources.add_pandas("panel").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": view.frame})


def _project() -> DataContextConfig:
    """A project in memory that prints no progress and leaves no folder for Data Docs behind, which we do not use."""
    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    quiet = ProgressBarsConfig(globally=False, metric_calculations=False)
    return DataContextConfig(store_backend_defaults=stores, progress_bars=quiet)


def _read(check: Check, answer: ExpectationValidationResult, view: PanelView) -> CheckResult:
    raised = _exception(answer.exception_info or {})
    if raised is not None:
        logging.getLogger(__name__).warning("check %s broke: %s", check.label, raised)
        return _result(check, "broken", Finding(f"the check itself broke: {raised}"))
    return _result(check, "passed" if answer.success else "failed", _finding(check, answer, view))


def _finding(check: Check, answer: ExpectationValidationResult, view: PanelView) -> Finding:
    details = answer.result.get("details") or {}
    if "found" in details:
        return Finding(details["found"], int(answer.result["observed_value"]), tuple(details["keys"]))
    return Finding("holds") if answer.success else _explained(check, answer.result.get("unexpected_count") or 0, view)


def _explained(check: Check, count: int, view: PanelView) -> Finding:
    """The rows that break a stock expectation; it stays broken by the data where they cannot be named."""
    told = Finding(f"{several(count, 'row')} break it", count)
    try:
        return check.explain(view) if check.explain else told
    except Exception as error:
        logging.getLogger(__name__).warning("the rows that break %s could not be named: %s", check.label, error)
        return told


def _exception(info: dict[str, Any]) -> str | None:
    """The message of an exception inside an expectation or inside one of its metrics; None where there was none."""
    if "raised_exception" in info:
        return str(info["exception_message"]) if info["raised_exception"] else None
    raised = [part for part in info.values() if isinstance(part, dict) and part.get("raised_exception")]
    return str(raised[0]["exception_message"]) if raised else None
