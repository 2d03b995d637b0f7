import pytest

from expectations import running
from expectations.check import Check, place
from expectations.panel_expectation import PanelExpectation
from expectations.panel_view import Finding, PanelView
from expectations.running import SuiteMismatchError, run_checks
from expectations.sales_panel import content_checks


class ExpectToBreak(PanelExpectation):
    def find(self, view: PanelView) -> Finding:
        raise ZeroDivisionError(f"{len(view.frame)} divided by nobody")


def test_a_check_that_breaks_is_told_apart_from_data_that_are_bad(sales, sales_panel):
    checks = content_checks(sales_panel)
    broken = Check("odd", "something holds", ExpectToBreak(**place(sales_panel)))
    results, _ = run_checks([*checks, broken], PanelView.of(sales, sales_panel), name="sales")
    assert results[-1].status == "broken"
    assert "divided by nobody" in results[-1].found
    assert {result.status for result in results[:-1]} == {"passed"}


def test_an_exception_inside_a_stock_expectation_counts_as_broken(sales, sales_panel):
    checks = content_checks(sales_panel)
    results, _ = run_checks(checks[:1], PanelView.of(sales.drop(columns="units"), sales_panel), name="sales")
    assert [result.status for result in results] == ["broken"]


def test_a_lost_check_may_not_pass(sales, sales_panel, monkeypatch):
    whole = running._validate

    def lose_one(checks, view, name):
        return whole(checks[:-1], view, name)

    monkeypatch.setattr(running, "_validate", lose_one)
    with pytest.raises(SuiteMismatchError, match=r"missing: .*lags"):
        run_checks(content_checks(sales_panel), PanelView.of(sales, sales_panel), name="sales")


def test_two_checks_with_one_name_may_not_pass_as_one(sales, sales_panel):
    checks = content_checks(sales_panel)
    with pytest.raises(SuiteMismatchError):
        run_checks([checks[0], checks[0]], PanelView.of(sales, sales_panel), name="sales")
