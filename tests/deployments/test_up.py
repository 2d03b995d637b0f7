"""The supervisor without its servers: ports, addresses, homes, and how it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from deployments import up

ROOT = Path(__file__).resolve().parents[2]


def supervise(folder: Path, *words: str, home: str) -> subprocess.CompletedProcess[str]:
    """./start.sh after its set-up, by a person who stands in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
    command = [sys.executable, "-m", "deployments.up", "--from", str(folder), *words]
    environment = kept | {"HIERFORECAST_HOME": home}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def signals():
    """The supervisor sets signal handlers; they are put back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_taken_port_is_passed_over_in_either_family(host):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        try:
            taken.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        taken.listen()
        port = taken.getsockname()[1]
        assert port < up._free_port(host, port) < port + 100


def test_the_two_servers_never_get_the_same_port(free_port):
    assert up._free_port("127.0.0.1", free_port) == free_port
    assert up._free_port("127.0.0.1", free_port, besides=free_port) > free_port


def test_no_free_port_is_told_with_the_cure():
    with pytest.raises(SystemExit, match=r"no free port from 65536 to 65535 on .*; name others with --port"):
        up._free_port("127.0.0.1", 65536)


def test_an_address_of_another_machine_is_told():
    with pytest.raises(SystemExit, match=r"cannot listen on 192\.0\.2\.1: .*--host wants an address of this machine"):
        up._free_port("192.0.2.1", 8050)


def test_addresses_have_brackets_where_they_need_them():
    assert up._place("::1", 80) == "[::1]:80"
    assert up._place("127.0.0.1", 80) == "127.0.0.1:80"


@pytest.mark.parametrize("home", ["file", "file/below"])
def test_a_home_that_is_a_file_is_told_in_a_sentence(tmp_path, home):
    (tmp_path / "file").write_text("kept")
    done = supervise(tmp_path, "--no-serve", home=home)
    assert done.returncode == 1
    assert done.stderr.startswith(f"cannot keep anything in {tmp_path / home}: ")
    assert "Traceback" not in done.stderr


def test_a_relative_home_is_meant_from_where_the_person_stood(tmp_path):
    done = supervise(tmp_path, "--serve-only", home="my home")
    assert done.returncode == 1
    assert done.stderr == f"nothing is kept in {tmp_path / 'my home'} yet; ./start.sh makes a run first\n"


@pytest.mark.parametrize("words", [("--no-serve",), ("--settings", "acme.yaml"), ("--media", "media.csv")])
def test_serve_only_makes_no_run(tmp_path, words):
    done = supervise(tmp_path, "--serve-only", *words, home="home")
    assert done.returncode == 2
    assert not (tmp_path / "home").exists()


def test_a_failed_run_says_how_to_look_at_what_was_kept(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mlflow.db").touch()
    done = supervise(tmp_path, "--settings", "missing.yaml", home="home")
    assert done.returncode == 1
    assert "missing.yaml" in done.stderr
    assert done.stderr.endswith("./start.sh --serve-only\n")


def test_a_runs_exit_code_is_passed_on(signals):
    assert up._run([sys.executable, "-c", "raise SystemExit(3)"], {}) == 3
    assert up._run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], {}) == 128 + 9


@pytest.mark.parametrize(("serving", "code"), [(False, 143), (True, 0)])
def test_a_run_that_a_service_manager_ends_is_not_done(signals, serving, code):
    up._end_by_signals(serving=serving)
    with pytest.raises(SystemExit) as end:
        signal.raise_signal(signal.SIGTERM)
    assert end.value.code == code


def test_what_a_dead_server_started_is_ended_too(signals, tmp_path):
    program = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    with (tmp_path / "pid").open("wb") as out:
        leader = subprocess.Popen([sys.executable, "-c", program], stdout=out, start_new_session=True)
    leader.wait()
    up._stop(leader)
    orphan = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 10
    while psutil.pid_exists(orphan) and psutil.Process(orphan).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("deaf", [False, True], ids=["listens", "is deaf"])
def test_ctrl_c_ends_a_run_and_what_it_started(signals, monkeypatch, tmp_path, capfd, deaf):
    """The run starts a child, says so, and waits; the child is gone with it, whether the run listens or has to be killed."""
    monkeypatch.setattr(up, "GRACE_SECONDS", 0.5)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    program = f"""
