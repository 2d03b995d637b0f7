import re

import pytest

from expectations.report import CheckResult, Report
from expectations.validation import validate


def result(status: str, **fields) -> CheckResult:
    given = {"check": "bounds", "sentence": "x is small", "found": "it is not", "count": 0, "keys": (), "column": "x"}
    return CheckResult(status=status, **given | fields)


@pytest.mark.parametrize(
    ("statuses", "passed"),
    [(["passed"], True), (["passed", "failed"], False), (["broken"], False), ([], False), (["passed", "not run"], False)],
)
def test_only_a_report_without_failures_passes(statuses, passed):
    assert Report("sales", 3, tuple(result(status) for status in statuses), {}).passed is passed


def test_the_message_lists_every_failure_with_its_keys():
    failures = (result("failed", keys=("week=1", "week=2"), count=9), result("broken", check="lags", column=None, found="oh"))
    message = Report("sales", 1234, (*failures, result("passed")), {}).message()
    assert message.splitlines() == [
        "sales: 2 of 3 checks do not hold (1,234 rows)",
        "- bounds (x): expected that x is small; it is not",
        "    week=1",
        "    week=2",
        "    ... 9 in all",
        "- lags: could not check that x is small; oh",
    ]


def test_the_page_stands_alone_and_escapes_what_comes_from_data(sales, sales_panel):
    sales.loc[sales["brand"] == "Alba", "brand"] = "<script>alert('x')</script>"
    sales.loc[3, "units"] = -7.0
    report = validate(sales, sales_panel, name="sales <b>")
    page = report.to_html()
    assert not re.search(r"https?://|//[a-z]|url\(|@import|<link|<script|<img|src=", page)
    assert "brand=&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;, week=2024-01-22" in page
    assert "sales &lt;b&gt;" in page
    assert "1 check does not hold" in page


def test_the_page_shows_every_check(sales, sales_panel):
    report = validate(sales, sales_panel, name="sales")
    page = report.to_html()
    assert page.count("<tr><td>") == len(report.results)
    assert f"All {len(report.results)} checks hold" in page
