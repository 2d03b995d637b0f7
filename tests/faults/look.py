"""What a home holds, as a process sees it that was not there before: versions, aliases, answers, tables, leftovers.

Each look is a new process. It comes from a fork server that has imported the slow libraries and nothing else, so that a look
costs a second and not twenty.
"""

import hashlib
import json
import multiprocessing
import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tests.faults import company

UNFINISHED = ("*.tmp", "*.old", "checkpoint*")
UNLOADABLE = "cannot be loaded"
_SLOW = ["mlflow", "mlflow.pyfunc", "mlflow.store.tracking.sqlalchemy_store", "torch", "arviz", "h5netcdf", "tests.faults.look"]


@dataclass(frozen=True)
class SeenVersion:
    """One registered version: its tags, whether its gates say that it may be champion, and digests of what it holds.

    `content` has the answer about a panel's weeks, the draws, and every table, each as a digest; or one entry `UNLOADABLE`
    with the reason.
    """

    version: int
    fingerprint: str
    decision: str | None
    held: bool
    content: dict[str, str]

    @property
    def loads(self) -> bool:
        """Whether it was loaded and answered."""
        return UNLOADABLE not in self.content


@dataclass(frozen=True)
class Look:
    """A home at one moment, families by name."""

    versions: dict[str, list[SeenVersion]] = field(default_factory=dict)
    aliases: dict[str, dict[str, int]] = field(default_factory=dict)
    running: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)

    def champion(self, family: str) -> SeenVersion | None:
        """The version behind the alias `champion`."""
        number = self.aliases.get(family, {}).get("champion")
        return next((seen for seen in self.versions.get(family, []) if seen.version == number), None)

    def champions(self) -> dict[str, int]:
        """Their numbers by family."""
        return {family: aliases["champion"] for family, aliases in self.aliases.items() if "champion" in aliases}


def look(home: Path, questions: Path) -> Look:
    """Look at a home from a new process; versions are asked about all weeks of the panels in the folder `questions`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_SLOW)
    with ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(_look, str(home), str(questions)).result()


def unfinished(home: Path) -> list[str]:
    """Files and folders that only a run that is under way may have, relative to the home."""
    found = {path for pattern in UNFINISHED for path in home.rglob(pattern) if "caches" not in path.relative_to(home).parts}
    return sorted(str(path.relative_to(home)) for path in found)


def _look(home: str, questions: str) -> Look:
    warnings.simplefilter("ignore")
    os.environ |= {"HIERFORECAST_HOME": home, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    root = Path(home)
    if not (root / "mlflow.db").exists():
        return Look(unfinished=unfinished(root))
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{root}/mlflow.db")
    mlflow.set_registry_uri(f"sqlite:///{root}/mlflow.db")  # else whatever the environment says
    client = mlflow.MlflowClient()
    versions, aliases = {}, {}
    for family in company.FAMILIES:
        name = f"{company.NAME}-{family}"
        found = sorted(client.search_model_versions(f"name = '{name}'"), key=lambda version: int(version.version))
        if found:
            versions[family] = [_seen(version, family, Path(questions)) for version in found]
            aliases[family] = {alias: int(number) for alias, number in client.get_registered_model(name).aliases.items()}
    return Look(versions, aliases, list(_running(client)), unfinished(root))


def _running(client: Any) -> Iterator[str]:
    for experiment in client.search_experiments():
        for run in client.search_runs([experiment.experiment_id]):
            if run.info.status in ("RUNNING", "SCHEDULED"):
                yield f"{run.info.run_name} ({run.info.status.lower()})"


def _seen(version: Any, family: str, questions: Path) -> SeenVersion:
    tags = version.tags
    gates = json.loads(tags.get("decision_reasons", "[]"))
    try:
        content = _content(version, family, questions)
    except Exception as error:
        content = {UNLOADABLE: f"{type(error).__name__}: {error}"}
    return SeenVersion(
        version=int(version.version),
        fingerprint=tags.get("fingerprint", ""),
        decision=tags.get("decision"),
        held=bool(gates) and all(gate["held"] for gate in gates) and tags.get("decision") != "kept",
        content=content,
    )


def _content(version: Any, family: str, questions: Path) -> dict[str, str]:
    """Load a version, let it answer, read all its tables, and hold every file of it against its seal."""
    import mlflow

    from tasks.registry import sealing, versions

    model = mlflow.pyfunc.load_model(f"models:/{version.name}/{version.version}")
    rows = pd.read_parquet(questions / ("sales.parquet" if family == "hiref" else "media.parquet"))
    content = {"answer": _digest(model.predict(rows[model.metadata.get_input_schema().input_names()]))}
    for path in Path(mlflow.artifacts.download_artifacts(f"models:/{version.name}/{version.version}")).rglob("posterior.nc"):
        content["draws"] = digest_of_draws(path)
    for part in ("tables", "checks", "plots"):
        folder = Path(mlflow.artifacts.download_artifacts(f"runs:/{version.run_id}/{part}"))
        for path in sorted(folder.rglob("*.parquet")):
            content[path.name] = _digest(pd.read_parquet(path))
        content[part] = str(sum(path.stat().st_size > 0 for path in folder.rglob("*") if path.is_file()))
    known = {described.version: described for described in versions.all_versions(company.NAME, family)}
    content["sealed files"] = str(sealing.verify(known[str(version.version)]))
    content["its run"] = mlflow.MlflowClient().get_run(version.run_id).info.status.lower()
    return content


def _digest(table: pd.DataFrame) -> str:
    """Equal for tables that are equal to the last bit."""
    digest = hashlib.sha256(repr(list(table.columns)).encode())
    digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def digest_of_draws(path: Path) -> str:
    """Equal for NetCDF files whose groups hold the same numbers and names, to the last bit."""
    import h5netcdf

    digest = hashlib.sha256()
    with h5netcdf.File(path) as stored:
        for group in sorted(stored.groups):
            for name, variable in sorted(stored[group].variables.items()):
                values = variable[...]
                texts = values.dtype.hasobject  # whose bytes are addresses
                digest.update(f"{group}/{name}".encode() + (repr(values.tolist()).encode() if texts else values.tobytes()))
    return digest.hexdigest()[:16]
