import pytest
import yaml

from hierforecast.settings import parse_company, read_company
from tasks.registry.settings_text import as_yaml


@pytest.fixture
def demo(root):
    return read_company(root / "deployments/demo.yaml")


def test_settings_read_back_are_the_same(demo):
    assert parse_company(yaml.safe_load(as_yaml(demo))) == demo


def test_options_of_every_kind_come_back(demo):
    raw = demo.model_dump(mode="json")
    raw["training"] |= {"ridge": {"bottom": 3.0, "region": {"price": 2.0, "default": 1.0}}, "embedding_size": "full"}
    raw["sales"] |= {"target_lags": [1, 2], "holidays": {"country": "US"}}
    raw["sales"]["drivers"][0]["name"] = "Preis: netto, # in €"
    company = parse_company(raw)
    assert parse_company(yaml.safe_load(as_yaml(company))) == company


def test_it_reads_as_a_person_would_write_it(demo):
    lines = as_yaml(demo).splitlines()
    assert lines[0] == "company: demo"
    drivers = [line.strip() for line in lines if line.strip().startswith("- {name: ")]
    assert len(drivers) == len(demo.sales.drivers)  # a line each
    assert "  levels: [region, state, segment, brand, pack]" in lines
    assert "availability_lag: 0" not in as_yaml(demo)  # what is usual is not said
