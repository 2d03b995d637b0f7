"""The judge of the matrix finds what it is there to find, and a fault strikes at the call that it was told."""

import dataclasses
import subprocess
import sys

import h5netcdf
import h5py
import numpy as np
import pytest

from tests.faults.files import truncate, turn_a_bit
from tests.faults.launch import full_disk
from tests.faults.look import UNLOADABLE, Look, SeenVersion, digest_of_draws, unfinished
from tests.faults.program import ROOT, Ended
from tests.faults.promises import judge
from tests.faults.rows import ROWS, SAMPLE

OLD = SeenVersion(1, "aa", "promoted", True, {"answer": "1", "scores.parquet": "x"})
NEW = SeenVersion(2, "bb", "promoted", True, {"answer": "2", "scores.parquet": "y"})
BEFORE = Look({"hiref": [OLD]}, {"hiref": {"champion": 1}})
WANTED = Look({"hiref": [OLD, NEW]}, {"hiref": {"champion": 2}})


def with_new(**changes) -> Look:
    return Look({"hiref": [OLD, dataclasses.replace(NEW, **changes)]}, {"hiref": {"champion": 2}})


def test_a_run_that_lost_nothing_keeps_every_promise():
    assert judge(BEFORE, BEFORE, WANTED, WANTED).broken == []
    undecided = Look({"hiref": [OLD, dataclasses.replace(NEW, decision=None)]}, {"hiref": {"champion": 2}})
    assert judge(BEFORE, undecided, WANTED, WANTED).broken == []


@pytest.mark.parametrize(
    ("after", "end", "kind", "words"),
    [
        (Look(), WANTED, "lost", "version 1 is gone"),
        (Look({"hiref": [OLD]}, {"hiref": {}}), WANTED, "lost", "no champion"),
        (BEFORE, with_new(content={UNLOADABLE: "OSError: damaged"}), "lost", "damaged"),
        (Look({"hiref": [dataclasses.replace(OLD, content={"answer": "3"})]}, BEFORE.aliases), WANTED, "lost", "another one"),
        (BEFORE, Look({"hiref": [OLD, NEW, dataclasses.replace(NEW, version=3)]}, WANTED.aliases), "doubled", "2 and 3"),
        (with_new(held=False, decision=None), WANTED, "wrongly_promoted", "decided as None"),
        (BEFORE, with_new(content={**NEW.content, "scores.parquet": "z"}), "others", "other scores.parquet"),
        (BEFORE, with_new(decision=None), "others", "is None, wanted promoted"),
        (BEFORE, Look({"hiref": [OLD]}, BEFORE.aliases), "others", "has 1 versions, wanted 2"),
        (BEFORE, dataclasses.replace(WANTED, running=["hiref 2025"]), "others", "never ended"),
        (BEFORE, dataclasses.replace(WANTED, unfinished=["work/.a.tmp"]), "others", "left over: work/.a.tmp"),
    ],
)
def test_a_broken_promise_is_found(after, end, kind, words):
    verdict = judge(BEFORE, after, end, WANTED)
    assert any(words in sentence for sentence in getattr(verdict, kind)), verdict


def test_what_a_fault_itself_made_unloadable_is_no_loss_until_it_was_mended():
    harmed = Look({"hiref": [OLD, dataclasses.replace(NEW, content={UNLOADABLE: "changed"})]}, WANTED.aliases)
    assert judge(WANTED, harmed, WANTED, WANTED, harmed=True).broken == []
    assert judge(WANTED, harmed, harmed, WANTED, harmed=True).lost


@pytest.mark.parametrize(("when", "number", "code"), [("before", 1, -9), ("after", 1, -9), ("before", 2, 0)])
def test_a_fault_strikes_at_its_call(tmp_path, when, number, code):
    (tmp_path / "a.json").write_text("{}")
    fault = ["--call=json.load", f"--when={when}", f"--number={number}", "--do=kill"]
    command = [sys.executable, "-m", "tests.faults.launch", *fault, "--", "json.tool", str(tmp_path / "a.json")]
    assert subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == code


def test_a_full_disk_is_the_systems_own_error(tmp_path):
    with full_disk(100), (tmp_path / "c").open("wb") as stream, pytest.raises(OSError, match="File too large"):
        stream.write(b"1" * 10_000)
        stream.flush()
    (tmp_path / "c").write_bytes(b"1" * 10_000)


def test_files_are_spoiled_and_mended(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"0123456789")
    turn_a_bit(path)
    assert path.read_bytes() == b"0123456788"
    turn_a_bit(path)
    assert path.read_bytes() == b"0123456789"
    truncate(path)
    assert path.read_bytes() == b"01234"


def draws_file(path, draws):
    with h5netcdf.File(path, "w") as file:
        group = file.create_group("posterior")
        group.dimensions = {"draw": 3, "node": 2}
        group.create_variable("effect", ("draw", "node"), data=draws)
        names = group.create_variable("node", ("node",), dtype=h5py.string_dtype())
        names[...] = np.array(["a long name of a node", "another"], dtype=object)
    return path


def test_equal_draws_have_equal_digests(tmp_path):
    draws = np.arange(6.0).reshape(3, 2)
    first = digest_of_draws(draws_file(tmp_path / "a.nc", draws))
    assert first == digest_of_draws(draws_file(tmp_path / "b.nc", draws))
    assert first != digest_of_draws(draws_file(tmp_path / "c.nc", np.nextafter(draws, 9.0)))


def test_unfinished_files_are_seen(tmp_path):
    for name in ("work/tiny/.a.tmp", "work/tiny/checkpoint/call-0", "caches/b.tmp", "work/tiny/a"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert unfinished(tmp_path) == ["work/tiny/.a.tmp", "work/tiny/checkpoint"]


@pytest.mark.parametrize(
    ("code", "said", "seen"),
    [
        (0, "03:07:36.194 | INFO    | Flow run - done\ntiny-hiref version 2: promoted\n", "tiny-hiref version 2: promoted"),
        (-9, "a\n03:07:36.194 | INFO    | Task run 'check' - Finished\n", "Task run 'check' - Finished"),
        (1, "03:07:36.194 | INFO    | a\n\nMLflow does not answer\nStart it.\n", "MLflow does not answer"),
        (1, "", ""),
    ],
)
def test_what_a_person_saw(code, said, seen):
    assert Ended(code, said).last == seen


def test_the_matrix_is_as_large_as_promised():
    assert len(ROWS) >= 20
    assert len(set(SAMPLE)) == 6
    assert set(SAMPLE) <= ROWS.keys()
