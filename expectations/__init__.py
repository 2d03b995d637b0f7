"""JUDGING: what a panel must hold before anything is trained on it.

    from expectations.validation import validate
    report = validate(frame, company.sales, name="sales")
    report.passed, report.message(), report.to_json(), report.to_html()

- Suites are Great Expectations suites, built in code from the schema (`from_schema`), with what only people know about
  sales and media added (`sales_panel`, `media_panel`), with `leakage/`, with `history/`, and with a company's own
  (`own_checks`). There is no suite file that could fall out of step.
- Two phases. Structure (columns, types, keys) is judged on the table as it came; content (bounds, calendar, leakage,
  lags) on a typed copy, and only when the structure holds.
- Every broken check names the keys of the rows that break it, found by our own index logic: Great Expectations is asked
  for verdicts and counts only, which keeps a million rows cheap.
- Importing this package is instant; Great Expectations (about ten seconds) is imported by the modules that need it.
"""
