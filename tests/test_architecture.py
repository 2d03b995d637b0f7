"""The walls of the house: every import contract holds, and every one of them breaks when it is violated."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PACKAGES = ("flows", "tasks", "expectations", "hierforecast", "dashboard", "deployments")

# One offending line per contract: the contract's id, the file it goes into, the line.
VIOLATIONS = [
    ("rooms", "tasks/panels.py", "import flows.family"),
    ("rooms", "hierforecast/splits.py", "import tasks.panels"),
    ("floors", "hierforecast/errors.py", "import hierforecast.schema"),
    ("floors", "hierforecast/hiref/__init__.py", "import hierforecast.precision"),
    ("floors", "hierforecast/helpers.py", "RATE = 1"),
    ("dashboard", "dashboard/ids.py", "import tasks.panels"),
    ("dashboard", "dashboard/ids.py", "import hierforecast.hiref"),
    ("supervisor", "deployments/up.py", "import hierforecast.schema"),
    ("upstairs", "tasks/panels.py", "import dashboard.ids"),
    ("plain", "hierforecast/splits.py", "import mlflow"),
    ("torch", "tasks/hiref.py", "import torch"),
    ("tensorflow", "tasks/precision.py", "import tensorflow"),
    ("mlflow", "tasks/stages.py", "import mlflow"),
    ("great_expectations", "tasks/checks.py", "import great_expectations"),
    ("cycles", "tasks/panels.py", "import tasks.scoring"),
]


def lint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path, root) -> Path:
    for package in PACKAGES:
        shutil.copytree(root / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def test_contracts_hold(root):
    result = lint(root)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("contract", "file", "line"), VIOLATIONS, ids=[f"{v[0]}-{v[1]}" for v in VIOLATIONS])
def test_a_violation_breaks_its_contract(copy, contract, file, line):
    path = copy / file
    path.write_text((path.read_text() if path.exists() else "") + f"\n{line}\n")
    result = lint(copy, "--contract", contract)
    assert result.returncode == 1, result.stdout
    assert "BROKEN" in result.stdout or "exhaustive" in result.stdout.lower()


def test_every_contract_is_proven(root):
    declared = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {contract["id"] for contract in declared} == {violation[0] for violation in VIOLATIONS}


def test_the_fixed_top_level_stands(root):
    for name in (
        *PACKAGES,
        "tests",
        "prefect.yaml",
        "pyproject.toml",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "start.sh",
        "test.sh",
    ):
        assert (root / name).exists(), name


def test_the_pins_without_which_prefect_fails_are_dependencies(root):
    dependencies = tomllib.loads((root / "pyproject.toml").read_text())["project"]["dependencies"]
    assert "fastapi>=0.139,<0.151" in dependencies
    assert "sqlalchemy[asyncio]>=2.0,<2.1" in dependencies


@pytest.mark.parametrize(
    ("imported", "unwanted"),
    [
        ("hierforecast", ["torch", "tensorflow", "prefect", "mlflow", "great_expectations", "dash", "pandas"]),
        ("hierforecast.schema", ["torch", "tensorflow", "prefect", "mlflow", "great_expectations", "dash"]),
        ("hierforecast.synthetic", ["torch", "tensorflow", "prefect", "mlflow", "great_expectations", "dash"]),
        ("flows.weekly_retrain", ["torch", "tensorflow", "mlflow", "great_expectations", "dash"]),
    ],
)
def test_heavy_libraries_stay_behind_their_door(root, imported, unwanted):
    program = f"import sys, {imported}; print([name for name in {unwanted!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_pickle_in_the_source(root):
    for package in (*PACKAGES, "benchmarks"):
        for path in (root / package).rglob("*.py"):
            text = path.read_text()
            assert not any(word in text for word in ("import pickle", "joblib", "cloudpickle", "torch.load(")), path
