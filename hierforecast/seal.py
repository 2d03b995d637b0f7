"""Seals: a list of files with the SHA-256 of each, and one digest over that list.

    seal = JSON of {path: sha256 of the file}, paths sorted
    digest = sha256 of the seal's text

The list lies beside the files; its digest is kept elsewhere (as a tag, in the registry's database). Whoever can change
only one of the two cannot change a file unseen.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from hierforecast.errors import SealError

SEAL = "seal.json"  # among the artifacts of a version's run
SEAL_TAG = "seal"  # of the version
OF_MODEL = "model/"  # how paths inside the registered model begin; all others are artifacts of its run


def sha256_of(path: Path) -> str:
    """The digest of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of(text: str) -> str:
    """The digest of a text as UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def digests_of(folder: Path, *, below: str = "") -> dict[str, str]:
    """Digests of all files in a folder by their path in it; `below` is put before each path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {below + path.relative_to(folder).as_posix(): sha256_of(path) for path in files}


def write_seal(digests: Mapping[str, str]) -> str:
    """The text of a seal."""
    return json.dumps(dict(sorted(digests.items())), indent=1) + "\n"


def read_seal(text: str, digest: str, *, of: str) -> dict[str, str]:
    """Digests by path, once the list itself is the one that was sealed; `of` is named in errors.

    Raises:
        SealError: the list was changed.
    """
    if digest_of(text) != digest:
        raise _broken(of, SEAL, "is not the list that was sealed when this version was registered")
    return json.loads(text)


def check_file(seal: Mapping[str, str], name: str, path: Path, *, of: str) -> None:
    """Pass a file that is as it was sealed under `name`.

    Raises:
        SealError: it was changed, or was never sealed.
    """
    if name not in seal:
        raise _broken(of, name, "was added after this version was registered")
    if sha256_of(path) != seal[name]:
        raise _broken(of, name, "was changed after this version was registered")


def check_folder(seal: Mapping[str, str], folder: Path, *, below: str, of: str, besides: frozenset[str] = frozenset()) -> None:
    """Pass a folder that holds exactly the sealed files whose paths begin with `below`.

    Args:
        seal: digests by path.
        folder: what to check.
        below: beginning of the paths in the seal.
        of: named in errors.
        besides: files that may lie in the folder unsealed.

    Raises:
        SealError: a file is missing, was changed, or was added.
    """
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
        name = path.relative_to(folder).as_posix()
        if name not in besides:
            check_file(seal, below + name, path, of=of)
    for name in seal:
        if name.startswith(below) and not (folder / name.removeprefix(below)).is_file():
            raise _broken(of, name, "is gone")


def _broken(of: str, name: str, what: str) -> SealError:
    return SealError(
        f"{of}: {name!r} {what}, so it is not used. Roll back to an earlier version (`python -m flows.rollback` with "
        "--settings and --family), or bring the file back from a backup; where nobody knows how it came about, delete the "
        "version in MLflow and train again"
    )
