"""The reader against a real MLflow registry."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from dashboard.components.cards import show
from dashboard.pages.forecasts import forecast_parts
from dashboard.registry import NOTHING_YET, Registry
from hierforecast.errors import RegistryError, SealError
from hierforecast.results import DECAY, FORECASTS, NODES, SCORES
from hierforecast.seal import SEAL, SEAL_TAG, write_seal


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


def files_of(demo, version) -> Path:
    """Where the artifacts of a version lie, for those who can write there."""
    return Path(demo.client.get_run(version.run_id).info.artifact_uri.removeprefix("file://"))


@pytest.fixture(scope="module")
def spoilt(build, tmp_path_factory):
    """A registry that tests may change, if they put it back."""
    return build(tmp_path_factory.mktemp("spoilt") / "home")


@pytest.fixture
def victim(spoilt):
    """A fresh reader, a version and the folder of its artifacts, which is put back after the test."""
    reader = Registry(spoilt.home.tracking_uri)
    version = reader.catalog().behind("demo", "hiref", "champion")
    folder = files_of(spoilt, version)
    kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    yield reader, version, folder
    for path, content in kept.items():
        path.write_bytes(content)


def test_numbers_that_were_changed_in_the_store_are_not_shown(victim):
    reader, version, folder = victim
    path = folder / "tables/nodes.parquet"
    pd.read_parquet(path).assign(forecast=1e9).to_parquet(path, index=False)
    for ask in (reader.table, reader.table_if_any):  # no table at all would look like an earlier release
        with pytest.raises(SealError, match=r"demo-hiref version 2: 'tables/nodes\.parquet' was changed.*Roll back"):
            ask(version, NODES)
    assert len(reader.table(version, SCORES)) > 0  # the others are as they were
    told = str(show(lambda: forecast_parts(reader, version, {})))
    assert "was changed after this version was registered" in told
    assert "1000000000" not in told


@pytest.mark.parametrize("name", ["checks/report.html", "settings.json"])
def test_texts_that_were_changed_are_not_shown(victim, name):
    reader, version, folder = victim
    (folder / name).write_text("<h1>all is well</h1>")
    with pytest.raises(SealError, match=name):
        reader.report(version) if name.endswith("html") else reader.settings(version)


def test_a_seal_that_was_changed_or_taken_away_hides_nothing(victim):
    reader, version, folder = victim
    kept = (folder / SEAL).read_text()
    (folder / SEAL).write_text(write_seal({}))
    with pytest.raises(SealError, match="is not the list that was sealed"):
        reader.table_if_any(version, NODES)
    (folder / SEAL).unlink()
    with pytest.raises(SealError, match=r"no readable 'seal\.json'"):
        reader.table_if_any(version, NODES)
    (folder / SEAL).write_text(kept)  # it is asked again, not remembered
    assert reader.table_if_any(version, NODES) is not None


def test_a_version_without_a_seal_is_shown_as_before(victim):
    reader, version, folder = victim
    (folder / SEAL).unlink()
    tags = {name: value for name, value in version.tags.items() if name != SEAL_TAG}
    assert len(reader.table(dataclasses.replace(version, tags=tags), SCORES)) > 0
