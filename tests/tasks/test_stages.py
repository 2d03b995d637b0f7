"""A finished stage is not done again, unless its files are no longer what they were."""

import shutil
from types import SimpleNamespace

import pytest
from prefect import flow
from prefect.settings import PREFECT_API_URL, PREFECT_LOCAL_STORAGE_PATH, temporary_settings

from hierforecast.settings import parse_company
from hierforecast.whole_files import beside
from tasks import stages
from tasks.trained import Trained

COMPANY = parse_company({"company": "few", "sales": {"target": "units", "levels": ["shop"], "horizon": 2}})
RUNS = []


@stages.stage("fit-thing")
def fit(company, fingerprint: str, *, until_cutoff: bool) -> Trained:
    """A fit that leaves a folder with two files."""
    RUNS.append(until_cutoff)
    folder = stages.folder(company.company, "thing", fingerprint) / ("cutoff_model" if until_cutoff else "model")
    for name in ("a", "deep/b"):
        stages.write_text(folder / name, f"content of {name}")
    return Trained(folder=str(folder), trained_from="2024-01-01", trained_to="2024-03-04", diagnostics={"folder": "no path"})


@pytest.fixture(autouse=True)
def no_runs(tmp_path):
    RUNS.clear()
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: tmp_path / "kept"}):
        yield


def key(*, until_cutoff: bool = False, fingerprint: str = "f" * 64) -> str:
    given = {"company": COMPANY, "fingerprint": fingerprint, "until_cutoff": until_cutoff}
    return stages.by_fingerprint(SimpleNamespace(task=fit), given)


def run(*, until_cutoff: bool = False) -> Trained:
    return fit.fn(COMPANY, "f" * 64, until_cutoff=until_cutoff)


def test_whole_results_keep_their_key(home):
    before = key()
    run()
    assert key() == before
    (home.work / "few" / f"thing-{'f' * 24}" / beside(home.work / "c").name).write_text("a writer died here")
    beside(home.work / "few" / f"thing-{'f' * 24}" / "model" / "a").write_text("and here")
    assert key() == before
    assert len({before, key(until_cutoff=True), key(fingerprint="0" * 64)}) == 3


@pytest.mark.parametrize("damage", ["truncated", "changed", "deleted", "added", "folder deleted", "work deleted", "note cut"])
def test_damaged_results_are_not_believed(home, damage, caplog):
    before, cutoff = key(), key(until_cutoff=True)
    model, _ = home.work / "few" / f"thing-{'f' * 24}" / "model", (run(), run(until_cutoff=True))
    if damage == "truncated":
        (model / "deep/b").write_bytes((model / "deep/b").read_bytes()[:-1])
    elif damage == "changed":
        (model / "a").write_text("content of b")
    elif damage == "deleted":
        (model / "a").unlink()
    elif damage == "added":
        (model / "c").write_text("")
    elif damage == "folder deleted":
        shutil.rmtree(model)
    elif damage == "work deleted":
        shutil.rmtree(home.work)
    else:
        note = home.work / "few" / f"made-{'f' * 24}" / "fit-thing.json"
        note.write_bytes(note.read_bytes()[:-9])
    after = key()
    assert after != before
    assert (key(until_cutoff=True) == cutoff) == (damage != "work deleted")
    assert ("fit-thing is done again" in caplog.text) == (damage not in ("work deleted", "note cut"))
    run()
    assert key() == after


def test_an_unfinished_stage_keeps_the_key_it_is_done_under(home):
    assert key() == key()


def test_a_kept_result_that_was_cut_off_is_dropped(home, tmp_path):
    path = tmp_path / "kept" / key()
    stages.write_text(path, '{"metadata": {}, "result": "whole"}')
    key()
    assert path.exists()
    stages.write_text(path, '{"metadata": {}, "res')
    key()
    assert not path.exists()


@flow(name="fit-twice")
def fit_both() -> list[str]:
    return [fit(COMPANY, "f" * 64, until_cutoff=part).folder for part in (True, False)]


def test_a_rerun_does_again_what_is_damaged_and_nothing_else(home, prefect_server, tmp_path):
    with temporary_settings({PREFECT_API_URL: prefect_server.url}):
        cutoff, model = fit_both()
        assert fit_both() == [cutoff, model]
        assert RUNS == [True, False]
        stages.write_text(home.work / "few" / f"thing-{'f' * 24}" / "model" / "a", "cut")
        fit_both()
        assert RUNS == [True, False, False]
        (record,) = [path for path in (tmp_path / "kept").iterdir() if path.name == key(until_cutoff=True)]
        record.write_bytes(record.read_bytes()[:40])
        fit_both()
        assert RUNS == [True, False, False, True]
