"""What a flow's process finds in its environment, however it is started; each in a process of its own."""

import itertools
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from hierforecast.errors import PanelError
from tasks import environment

ROOT = Path(__file__).resolve().parents[2]
TOLD = (
    "import os, flows; print([os.environ.get(n) for n in ('PREFECT_SERVER_ANALYTICS_ENABLED', 'PREFECT_HOME', 'DO_NOT_TRACK')])"
)


def run(folder: Path, *command: str, **given: str) -> subprocess.CompletedProcess[str]:
    """A Python process that stands in `folder` and inherits none of our switches."""
    ours = ("PREFECT_", "MLFLOW_", "TF_", "GX_", "DO_NOT_TRACK", "HIERFORECAST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment = kept | {"HOME": str(folder), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | given
    command = (sys.executable, *command)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)


def as_program(folder: Path, body: str) -> str:
    """The name of a module that is run with -m and imports `flows` as every flow does: by its package, first."""
    (folder / "program").mkdir()
    (folder / "program" / "__init__.py").write_text("import flows\n")
    (folder / "program" / "flow.py").write_text(body)
    return "program.flow"


def test_a_flow_from_a_shell_finds_what_start_sh_gives(tmp_path):
    done = run(tmp_path, "-m", as_program(tmp_path, TOLD))
    assert done.stdout.strip() == str(["false", str(tmp_path / "data/prefect"), "1"]), done.stderr
    assert (tmp_path / "data").is_dir()  # Prefect makes its folder in it, and complains where it is not there


def test_what_a_person_or_a_worker_set_stays(tmp_path):
    given = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_SERVER_ANALYTICS_ENABLED": "true"}
    done = run(tmp_path, "-m", as_program(tmp_path, TOLD), **given)
    assert done.stdout.strip() == str(["true", None, "1"]), done.stderr


def test_defaults_are_there_before_prefect_is_imported(tmp_path):
    program = "import flows, sys; assert 'prefect' not in sys.modules; import prefect.settings as s; "
    program += "print(s.get_current_settings().server.ephemeral.startup_timeout_seconds)"
    done = run(tmp_path, "-c", program)
    assert done.stdout.strip() == "120", done.stderr


def test_importing_every_flow_writes_nothing_here_or_in_the_home(tmp_path):
    names = sorted(path.stem for path in (ROOT / "flows").glob("*.py") if path.stem != "__init__")
    person = tmp_path / "person"
    person.mkdir()
    program = f"import {', '.join(f'flows.{name}' for name in names)}"
    done = run(tmp_path, "-c", program, HOME=str(person), HIERFORECAST_HOME=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["person"]


def test_a_home_that_is_a_file_is_told_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("kept")
    done = run(tmp_path, "-m", "flows.weekly_retrain", HIERFORECAST_HOME="file")
    assert done.returncode == 1
    assert f"cannot keep anything in {tmp_path / 'file'}: it is a file" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_while_a_flow_is_imported_leaves_no_traceback(tmp_path):
    done = run(tmp_path, "-m", as_program(tmp_path, "raise KeyboardInterrupt"))
    assert done.returncode == -signal.SIGINT  # which a shell calls 130
    assert done.stderr == ""


def test_other_faults_keep_their_traceback(tmp_path):
    done = run(tmp_path, "-m", as_program(tmp_path, "raise ZeroDivisionError"))
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize("server", ["listens", "is gone"])
def test_ctrl_c_ends_a_flow_soon_with_130(tmp_path, server):
    """A flow that reports its end for ever stands for Prefect when its temporary server is gone."""
    end = "pass" if server == "listens" else "time.sleep(60)"
    body = f"""
import os, signal, time
from flows import command_line
command_line.GRACE_SECONDS = 0.2
def flow():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    finally:
        {end}
command_line.call(flow)
"""
    done = run(tmp_path, "-m", as_program(tmp_path, body))
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


WAYS = {
    "a module of its own": "from flows import train_precision",
    "Prefect's worker": f"""
from prefect.flows import load_flow_from_entrypoint
load_flow_from_entrypoint({str(ROOT / "flows/train_precision.py:train_precision")!r})
""",
    "a task alone, as on a Dask worker": "from tasks import environment, precision; environment.prepare()",
}


@pytest.mark.parametrize("way", WAYS)
def test_compiled_programs_are_kept_in_the_home_before_tensorflow_is_there(tmp_path, way):
    told = "import os, sys; assert 'tensorflow' not in sys.modules; print(os.environ['TF_XLA_FLAGS'])"
    done = run(tmp_path, "-c", f"{WAYS[way]}\n{told}", HIERFORECAST_HOME=str(tmp_path / "home"))
    wanted = f'--tf_xla_persistent_cache_directory="{tmp_path / "home" / "caches" / "xla"}"'
    assert done.stdout.strip().splitlines()[-1:] == [wanted], done.stderr


def record(error: Exception | None, text: str) -> logging.LogRecord:
    return logging.LogRecord("prefect", logging.ERROR, "file", 1, text, (), (type(error), error, None) if error else None)


def test_events_that_prefects_server_does_not_take_are_told_once(monkeypatch):
    monkeypatch.setattr(environment, "_events_lost", itertools.count())
    lost = [record(None, "Service 'EventsWorker' failed to process item Event(a page of it)") for _ in range(3)]
    assert [environment._once_of_lost_events(item) for item in lost] == [True, False, False]
    assert "the run goes on" in lost[0].getMessage()
    assert environment._once_of_lost_events(record(None, "something else"))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PanelError("no column 'price'\nand more"), "stopped: no column 'price'"),
        (httpx.ConnectError("refused"), "Prefect's server cannot be told how the run went: refused"),
    ],
)
def test_no_traceback_of_what_is_told_in_words(error, told):
    shown = record(error, "Encountered exception during execution")
    assert environment._without_traceback(shown)
    assert (shown.getMessage(), shown.exc_info) == (told, None)


def test_a_fault_of_ours_keeps_its_traceback_in_the_log():
    shown = record(ZeroDivisionError(), "Encountered exception during execution")
    assert environment._without_traceback(shown)
    assert shown.exc_info
