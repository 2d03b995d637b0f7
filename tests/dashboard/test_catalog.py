"""Finding versions, and telling whether anything changed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dashboard.catalog import Catalog, Version
from dashboard.components.decision import decision_text, waiting_notes

WHEN = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def catalog():
    third = Version("demo", "hiref", 3, "r3", WHEN, ("challenger",), {"decision": "kept"})
    second = Version("demo", "hiref", 2, "r2", WHEN, ("champion",), {"decision": "promoted"})
    return Catalog((third, second, Version("demo", "precision", 1, "p1", WHEN), Version("acme", "hiref", 1, "a1", WHEN)))


def test_companies_are_sorted(catalog):
    assert catalog.companies == ["acme", "demo"]


@pytest.mark.parametrize(("alias", "number"), [(None, 2), ("champion", 2), ("challenger", 3), ("unheard-of", 2)])
def test_the_shown_version_is_the_alias_asked_for_else_the_champion(catalog, alias, number):
    assert catalog.shown("demo", "hiref", alias).number == number


def test_without_aliases_the_newest_is_shown(catalog):
    assert catalog.shown("acme", "hiref").number == 1
    assert catalog.shown("acme", "precision") is None


def test_the_stamp_changes_with_an_alias_and_with_nothing_else(catalog):
    same = Catalog(tuple(replace(version) for version in catalog.versions))
    moved = Catalog((replace(catalog.versions[0], aliases=("champion",)), *catalog.versions[1:]))
    assert same.stamp == catalog.stamp
    assert moved.stamp != catalog.stamp


def test_foreign_tags_do_not_break_a_version():
    version = Version(
        "demo", "hiref", 1, "r", WHEN, (), {"levels": "not json", "decision_reasons": '{"a": 1}', "target": "units"}
    )
    assert version.levels == []
    assert version.reasons == []
    assert version.unit == "units"


def test_sums_over_time_lose_the_per_period_of_the_unit():
    assert Version("demo", "hiref", 1, "r", WHEN, (), {"unit": "units / week"}).total_unit == "units"


def test_versions_that_wait_are_found_and_told_with_their_command():
    waits = Version("demo", "hiref", 4, "r4", WHEN, ("challenger",), {"decision": "waiting"})
    refused = Version(
        "demo", "hiref", 3, "r3", WHEN, (), {"decision": "refused", "refused_by": "anna", "refused_because": "late"}
    )
    catalog = Catalog((waits, refused))
    assert catalog.waiting == [waits]
    assert decision_text(waits) == "waits for approval"
    assert decision_text(refused) == "refused by anna: late"
    (note,) = waiting_notes([waits, refused])
    assert "demo: HiReF sales forecast, version 4 waits for approval" in str(note)
    assert "python -m flows.approve --settings YOUR.yaml --family hiref --version 4" in str(note)
