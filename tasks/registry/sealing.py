"""Sealed versions: what was logged, file by file, checked before any of it is read or run.

The list of digests (`hierforecast.seal`) is an artifact of the version's run, its digest a tag of the version. Artifacts
lie in a store of files, tags in the database: whoever can write to the store alone cannot change a version unseen.
"""

import contextlib
import logging
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException

from hierforecast.errors import RegistryError
from hierforecast.seal import OF_MODEL, SEAL, SEAL_TAG, check_file, check_folder, digest_of, digests_of, read_seal, write_seal
from tasks.registry.connection import client
from tasks.registry.records import Evidence, Version

_log = logging.getLogger(__name__)
_SEALED_FOLDERS = ("tables", "checks", "plots")  # of the run; what lies beside them may have come after the seal
_WRITTEN_BY_DOWNLOADS = frozenset({"registered_model_meta"})  # MLflow adds it to every copy of a registered model


def seal_run(run_id: str, model_uri: str, evidence: Evidence, texts: Mapping[str, str]) -> str:
    """Keep the digests of everything that was logged as the run's `seal.json`; returns its digest, for the version's tag.

    Digests are those of the files here, not of what the store made of them; the model is fetched back once, for what
    MLflow itself wrote beside it.

    Args:
        run_id: whose artifacts.
        model_uri: of the logged model.
        evidence: folders that were logged.
        texts: what was logged as text, by artifact path.

    Raises:
        RegistryError: the store does not hold the model that was trained.
    """
    folders = {"tables": evidence.tables, "checks": evidence.checks, **({"plots": evidence.plots} if evidence.plots else {})}
    digests = {name: digest_of(text) for name, text in texts.items()}
    for name, folder in folders.items():
        digests |= digests_of(Path(folder), below=f"{name}/")
    seal = write_seal(digests | _digests_of_model(model_uri, Path(evidence.model)))
    client().log_text(run_id, seal, SEAL)
    return digest_of(seal)


def sealed_text(version: Version, name: str) -> str:
    """A text among the artifacts of a version's run.

    Raises:
        SealError: it is not the one that was registered, or is gone.
    """
    seal = _seal_of(version)
    with _fetched_file(version, name) as path:
        if seal is not None:
            check_file(seal, name, path, of=_title(version))
        return path.read_text(encoding="utf-8")


def load(version: Version) -> Any:
    """The version as a pyfunc model, loaded from a copy whose every file was checked.

    A version of an earlier release has no seal: it is loaded with a warning.

    Raises:
        SealError: a file was changed, added or removed since the version was registered; nothing of it was run.
    """
    folder = Path(tempfile.mkdtemp(prefix="hierforecast-model-"))
    try:
        mlflow.artifacts.download_artifacts(f"models:/{version.name}/{version.version}", dst_path=str(folder))
        _check_model(version, folder)
        model = mlflow.pyfunc.load_model(str(folder))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(model, shutil.rmtree, folder, ignore_errors=True)  # draws are read when they are asked for
    return model


def verify(version: Version) -> int:
    """Check every sealed file of a version; returns how many there are.

    Raises:
        SealError: one was changed or removed, or one was added to the model, tables, checks or plots.
        RegistryError: the version has no seal.
    """
    seal = _seal_of(version)
    if seal is None:
        raise RegistryError(f"{_title(version)} was registered by an earlier release, without a seal; train again to get one")
    with _fetched(f"models:/{version.name}/{version.version}") as folder:
        check_folder(seal, folder, below=OF_MODEL, of=_title(version), besides=_WRITTEN_BY_DOWNLOADS)
    for name in seal:
        if not name.startswith(OF_MODEL):
            with _fetched_file(version, name) as path:
                check_file(seal, name, path, of=_title(version))
    for name in _names_in(version, _SEALED_FOLDERS):
        if name not in seal:
            check_file(seal, name, Path(name), of=_title(version))
    return len(seal)


def _check_model(version: Version, folder: Path) -> None:
    seal = _seal_of(version)
    if seal is None:
        _log.warning("%s was registered by an earlier release, without a seal: its files are not checked", _title(version))
        return
    check_folder(seal, folder, below=OF_MODEL, of=_title(version), besides=_WRITTEN_BY_DOWNLOADS)


def _seal_of(version: Version) -> dict[str, str] | None:
    """Digests by path, or None where the version has no seal."""
    digest = client().get_model_version(version.name, version.version).tags.get(SEAL_TAG)
    if digest is None:
        return None
    with _fetched_file(version, SEAL) as path:
        return read_seal(path.read_text(encoding="utf-8", errors="replace"), digest, of=_title(version))


def _names_in(version: Version, folders: Iterable[str]) -> list[str]:
    """Paths of all files that lie in folders of a version's run."""
    items = [item for folder in folders for item in client().list_artifacts(version.run_id, folder)]
    deeper = [item.path for item in items if item.is_dir]
    return [item.path for item in items if not item.is_dir] + (_names_in(version, deeper) if deeper else [])


def _digests_of_model(model_uri: str, trained: Path) -> dict[str, str]:
    with _fetched(model_uri) as folder:
        kept = digests_of(folder, below=OF_MODEL)
    for name, digest in digests_of(trained, below=f"{OF_MODEL}artifacts/{trained.name}/").items():
        if kept.get(name) != digest:
            raise RegistryError(
                f"MLflow's store did not keep {name!r} as it was trained; see whether it is full, and run again"
            )
    return {name: digest for name, digest in kept.items() if name.removeprefix(OF_MODEL) not in _WRITTEN_BY_DOWNLOADS}


@contextlib.contextmanager
def _fetched(uri: str) -> Iterator[Path]:
    """A copy of an artifact, or of a folder of them, for as long as it is looked at."""
    client()  # MLflow asks the registry that was named last
    with tempfile.TemporaryDirectory(prefix="hierforecast-sealed-") as folder:
        yield Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder))


@contextlib.contextmanager
def _fetched_file(version: Version, name: str) -> Iterator[Path]:
    """A copy of a file of a version's run.

    Raises:
        SealError: it is gone.
    """
    server = client()
    with tempfile.TemporaryDirectory(prefix="hierforecast-sealed-") as folder:
        try:
            path = mlflow.artifacts.download_artifacts(f"runs:/{version.run_id}/{name}", dst_path=folder)
        except MlflowException:
            # MLflow says of whatever goes wrong that there is no such file; a server that is away cannot list any either.
            beside = server.list_artifacts(version.run_id, name.rpartition("/")[0] or None)
            if name not in {item.path for item in beside}:
                check_folder({name: ""}, Path(folder), below=name, of=_title(version))
            raise
        yield Path(path)


def _title(version: Version) -> str:
    return f"{version.name} version {version.version}"
