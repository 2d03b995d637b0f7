"""The reader against a real MLflow registry."""

import pandas as pd
import pytest

from dashboard.registry import NOTHING_YET, Registry
from hierforecast.errors import RegistryError
from hierforecast.results import DECAY, FORECASTS, SCORES


@pytest.fixture(scope="module")
def registry(shared_demo):
    return Registry(shared_demo.home.tracking_uri)


def test_the_catalog_has_every_version_with_its_aliases(registry):
    catalog = registry.catalog()
    found = {(v.company, v.family, v.number): v.aliases for v in catalog.versions}
    assert found == {
        ("demo", "hiref", 1): (),
        ("demo", "hiref", 2): ("champion",),
        ("demo", "hiref", 3): ("challenger",),
        ("demo", "precision", 1): ("champion",),
        ("north", "hiref", 1): ("challenger",),
    }


def test_a_decision_comes_with_its_reasons(registry):
    version = registry.catalog().behind("demo", "hiref", "challenger")
    assert version.tags["decision"] == "kept"
    assert [reason.held for reason in version.reasons] == [True, False]
    assert "above the limit" in version.reasons[1].sentence


def test_a_table_comes_back_as_written(registry, tables_of):
    table = registry.table(registry.catalog().behind("demo", "hiref", "champion"), FORECASTS)
    written = tables_of("hiref", 1)["forecasts"]
    assert isinstance(table["brand"].dtype, pd.CategoricalDtype)
    texts = dict.fromkeys(("region", "brand", "pack", "part"), "str")
    pd.testing.assert_frame_equal(table.astype(texts), written.astype(texts), check_dtype=False)


def test_columns_can_be_chosen(registry):
    version = registry.catalog().behind("demo", "hiref", "champion")
    assert list(registry.table(version, FORECASTS, ["period", "actual"])) == ["period", "actual"]


def test_a_table_is_read_once(registry):
    version = registry.catalog().behind("demo", "hiref", "champion")
    assert registry.table(version, SCORES) is registry.table(version, SCORES)


def test_a_missing_table_names_version_and_cure(registry):
    with pytest.raises(RegistryError, match=r"demo-hiref version 2 carries no readable 'tables/decay.parquet'.*train it again"):
        registry.table(registry.catalog().behind("demo", "hiref", "champion"), DECAY)


def test_settings_metrics_and_report_are_read(registry):
    version = registry.catalog().behind("demo", "precision", "champion")
    assert registry.settings(version).media.levels == ["tactical", "platform", "channel"]
    assert registry.metrics(version)["wape.total"] == pytest.approx(0.07)
    assert "All data checks passed" in registry.report(version)


def test_an_absent_database_is_not_made(tmp_path):
    database = tmp_path / "mlflow.db"
    assert Registry(f"sqlite:///{database}").catalog().problem == NOTHING_YET
    assert not database.exists()


def test_a_file_that_mlflow_has_not_set_up_is_left_alone(tmp_path):
    database = tmp_path / "mlflow.db"
    database.write_bytes(b"")
    assert Registry(f"sqlite:///{database}").catalog().versions == ()
    assert database.read_bytes() == b""


def test_models_of_others_are_left_out(demo):
    demo.client.create_registered_model("somebody-else")
    demo.client.create_model_version("somebody-else", source="file:///nowhere")
    assert Registry(demo.home.tracking_uri).catalog().companies == ["demo", "north"]


def test_moving_an_alias_shows_in_the_next_catalog(demo):
    assert Registry(demo.home.tracking_uri).catalog().behind("demo", "hiref", "champion").number == 2
    demo.alias("hiref", "champion", "3")
    assert Registry(demo.home.tracking_uri).catalog().behind("demo", "hiref", "champion").number == 3
