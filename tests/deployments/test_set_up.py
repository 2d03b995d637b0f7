"""`set_up.sh` and `test.sh` on a checkout of nothing but them, with a Python whose environments are made in a moment."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# An interpreter that makes environments without waiting for pip: a stand-in is put where pip would be.
QUICK_PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
  echo {made} >>"{log}"
  "{python}" -m venv --clear --without-pip .venv &&
    .venv/bin/python -c 'import pathlib, site; pathlib.Path(site.getsitepackages()[0], "pip.py").write_text("")'
else
  exec "{python}" "$@"
fi
"""


class Checkout:
    """A folder with the set-up in it; `install` only says that it was called."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder
        self.log = log

    def set_up(self, kind: str = "run", *, install: str = "echo installed", cwd: Path | None = None, **given: str):
        """Set up as start.sh does, with `python3.11` and its like on the PATH being the quick one."""
        script = (
            f'set -euo pipefail; here=$PWD; cd "{self.folder}"; . deployments/set_up.sh; '
            f'install() {{ {install} >>"{self.log}"; }}; set_up {kind}'
        )
        kept = {name: value for name, value in os.environ.items() if name != "PYTHON"}
        environment = kept | {"PATH": f"{self.log.parent / 'bin'}:{os.environ['PATH']}"} | given
        command = ["bash", "-c", script]
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)

    def happened(self) -> list[str]:
        """What was made and installed since the last question."""
        told = self.log.read_text().split() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return told


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    folder = tmp_path / "check out"
    (folder / "deployments").mkdir(parents=True)
    shutil.copy(ROOT / "deployments/set_up.sh", folder / "deployments")
    for name in ("pyproject.toml", "constraints.txt"):
        (folder / name).write_text("one\n")
    log = tmp_path / "log"
    base = os.path.realpath(sys.executable)
    for name in ("bin/python3.13", "bin/python3.12", "bin/python3.11", "bin/python3", "my own/python"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            QUICK_PYTHON.format(python=base, log=log, made="made" if path.parent.name == "bin" else "made-with-own")
        )
        path.chmod(0o755)
    return Checkout(folder, log)


@pytest.fixture
def made(checkout) -> Checkout:
    """A checkout that was set up once."""
    done = checkout.set_up()
    assert done.returncode == 0, done.stderr
    assert checkout.happened() == ["made", "installed"]
    return checkout


def test_a_second_set_up_does_nothing(made):
    assert made.set_up().stderr == ""
    assert made.happened() == []


def test_changed_requirements_are_installed_into_the_same_environment(made):
    (made.folder / "constraints.txt").write_text("two\n")
    assert made.set_up().returncode == 0
    assert made.happened() == ["installed"]


def test_developers_tools_serve_a_run_and_are_kept(made):
    made.set_up("develop")
    assert made.happened() == ["installed"]
    made.set_up("run")
    assert made.happened() == []
    (made.folder / "constraints.txt").write_text("two\n")
    made.set_up("run")
    assert (made.folder / ".venv/made-for").read_text().startswith("develop\n")


def test_an_environment_without_pip_is_made_anew(checkout):
    """What is left when making it is interrupted: an interpreter and nothing to install with."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", checkout.folder / ".venv"], check=True)
    assert checkout.set_up().returncode == 0
    assert checkout.happened() == ["made", "installed"]


def test_an_environment_cut_short_while_installing_is_made_anew(checkout):
    assert checkout.set_up(install="kill -9 $$").returncode == -9
    assert checkout.happened() == ["made"]
    assert checkout.set_up().returncode == 0
    assert checkout.happened() == ["made", "installed"]


def test_a_moved_environment_is_made_anew(made):
    kept = made.folder / ".venv" / "from the old place"
    kept.touch()
    made.folder = made.folder.rename(made.folder.parent / "moved")
    assert made.set_up().returncode == 0
    assert made.happened() == ["made", "installed"]
    assert not (made.folder / ".venv" / kept.name).exists()


def test_an_interpreter_is_named_from_where_the_person_stands(checkout, tmp_path):
    done = checkout.set_up(cwd=tmp_path, PYTHON="my own/python")
    assert done.returncode == 0, done.stderr
    assert checkout.happened() == ["made-with-own", "installed"]
    assert checkout.set_up(cwd=tmp_path, PYTHON="my own/python").stderr == ""
    assert checkout.happened() == []


@pytest.mark.parametrize("version", [None, "3.8"], ids=["missing", "too old"])
def test_an_interpreter_that_does_not_fit_is_told_and_no_other_taken(made, tmp_path, version):
    named = tmp_path / "my own" / "other"
    if version:
        named.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo Python {version} || exit 1\n')
        named.chmod(0o755)
    done = made.set_up(PYTHON=str(named))
    assert done.returncode == 1
    assert f"needs Python 3.11, 3.12 or 3.13; PYTHON={named} is none of them" in done.stderr
    assert version is None or f"(Python {version})" in done.stderr
    assert made.happened() == []


def test_another_interpreter_gets_an_environment_of_its_own(made, tmp_path):
    other = tmp_path / "my own" / "other"
    text = (tmp_path / "my own" / "python").read_text()
    # It says that it is installed elsewhere, and is the same in all else.
    other.write_text(text.replace("else\n", 'elif [ "$2" != "${2#*base_prefix}" ]; then echo elsewhere\nelse\n'))
    other.chmod(0o755)
    assert made.set_up(PYTHON=str(other)).returncode == 0
    assert made.happened() == ["made-with-own", "installed"]


@pytest.fixture
def bare(tmp_path) -> Path:
    """test.sh alone: its set-up does nothing, its tools only say how they were called, and apt-get fails."""
    (tmp_path / "deployments").mkdir()
    (tmp_path / "deployments/set_up.sh").write_text('say() { echo "$*" >&2; }\nset_up() { :; }\n')
    shutil.copy(ROOT / "test.sh", tmp_path)
    tools = {
        ".venv/bin/python": 'echo "$@"',
        "bin/apt-get": "exit 100",
        "bin/id": "echo 0",
        "bin/dirname": "echo .",
    }
    for name, body in tools.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
    return tmp_path


def call_tests(bare: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [shutil.which("bash"), "test.sh", *words]
    environment = {"PATH": str(bare / "bin")}
    return subprocess.run(command, cwd=bare, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(Path("/Applications/Google Chrome.app").exists(), reason="this Mac has Chrome")
def test_where_chromium_cannot_be_installed_the_advice_comes_and_the_tests_run(bare):
    done = call_tests(bare, "-k", "some")
    assert done.returncode == 0, done.stderr
    assert "installing Chromium" in done.stderr
    assert "the browser tests will be skipped. Install it" in done.stderr
    assert done.stdout.splitlines()[-1] == "-m pytest --numprocesses=2 --dist=loadfile -m not slow -k some"


def test_the_slow_tier_is_all_tests(bare):
    for there in ("chromium", "initdb"):
        (bare / "bin" / there).symlink_to(bare / "bin/id")
    done = call_tests(bare, "--slow", "-x")
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "-m pytest --numprocesses=2 --dist=loadfile -x"
