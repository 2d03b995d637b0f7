"""Writers that are killed, run out of room or fail half way leave what was there before."""

import errno
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from hierforecast import whole_files
from hierforecast.errors import NoRoomError
from hierforecast.whole_files import beside, told_of_no_room, whole_file, whole_folder, write_text, writer_of


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "below" / "note.txt"
    assert write_text(path, "old") == path
    with whole_file(path) as building:
        building.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(path.parent) == ["note.txt"]


def test_an_error_half_way_changes_nothing(tmp_path):
    write_text(tmp_path / "note.txt", "old")
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "note.txt") as building:
        building.write_text("half")
        1 / 0  # noqa: B018
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "model") as building:
        (building / "half").write_text("half")
        1 / 0  # noqa: B018
    assert (tmp_path / "note.txt").read_text() == "old"
    assert names(tmp_path) == ["note.txt"]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_is_replaced_as_a_whole(tmp_path, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr(whole_files, "_renameat2", lambda: None)
    for word in ("old", "new"):
        with whole_folder(tmp_path / "model") as building:
            write_text(building / "deep" / word, word)
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model" / "deep") == ["new"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="two names are swapped in one step on Linux alone")
def test_a_reader_never_finds_a_folder_gone(tmp_path, monkeypatch):
    with whole_folder(tmp_path / "model") as building:
        write_text(building / "a", "old")
    monkeypatch.setattr(whole_files.shutil, "rmtree", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
    with monkeypatch.context() as patch:
        ended = []
        previous = signal.signal(signal.SIGTERM, lambda *_: ended.append((tmp_path / "model" / "a").read_text()))
        patch.setattr(type(tmp_path), "rename", lambda *_: pytest.fail("stepped aside"))
        with whole_folder(tmp_path / "model") as building:
            write_text(building / "a", "new")
        signal.signal(signal.SIGTERM, previous)
    assert ended == ["new"]


def test_what_lies_beside_says_whose_it_is(tmp_path):
    ours = beside(tmp_path / "scores.v2.parquet")
    assert writer_of(ours) == (whole_files.this_host(), os.getpid())
    assert ours.name.startswith(".scores.v2.parquet.")
    assert ours != beside(tmp_path / "scores.v2.parquet")
    assert len(beside(tmp_path / ("é" * 120)).name.encode()) < 255
    for name in ("scores.parquet", ".hidden.tmp", f".a.{'0' * 32}.tmp", ".a.host-x-00000000.tmp", "a.host-1-00000000.tmp"):
        assert writer_of(tmp_path / name) is None


def test_a_killed_writer_leaves_the_old_file_and_a_name_that_says_so(tmp_path):
    path = write_text(tmp_path / "note.txt", "old")
    killed = run(
        """
        import os, signal, sys
        from pathlib import Path
        from hierforecast.whole_files import whole_file
        with whole_file(Path(sys.argv[1])) as building:
            building.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        str(path),
    )
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    left = [name for name in tmp_path.iterdir() if name != path]
    assert len(left) == 1
    assert writer_of(left[0]).host == whole_files.this_host()


def test_every_writer_says_that_there_is_no_room(tmp_path):
    """A limit on file size is a disk that is full: Arrow, safetensors and Python each say so in their own way."""
    done = run(
        """
        import resource, sys
        from pathlib import Path
        import numpy as np, pandas as pd
        from hierforecast.errors import NoRoomError
        from hierforecast.model_folder import write_model_folder
        from hierforecast.whole_files import whole_file, write_text
        folder = Path(sys.argv[1])
        numbers = np.random.default_rng(0).normal(size=5000)
        def table():
            with whole_file(folder / "t.parquet") as building:
                pd.DataFrame({"x": numbers}).to_parquet(building)
        def model():
            write_model_folder(folder / "model", family="hiref", config={}, arrays={"x": numbers})
        def text():
            write_text(folder / "t.txt", "x" * 40000)
        table()  # what is imported on first use
        (folder / "t.parquet").unlink()
        resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))
        for write in (table, model, text):
            try:
                write()
            except NoRoomError as error:
                print(error)
        """,
        str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert len(told) == 3, done.stdout
    for name, line in zip(("t.parquet", "model", "t.txt"), told, strict=True):
        assert f"{name}': it grew past the size that a file may have here" in line
        assert "HIERFORECAST_HOME=" in line
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no space is left"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk quota is used up"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "no space is left"),
        (ValueError("(sqlite3.OperationalError) database or disk is full"), "no space is left"),
    ],
)
def test_no_room_is_told_from_other_errors(tmp_path, error, words):
    with pytest.raises(NoRoomError, match=words), told_of_no_room(tmp_path / "x"):
        raise error
    with pytest.raises(OSError, match="Permission denied"), told_of_no_room(tmp_path / "x"):
        raise OSError(errno.EACCES, "Permission denied")
