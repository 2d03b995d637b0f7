import logging

import pandas as pd
import pytest

from hierforecast import splits, synthetic
from hierforecast.settings import read_company
from tasks import environment
from tasks.registry.records import Evidence
from tests.support.quick_mix import made_sample


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder of this test's own."""
    monkeypatch.setenv("HIERFORECAST_HOME", str(tmp_path / "home"))
    return environment.home()


@pytest.fixture
def no_run(monkeypatch):
    """Task bodies called outside a run have no run logger; the library's own stands in."""
    for module in ("checks", "evaluation", "hiref", "illustration", "metric_ensemble", "precision", "scoring"):
        monkeypatch.setattr(f"tasks.{module}.get_run_logger", lambda: logging.getLogger("hierforecast"))


@pytest.fixture(scope="module")
def made_sampler():
    """Marketing mix models are fitted in a moment, by a made sampler; without TensorFlow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hierforecast.precision.model.sample", made_sample)
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory, root):
    """A small fitted model on disk, with evidence to log beside it."""
    from hierforecast.hiref import HiReF

    folder = tmp_path_factory.mktemp("trained")
    company = read_company(root / "deployments/demo.yaml")
    sales = synthetic.company(2, weeks=60, planned=4).sales
    sales = sales[(sales["region"] == "North") & (sales["segment"] == "Premium")]
    history, plan = splits.observed_and_plan(sales, period="week", target="units")
    model = HiReF.from_panel_settings(company.sales, company.training).fit(history)
    model.save(folder / "model")
    (folder / "tables").mkdir()
    (folder / "checks").mkdir()
    pd.DataFrame({"level": ["bottom"], "wape": [0.1]}).to_parquet(folder / "tables/scores.parquet")
    (folder / "checks/report.html").write_text("<p>fine</p>")
    evidence = Evidence(
        model=str(folder / "model"),
        tables=str(folder / "tables"),
        checks=str(folder / "checks"),
        metrics={"wape.bottom": 0.1},
        tags={"trained_to": "2024-02-19"},
    )
    rows = plan.drop(columns="units").head(4)
    return company, evidence, rows, model.predict(rows)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A home whose embedded store exists already: making one costs seconds."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIERFORECAST_HOME", str(folder))
        patch.setattr("tasks.environment._GIVEN_TRACKING_URI", None, raising=False)
        yield environment.home()


@pytest.fixture
def shelf(store):
    """The registry, empty."""
    from tasks.registry import connection

    server = connection.client()
    for model in server.search_registered_models():
        server.delete_registered_model(model.name)
    for experiment in server.search_experiments():
        for run in server.search_runs([experiment.experiment_id]):
            server.delete_run(run.info.run_id)
    return server
