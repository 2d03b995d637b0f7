"""What is swept, and above all what is not."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from hierforecast.whole_files import beside, this_host
from tasks import sweeping

WRITE = """
import os, sys, time
from pathlib import Path
from hierforecast.whole_files import whole_file, whole_folder
folder = Path(sys.argv[1])
with whole_file(folder / "table.parquet") as file, whole_folder(folder / "model") as model:
    file.write_text("half"); (model / "arrays").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def told():
    return []


@pytest.fixture
def work(home):
    folder = home.work / "acme" / "hiref-0123"
    folder.mkdir(parents=True)
    return folder


def make(path, *, days_old: float = 0.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    age(path, days_old)
    return path


def age(path, days: float) -> None:
    then = time.time() - days * 86400
    os.utime(path, (then, then), follow_symlinks=False)


def sweep(told) -> set[str]:
    return {path.name for path in sweeping.sweep("acme", tell=told.append)}


def test_a_killed_writer_is_swept_after_and_a_living_one_is_not(work, told):
    command = [sys.executable, "-c", WRITE, str(work)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "writing\n"
        half = sorted(path.name for path in work.iterdir())
        assert len(half) == 2
        assert sweep(told) == set()
        writer.send_signal(signal.SIGKILL)
    assert sorted(path.name for path in work.iterdir()) == half
    assert sweep(told) == set(half)
    assert list(work.iterdir()) == []
    assert told[-1].startswith("swept what runs that died had left: work/acme/hiref-0123/.")


def test_a_process_that_got_a_dead_ones_number_does_not_protect_its_files(work, told):
    ours = make(beside(work / "a.parquet"))
    assert sweep(told) == set()
    age(ours, 1)  # written yesterday by this number, which is of this minute
    assert sweep(told) == ({ours.name} if os.path.exists("/proc/self/stat") else set())  # noqa: PTH110


def test_what_nobody_can_be_asked_about_stays_for_a_week(work, home, told):
    young = [make(work / f".b.parquet.elsewhere-17-0000000{n}.tmp", days_old=n) for n in (0, 6)]
    young.append(make(home.panels / "acme" / f".c.{'0' * 32}.tmp", days_old=6))
    old = [make(work / ".b.parquet.elsewhere-17-00000009.tmp", days_old=8), make(home.root / "scores" / ".c.old", days_old=8)]
    assert sweep(told) == {path.name for path in old}
    assert all(path.exists() for path in young)


def test_checkpoints_are_kept_while_somebody_may_go_on_with_them(work, told):
    for name, days in (("checkpoint", 8), ("checkpoint-cutoff", 6)):
        call = make(work / name / "call-00001.safetensors", days_old=days)
        age(call.parent, days)
    make(work / "checkpoint-cutoff" / ".call-00002.safetensors.tmp", days_old=8)
    assert sweep(told) == {"checkpoint"}
    assert (work / "checkpoint-cutoff" / "call-00001.safetensors").exists()


def test_nothing_else_is_touched(work, home, tmp_path, told):
    outside = make(tmp_path / "elsewhere" / ".a.tmp", days_old=30)
    (work / "link").symlink_to(outside.parent)
    (work / ".linked.tmp").symlink_to(outside)
    age(work / ".linked.tmp", 30)
    (home.panels).mkdir()
    (home.panels / "acme").symlink_to(outside.parent)
    stays = [
        outside,
        make(home.root / ".a.tmp", days_old=30),
        make(home.artifacts / "acme" / ".a.tmp", days_old=30),
        make(home.work / "other" / f".a.{this_host()}-{2**22 + 1}-00000000.tmp", days_old=30),
        make(work / "model" / "arrays.tmp", days_old=30),
        make(work / "model" / ".hidden", days_old=30),
    ]
    assert sweep(told) == set()
    assert all(path.exists() for path in stays)
    assert told == []


def test_a_home_without_anything_is_fine(home, told):
    assert sweep(told) == set()


@pytest.fixture
def registry(monkeypatch):
    """MLflow lies where the test says, and what is asked of it is what the test says."""

    def stand_in(address: str, asked) -> None:
        monkeypatch.setattr("tasks.environment.tracking_uri", lambda: address)
        monkeypatch.setattr("tasks.registry.runs.end_dead_runs", asked)

    return stand_in


def test_a_registry_that_hangs_is_not_waited_for(home, told, registry, monkeypatch):
    """MLflow's own client would wait three minutes, and the first step of the run as long again."""
    monkeypatch.setattr(sweeping, "ANSWERS_WITHIN", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        registry(f"http://127.0.0.1:{silent.getsockname()[1]}", pytest.fail)
        sweep(told)
    assert told == ["MLflow cannot be asked for runs that died: no answer within 0 s"]


def test_a_registry_that_is_gone_is_told_without_its_password(home, told, registry, free_port):
    def refuse(company: str):
        raise ConnectionError(f"no answer of http://bob:s3cret@127.0.0.1:{free_port} for {company}\nand more")

    registry(f"http://bob:s3cret@127.0.0.1:{free_port}", refuse)
    sweep(told)
    assert told == [f"MLflow cannot be asked for runs that died: no answer of http://***@127.0.0.1:{free_port} for acme"]
