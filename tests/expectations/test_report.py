import re

import pytest

from expectations.report import CheckResult, Report, cure
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


def test_warnings_do_not_stop_and_are_counted_apart():
    report = Report("sales", 3, (result("passed"), result("failed", severity="warn"), result("broken", severity="warn")), {})
    assert report.passed
    assert report.counts == {"passed": 1, "warned": 2, "failed": 0, "waiting": 0}
    assert report.verdict == "sales: 1 of 3 checks hold, 2 warnings (3 rows)"


def test_the_message_lists_what_stops_and_then_what_warns_each_with_its_keys():
    stops = (result("failed", keys=("week=1", "week=2"), count=9), result("broken", check="lags", column=None, found="oh"))
    warns = result("failed", check="drift", keys=("week=3",), count=1, severity="warn")
    message = Report("sales", 1234, (warns, *stops, result("passed")), {}).message()
    assert message.splitlines() == [
        "sales: 1 of 4 checks does not hold, 1 broke and could not judge the data, 1 warning (1,234 rows)",
        "- bounds (x): expected that x is small; it is not",
        "    week=1",
        "    week=2",
        "    ... 9 in all",
        "- lags: could not check that x is small; oh",
        "1 warning:",
        "- drift (x): expected that x is small; it is not",
        "    week=3",
        "lags broke: this is a fault of the check, not of your data; report it, or set its severity to warn "
        "(checks.severity: {lags: warn})",
    ]


def test_bad_data_and_a_broken_check_are_said_plainly():
    bad, broken = Report("sales", 3, (result("failed"),), {}), Report("sales", 3, (result("broken"),), {})
    assert bad.verdict == "sales: 1 of 1 checks does not hold (3 rows)"
    assert "fault of the check" not in bad.message() + bad.to_html()
    assert broken.verdict == "sales: 1 of 1 checks broke and could not judge the data (3 rows)"
    assert "fault of the check, not of your data" in broken.message()
    assert "fault of the check, not of your data" in broken.to_html()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"check": "unique_keys"}, "report it"),
        ({"check": "own", "number": 2}, "correct it in checks.own, or give it severity: warn"),
        ({"check": "own", "number": 2, "severity": "warn"}, "correct it in checks.own"),
        ({"check": "lags", "severity": "warn"}, "report it"),
    ],
)
def test_only_what_can_be_softened_is_said_to_be(fields, words):
    assert cure(result("broken", **fields)).endswith(f"; {words}")


def test_the_page_tells_what_stops_what_warns_and_what_broke_apart():
    results = [
        result("failed", check="bounds", found="stopping words"),
        result("broken", check="leakage", found="broken words"),
        result("failed", check="drift", found="warning words", severity="warn"),
        result("broken", check="own", number=1, found="softly broken words", severity="warn"),
    ]
    page = Report("sales", 3, tuple(results), {}).to_html()
    stops, worth = page.split("<h2>What stops the run</h2>")[1].split("<h2>Worth a look</h2>")
    worth = worth.split("<h2>Every check</h2>")[0]
    assert "Stopping words" in stops
    assert "Broken words" in stops
    assert '<span class="pill broken">could not check</span>Leakage' in stops
    assert "Warning words" in worth
    assert '<span class="pill warned">warning</span>Drift' in worth
    assert '<span class="pill warned broken">could not check</span>Own check 1' in worth
    assert "2 warnings are worth a look" in page


def test_a_page_of_a_panel_that_only_warns_lets_it_pass():
    page = Report("sales", 3, (result("failed", severity="warn"),), {}).to_html()
    assert "No check stops the run: training may start. 1 warning is worth a look." in page
    assert "What stops the run" not in page


def test_severities_counts_and_verdict_are_in_the_json():
    told = Report("sales", 3, (result("failed", severity="warn"), result("passed")), {}).to_json()
    assert [each["severity"] for each in told["results"]] == ["warn", "stop"]
    assert told["counts"] == {"passed": 1, "warned": 1, "failed": 0, "waiting": 0}
    assert told["verdict"] == "sales: 1 of 2 checks hold, 1 warning (3 rows)"


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
