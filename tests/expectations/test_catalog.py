"""The catalog of checks, the suites and the guide name the same checks with the same severities."""

import re

import pytest

from expectations.check import Check
from expectations.validation import content_checks, structure_checks
from hierforecast.check_catalog import BUILT_IN
from hierforecast.schema import SalesPanel


@pytest.fixture
def suites(sales_panel, media_panel) -> list[Check]:
    """Every check of both kinds of panel."""
    nested = SalesPanel.model_validate(sales_panel.model_dump() | {"checks": {"nested": [["region", "brand"]], "max_age": 2}})
    return [check for panel in (nested, media_panel) for check in [*structure_checks(panel), *content_checks(panel)]]


def test_the_catalog_holds_every_check_and_no_other(suites):
    assert {check.check for check in suites} == set(BUILT_IN)


def test_the_guide_lists_every_check_with_its_severity(suites, root):
    table = (root / "docs/guide.md").read_text().split("| check | severity |")[1].split("\n\n")[0]
    shown = {}
    for row in table.splitlines()[2:]:
        names, severity = row.split("|")[1:3]
        shown |= dict.fromkeys(re.findall(r"`(\w+)`", names), severity.strip())
    severities = {check.check: check.severity for check in suites}
    assert shown == {name: f"{severities[name]}{', always' if known.needed else ''}" for name, known in BUILT_IN.items()}
