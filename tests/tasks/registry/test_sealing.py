"""A registered version as a thief of the artifact store would leave it: nothing of it is run or shown."""

import json
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException

from hierforecast import splits, synthetic
from hierforecast.errors import RegistryError, SealError, SettingsError
from hierforecast.gates import Decision, GateResult
from hierforecast.hiref import HiReF
from hierforecast.seal import SEAL, SEAL_TAG, write_seal
from hierforecast.settings import read_company
from tasks import environment
from tasks.registry import connection, promotion, sealing, versions
from tasks.registry.records import Evidence
from tasks.verification import verify_version

HELD = Decision((GateResult("bottom WAPE", 0.1, None, held=True, sentence="fine"),))


@pytest.fixture(scope="module")
def registered(tmp_path_factory, root):
    """A champion in a store of its own; the version, where its files lie, and rows to forecast."""
    folder = tmp_path_factory.mktemp("trained")
    company = read_company(root / "deployments/demo.yaml")
    sales = synthetic.company(2, weeks=60, planned=4).sales
    history, plan = splits.observed_and_plan(sales[sales["region"] == "North"], period="week", target="units")
    model = HiReF.from_panel_settings(company.sales, company.training).fit(history)
    model.save(folder / "model")
    for name, file in {"tables": "scores.parquet", "checks": "report.html", "plots": "forecast.png"}.items():
        (folder / name).mkdir()
        (folder / name / file).write_bytes(b"kept")
    pd.DataFrame({"level": ["bottom"], "wape": [0.1]}).to_parquet(folder / "tables/scores.parquet")
    paths = {name: str(folder / name) for name in ("model", "tables", "checks", "plots")}
    evidence = Evidence(**paths, metrics={"wape.bottom": 0.1}, tags={"trained_to": "2024-02-19"})
    rows = plan.drop(columns="units").head(4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIERFORECAST_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr("tasks.environment._GIVEN_TRACKING_URI", None, raising=False)
        environment.home()
        version = versions.register(company, "hiref", "f" * 64, evidence, example=rows, answer=model.predict(rows))
        promotion.carry_out(version, HELD)
        yield version, rows, model.predict(rows)


@pytest.fixture
def store(registered):
    """Where the version's files lie: the model's folder and the run's. Put back after the test."""
    version = registered[0]
    of_run = connection.client().get_run(version.run_id).info.artifact_uri
    places = (Path(download_artifacts(f"models:/{version.name}/1")), Path(of_run.removeprefix("file://")))
    kept = {path: path.read_bytes() for place in places for path in place.rglob("*") if path.is_file()}
    yield places
    for place in places:
        for path in [path for path in place.rglob("*") if path.is_file() and path not in kept]:
            path.unlink()
    for path, content in kept.items():
        path.write_bytes(content)


def test_a_whole_version_loads_and_forecasts_as_it_was_trained(registered, store):
    version, rows, answer = registered
    model, found = versions.load_champion("demo", "hiref")
    assert found.version == version.version
    pd.testing.assert_frame_equal(model.predict(rows), answer, check_dtype=False)
    count = sealing.verify(version)
    seal = json.loads((store[1] / SEAL).read_text())
    assert count == len(seal)
    for name in ("model/MLmodel", "model/served_model.py", "model/artifacts/model/arrays.safetensors", "settings.json"):
        assert name in seal
    assert {"tables/scores.parquet", "checks/report.html", "plots/forecast.png"} <= seal.keys()


MARK = "import pathlib; pathlib.Path({path!r}).touch()\n"


def test_code_planted_in_the_store_is_never_run(registered, store, tmp_path):
    """The counter-example first: MLflow alone runs what it finds."""
    version, ran = registered[0], tmp_path / "ran"
    served = store[0] / "served_model.py"
    served.write_text(MARK.format(path=str(ran)) + served.read_text())
    mlflow.pyfunc.load_model(f"models:/{version.name}/1")
    assert ran.exists()
    ran.unlink()
    with pytest.raises(SealError, match=r"demo-hiref version 1: 'model/served_model\.py' was changed"):
        versions.load_champion("demo", "hiref")
    assert not ran.exists()


@pytest.mark.parametrize(
    ("place", "name", "word"),
    [
        (0, "MLmodel", "changed"),
        (0, "artifacts/model/config.json", "changed"),
        (0, "artifacts/model/arrays.safetensors", "changed"),
        (0, "artifacts/model/manifest.json", "changed"),
        (0, "python_model.pkl", "added"),
        (1, "settings.json", "changed"),
        (1, SEAL, "is not the list"),
    ],
)
def test_a_changed_or_added_file_stops_the_loading(registered, store, place, name, word):
    path = store[place] / name
    path.write_bytes((path.read_bytes() if path.exists() else b"") + b" ")
    with pytest.raises(SealError, match=word):
        versions.load_champion("demo", "hiref")


@pytest.mark.parametrize(
    ("place", "name"),
    [(0, "MLmodel"), (0, "artifacts/model/config.json"), (0, "served_model.py"), (1, "settings.json"), (1, SEAL)],
)
def test_a_removed_file_stops_the_loading(registered, store, place, name):
    (store[place] / name).unlink()
    path = name if place else f"model/{name}"
    with pytest.raises(SealError, match=f"demo-hiref version 1: '{path}' is gone, so it is not used"):
        versions.load_champion("demo", "hiref")


def test_a_removed_model_stops_the_loading(registered, store):
    for path in [path for path in store[0].rglob("*") if path.is_file()]:
        path.unlink()
    with pytest.raises(SealError, match=r"'model/.*' is gone"):
        versions.load_champion("demo", "hiref")


def test_a_store_that_gives_nothing_is_not_taken_for_an_emptied_one(registered, store, monkeypatch):
    """MLflow says of both that there is no such file."""

    def away(*_, **__):
        raise ConnectionError("away")

    monkeypatch.setattr("mlflow.store.artifact.local_artifact_repo.LocalArtifactRepository.download_artifacts", away)
    with pytest.raises(MlflowException, match="Failed to download"):
        versions.champion("demo", "hiref")
    monkeypatch.setattr("mlflow.store.artifact.local_artifact_repo.LocalArtifactRepository.list_artifacts", away)
    with pytest.raises(ConnectionError, match="away"):
        versions.champion("demo", "hiref")


@pytest.mark.parametrize("name", ["tables/scores.parquet", "checks/report.html", "diagnostics.json"])
def test_verify_misses_what_was_removed(registered, store, name):
    (store[1] / name).unlink()
    with pytest.raises(SealError, match=f"'{name}' is gone"):
        sealing.verify(registered[0])


@pytest.mark.parametrize("name", ["tables/more.parquet", "checks/deep/down/page.html", "plots/forecast.svg"])
def test_verify_finds_what_was_added(registered, store, name):
    (store[1] / name).parent.mkdir(parents=True, exist_ok=True)
    (store[1] / name).write_bytes(b"other")
    with pytest.raises(SealError, match=f"'{name}' was added"):
        sealing.verify(registered[0])


def test_a_new_seal_for_changed_files_does_not_help(registered, store):
    """Whoever writes to the store can write a list that fits; its digest is in the database."""
    (store[1] / "settings.json").write_text("{}")
    seal = json.loads((store[1] / SEAL).read_text())
    (store[1] / SEAL).write_text(write_seal(seal | {"settings.json": "0" * 64}))
    with pytest.raises(SealError, match=SEAL):
        versions.champion("demo", "hiref")


@pytest.mark.parametrize("name", ["tables/scores.parquet", "checks/report.html", "diagnostics.json"])
def test_verify_looks_at_every_artifact(registered, store, name):
    (store[1] / name).write_bytes(b"other")
    with pytest.raises(SealError, match=name):
        sealing.verify(registered[0])


def test_a_version_without_a_seal_loads_with_a_warning(registered, store, caplog):
    version, rows, _ = registered
    server = connection.client()
    tag = server.get_model_version(version.name, "1").tags[SEAL_TAG]
    server.delete_model_version_tag(version.name, "1", SEAL_TAG)
    try:
        model, _ = versions.load_champion("demo", "hiref")
        assert len(model.predict(rows)) == len(rows)
        assert "without a seal: its files are not checked" in caplog.text
        with pytest.raises(RegistryError, match="without a seal; train again"):
            sealing.verify(version)
    finally:
        server.set_model_version_tag(version.name, "1", SEAL_TAG, tag)


def test_a_store_that_kept_something_else_makes_no_seal(registered, tmp_path):
    version = registered[0]
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text("{}")
    evidence = Evidence(model=str(tmp_path / "model"), tables=str(tmp_path), checks=str(tmp_path), metrics={}, tags={})
    with pytest.raises(RegistryError, match=r"did not keep 'model/artifacts/model/config\.json'"):
        sealing.seal_run(version.run_id, f"models:/{version.name}/1", evidence, {})


def test_the_copy_goes_with_the_model(registered, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    model = sealing.load(registered[0])
    assert list(tmp_path.glob("hierforecast-model-*/MLmodel"))
    del model
    import gc

    gc.collect()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("company", "family", "sentence"),
    [
        ("demo", "hiref' OR name LIKE '%", "family .* is unknown; valid names: hiref, precision"),
        ("demo' OR name LIKE '%", "hiref", "company .* letters, digits and dashes"),
        ("demo\n", "hiref", "company"),
        ("../demo", "hiref", "company"),
    ],
)
def test_names_cannot_widen_a_query(registered, company, family, sentence):
    for ask in (versions.all_versions, versions.champion, versions.load_champion):
        with pytest.raises(SettingsError, match=sentence):
            ask(company, family)


def test_the_verifying_flow_says_what_it_looked_at(registered, store):
    said = verify_version.fn("demo", "hiref", None)
    assert said.startswith("demo-hiref version 1: all ")
    assert verify_version.fn("demo", "hiref", "1") == said
    with pytest.raises(RegistryError, match="has no version '7'; there are: 1"):
        verify_version.fn("demo", "hiref", "7")
    with pytest.raises(RegistryError, match="has no version 'champion'; there are: none"):
        verify_version.fn("other", "hiref", None)
