"""The weekly retrain as a process of its own, and what is in the MLflow server that it talks to."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow
import yaml

ROOT = Path(__file__).resolve().parents[2]


class Retrain:
    """`python -m flows.weekly_retrain`, started; its output goes to a file."""

    def __init__(self, settings: Path, environment: dict[str, str], log: Path) -> None:
        command = [sys.executable, "-m", "flows.weekly_retrain", "--settings", str(settings)]
        self.log = log
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    def end(self, seconds: float = 900) -> int:
        """Wait for it; the exit code."""
        try:
            return self.process.wait(timeout=seconds)
        finally:
            self.process.kill()


def of_one_family(settings: Path, folder: Path, panel: str) -> Path:
    """Settings of a company that has only its sales, or only its media."""
    raw = yaml.safe_load(settings.read_text())
    del raw["media" if panel == "sales" else "sales"]
    path = folder / f"{panel}.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


class Kept:
    """What an MLflow server keeps of a company's family."""

    def __init__(self, address: str, name: str) -> None:
        self.client = mlflow.MlflowClient(tracking_uri=address, registry_uri=address)
        self.name = name

    def runs(self, status: str) -> list[Any]:
        company = self.client.get_experiment_by_name(self.name.partition("-")[0])
        place = [company.experiment_id] if company else []
        return self.client.search_runs(place, f"attributes.status = '{status}'") if place else []

    def versions(self) -> list[str]:
        return [str(version.version) for version in self.client.search_model_versions(f"name = '{self.name}'")]

    def champion(self) -> str:
        return str(self.client.get_model_version_by_alias(self.name, "champion").version)
