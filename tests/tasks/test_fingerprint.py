import pytest
import yaml

from hierforecast.settings import parse_company
from tasks.fingerprint import fingerprint, source_digest
from tasks.panels import PanelReference

PANEL = PanelReference(family="sales", path="a.parquet", digest="d" * 64, rows=1)


@pytest.fixture
def raw(root) -> dict:
    return yaml.safe_load((root / "deployments/demo.yaml").read_text())


def test_where_a_panel_lies_does_not_matter_but_its_content_does(raw):
    company = parse_company(raw)
    one = fingerprint(company, PANEL, "hiref")
    assert one == fingerprint(company, PANEL.model_copy(update={"path": "elsewhere.parquet"}), "hiref")
    assert one != fingerprint(company, PANEL.model_copy(update={"digest": "e" * 64}), "hiref")


def test_only_the_familys_own_settings_matter(raw):
    before = {family: fingerprint(parse_company(raw), PANEL, family) for family in ("hiref", "precision")}
    raw["sampling"]["seed"] = 8
    after = {family: fingerprint(parse_company(raw), PANEL, family) for family in ("hiref", "precision")}
    assert before["hiref"] == after["hiref"]
    assert before["precision"] != after["precision"]


def test_gates_judge_a_model_but_do_not_make_it(raw):
    before = fingerprint(parse_company(raw), PANEL, "hiref")
    raw["gates"]["hiref"]["max_wape_increase"] = 0.5
    assert fingerprint(parse_company(raw), PANEL, "hiref") == before


def test_each_family_has_its_own_source():
    assert source_digest("hiref") != source_digest("precision")
