"""The family's tasks on a small panel, with a made sampler in the real one's place; the real one runs in tests/flows."""

import json
import logging
from datetime import date

import pandas as pd
import pytest

from hierforecast.gates import DataFindings, Rival
from hierforecast.precision.model import Precision
from hierforecast.results import PRECISION_TABLES, SPEND_TABLES
from hierforecast.settings import parse_company
from tasks import environment, illustration, media_tables, panels, precision, stages
from tests.support.quick_mix import RAW, quick_mix

KEY = "a" * 64


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.INFO, logger="hierforecast")
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.fixture
def fit(home, no_run, made_sampler, monkeypatch):
    """A function that fits the tiny company; TensorFlow and Prefect's server are not asked."""
    monkeypatch.setattr(precision, "_wake_engine", lambda: None)
    monkeypatch.setattr("tasks.telling.new_bar", lambda *_, **__: "bar")
    monkeypatch.setattr("tasks.telling.move_bar", lambda *_: None)

    def call(*, until_cutoff, lift_tests=()):
        made = quick_mix()
        company = parse_company({**RAW, "media": {**RAW["media"], "lift_tests": list(lift_tests)}})
        reference = panels.store(made.panel, company.company, "media")
        return company, reference, precision.fit.fn(company, reference, KEY, until_cutoff=until_cutoff)

    return call


def place():
    return stages.folder("tiny", "precision", KEY)


def test_held_out_weeks_are_masked_and_nothing_is_left_behind(fit):
    company, _, trained = fit(until_cutoff=True)
    model = Precision.load(trained.folder)
    assert model.observed.sum() == 90 - company.media.horizon
    assert trained.trained_to == "2024-07-22"
    assert [path.name for path in place().iterdir()] == ["cutoff_model"]


def test_diagnostics_hold_what_gates_and_people_want_to_know(fit):
    _, _, trained = fit(until_cutoff=False)
    numbers = {
        "max_rhat",
        "min_ess_bulk",
        "min_ess_tail",
        "divergences",
        "ebfmi",
        "max_pareto_k",
        "wall_seconds",
        "cpu_seconds",
    }
    assert numbers <= set(trained.diagnostics)
    assert all(isinstance(sentence, str) for sentence in trained.diagnostics["reasons"] + trained.diagnostics["warnings"])


def test_a_run_that_was_stopped_is_gone_on_with(fit, told):
    checkpoint = place() / "checkpoint"
    checkpoint.mkdir()
    for call in range(3):
        (checkpoint / f"call-{call:05d}.safetensors").write_bytes(b"")
    _, _, trained = fit(until_cutoff=False)
    assert any("resuming: a run that was stopped has finished 3 calls" in line for line in told())
    assert trained.diagnostics["resumed_after_calls"] == 3
    assert not checkpoint.exists()


def test_a_fresh_run_does_not_speak_of_resuming(fit, told):
    fit(until_cutoff=False)
    assert not any("resuming" in line for line in told())


def test_lift_tests_are_fitted_once_they_are_known(fit, told):
    early = {"node": "TV", "start": date(2023, 3, 6), "end": date(2023, 4, 3), "lift": 50.0, "sd": 10.0}
    late = {**early, "node": "brand", "start": "2024-07-01", "end": "2024-07-15", "measured_until": "2024-08-05"}
    _, _, cut = fit(until_cutoff=True, lift_tests=[early, late])
    assert [test.node for test in Precision.load(cut.folder)._trained.lifts] == ["TV"]
    assert any("lift tests measured after 2024-07-22 are left out: brand" in line for line in told())
    _, _, whole = fit(until_cutoff=False, lift_tests=[early, late])
    assert [test.node for test in Precision.load(whole.folder)._trained.lifts] == ["TV", "brand"]


def test_all_tables_and_pictures_are_written(fit, told):
    company, reference, cut = fit(until_cutoff=True)
    score = precision.score.fn(company, reference, KEY, cut)
    _, _, trained = fit(until_cutoff=False)
    tables = precision.tabulate.fn(company, reference, KEY, trained, score)
    written = {path.stem: pd.read_parquet(path) for path in place().glob("tables/*.parquet")}
    wanted = {table.name: table for table in (*PRECISION_TABLES, *SPEND_TABLES)}
    assert set(written) == set(wanted)
    for name, table in written.items():
        assert tuple(table.columns) == wanted[name].columns, name
    assert written["accuracy"]["weeks"].iloc[0] == company.media.horizon
    assert written["accuracy"]["wape"].iloc[0] == pytest.approx(score.wape, rel=0.05)  # means of draws, not of means
    assert not written["fit"]["period"].duplicated().any()
    plots = illustration.illustrate.fn(company, "precision", KEY, trained, tables)
    assert not [line for line in told() if "no picture" in line]
    assert len(list((place() / "plots").iterdir())) == 11
    assert plots == str(place() / "plots")
    assert media_tables.metrics_in(tables)["held_out.mape"] > 0


def test_the_decision_knows_the_energy(fit):
    company, reference, cut = fit(until_cutoff=True)
    score = precision.score.fn(company, reference, KEY, cut)
    decision = precision.decide(company, cut, score, Rival(None, "there is no champion to beat"), DataFindings())
    energy = next(result for result in decision.results if result.gate == "E-BFMI")
    assert energy.held
    assert energy.value == pytest.approx(0.9)
    worse = cut.model_copy(update={"diagnostics": cut.diagnostics | {"ebfmi": 0.1}})
    assert not precision.decide(company, worse, score, Rival(None, ""), DataFindings()).promoted


def test_numbers_that_are_none_survive_prefect_s_results():
    from prefect.serializers import JSONSerializer

    from tasks.trained import Trained

    trained = Trained(folder="x", trained_from="a", trained_to="b", diagnostics={"max_rhat": float("nan"), "divergences": 0})
    kept = JSONSerializer().loads(JSONSerializer().dumps(trained))
    assert kept.diagnostics["max_rhat"] != kept.diagnostics["max_rhat"]
    assert kept.diagnostics["divergences"] == 0


def test_the_terminal_is_silent_and_comes_back(capfd):
    import os

    with environment.quiet_terminal():
        os.write(2, b"native noise")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
    with pytest.raises(ZeroDivisionError), environment.quiet_terminal():
        raise ZeroDivisionError


def test_settings_with_lift_tests_travel_as_json():
    company = parse_company({**RAW, "media": {**RAW["media"], "lift_tests": [
        {"node": "Web", "start": date(2023, 3, 6), "end": "2023-04-03", "lift": 50, "sd": 10, "share": 0.5}
    ]}})  # fmt: skip
    assert parse_company(json.loads(json.dumps(company.model_dump(mode="json")))) == company
    assert company.media.lift_tests[0].start == "2023-03-06"