import signal, subprocess, time
signal.signal(signal.SIGINT, signal.{"SIG_IGN" if deaf else "SIG_DFL"})
pipe = open({str(pipe)!r}, "w")
subprocess.Popen(["sleep", "300"], stdout=pipe)
print("started", file=pipe, flush=True)
time.sleep(300)
"""
    ended = threading.Event()

    def press_ctrl_c():
        with pipe.open() as said:
            said.readline()
            os.kill(os.getpid(), signal.SIGINT)
            said.read()  # returns when nobody is left who could write
            ended.set()

    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=press_ctrl_c, daemon=True).start()
    assert up._run([sys.executable, "-c", program], dict(os.environ)) == 130
    assert ended.wait(10)
    assert "Traceback" not in capfd.readouterr().err


@pytest.fixture
def started(monkeypatch, tmp_path):
    """`started(*words)`: the commands that serving would start, and none is."""

    def serve(*words: str, tracking: str | None = None) -> list[list[str]]:
        commands = []

        class Ended:
            def __init__(self, command, **_):
                commands.append(command)

            def poll(self):
                return 0

        monkeypatch.setattr(up.subprocess, "Popen", Ended)
        monkeypatch.setattr(up, "_answers", lambda *_: True)
        monkeypatch.setattr(up, "_stop", lambda _: None)
        monkeypatch.setattr(sys, "argv", ["up", "--serve-only", *words])
        monkeypatch.setenv("HIERFORECAST_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking or "")
        (tmp_path / "home").mkdir(exist_ok=True)
        (tmp_path / "home/mlflow.db").touch()
        up.main()
        return commands

    return serve


def listens_on(command: list[str]) -> str:
    return command[1 + max(command.index(word) for word in ("--host", "--bind") if word in command)]


def test_everything_listens_on_this_machine_alone_unless_told_otherwise(signals, started, capfd):
    commands = started()
    assert len(commands) == 2
    for command in commands:
        assert up.is_loopback(listens_on(command).rpartition(":")[0] or listens_on(command)), command
    assert "--no-control-socket" in commands[0]
    assert "Warning" not in capfd.readouterr().err


def test_who_opens_it_to_others_is_told_what_that_means(signals, started, capfd):
    everybody = "0.0.0.0"  # noqa: S104
    commands = started("--host", everybody)
    assert listens_on(commands[1]) == everybody
    said = capfd.readouterr().err
    assert "listen on 0.0.0.0 and ask for no login: whoever reaches this machine reads everything" in said


@pytest.mark.parametrize("scheme", ["http", "postgresql"])
def test_a_password_in_the_address_of_mlflow_is_not_printed(signals, started, capfd, scheme):
    started(tracking=f"{scheme}://ada:hunter2@127.0.0.1:5000/x")
    said = capfd.readouterr()
    assert "127.0.0.1:5000/x" in said.out
    assert "hunter2" not in said.out + said.err


def test_no_documented_command_listens_on_every_address(root):
    """Nor any start-up that is shipped; a counter-example shows that the search finds one."""
    opened = re.compile(r"0\.0\.0\.0|\[::\]|(--host|--bind|-b)[ =]+(\*|::)")
    assert opened.search("gunicorn -b 0.0.0.0:80")
    assert opened.search("mlflow server --host ::")
    shipped = [path for name in ("deployments", "docs", "dashboard", "flows", ".ci") for path in (root / name).rglob("*")]
    shipped += [root / name for name in ("README.md", "prefect.yaml", "start.sh", "test.sh")]
    for path in shipped:
        if path.is_file() and path.suffix in (".md", ".py", ".sh", ".yaml", ".yml", ""):
            assert not opened.search(path.read_text()), path
