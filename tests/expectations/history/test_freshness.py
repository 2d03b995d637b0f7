from datetime import date

import numpy as np
import pytest

from expectations.history.suite import age_checks
from expectations.panel_view import PanelView
from expectations.validation import validate
from hierforecast.check_options import Checks
from tests.support.findings import broken

LAST = date(2025, 2, 17)  # of the sales with a known target


def judged(sales, panel, today, max_age=None) -> dict:
    declared = panel.model_copy(update={"checks": Checks(max_age=max_age)})
    found = broken(age_checks(declared, today), sales, declared)
    assert {result.severity for result in found.values()} <= {"stop"}
    return found


@pytest.mark.parametrize(
    ("today", "max_age", "names"),
    [
        (None, 1, set()),
        (date(2035, 1, 1), None, set()),
        (date(2025, 2, 24), 1, set()),
        (date(2025, 3, 2), 1, set()),
        (date(2025, 3, 3), 1, {"freshness"}),
        (date(2025, 2, 17), 0, set()),
        (date(2025, 2, 16), 0, set()),  # a week that is dated by its end
        (date(2025, 2, 9), None, {"future"}),
    ],
)
def test_age_is_counted_in_periods_from_the_last_known_target(sales, sales_panel, today, max_age, names):
    assert set(judged(sales, sales_panel, today, max_age)) == names


def test_the_sentences_name_the_days(sales, sales_panel):
    old = judged(sales, sales_panel, date(2025, 4, 1), 2)["freshness"]
    assert "is of 2025-02-17, 6 weeks before 2025-04-01. At most 2 are allowed" in old.found
    ahead = judged(sales, sales_panel, date(2025, 2, 2))["future"]
    assert ahead.count == 8
    assert ahead.keys[0] == "region=North, brand=Alba, week=2025-02-10"
    report = validate(sales, sales_panel, name="x", today=date(2025, 4, 1))
    assert report.passed
    assert any("checks.max_age is not set" in result.found for result in report.results)


@pytest.mark.parametrize(
    ("today", "max_age", "why"),
    [
        (date(2025, 4, 1), None, "checks.max_age is not set"),
        (None, 2, "nobody said which day today is"),
        (date(2025, 4, 1), 2, "no known target"),
    ],
)
def test_why_age_is_not_judged(sales, sales_panel, today, max_age, why):
    declared = sales_panel.model_copy(update={"checks": Checks(max_age=max_age)})
    (fresh,) = (check for check in age_checks(declared, today) if check.check == "freshness")
    assert fresh.expectation.find(PanelView.of(sales.assign(units=np.nan), declared)).found == f"{why}: not judged"
