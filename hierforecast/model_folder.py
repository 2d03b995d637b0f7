"""A saved model is a readable folder: JSON for what it is, safetensors for its numbers, checksums for both.

    model/
      manifest.json        format, family, package version, sha256 of every other file
      config.json          everything but arrays
      arrays.safetensors   named arrays
      ...                  whatever else the family keeps (NetCDF draws)

Nothing in it is pickled, so loading a folder never runs code that came with it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from hierforecast.errors import ModelFolderError
from hierforecast.seal import digests_of
from hierforecast.whole_files import whole_folder

FORMAT = 1
MANIFEST, CONFIG, ARRAYS = "manifest.json", "config.json", "arrays.safetensors"


class ModelFolder(NamedTuple):
    """What a folder held: `config` is JSON, `arrays` map names to arrays of any shape, `path` finds further files."""

    family: str
    config: dict[str, Any]
    arrays: dict[str, np.ndarray]
    path: Path


def write_model_folder(
    folder: str | Path,
    *,
    family: str,
    config: dict[str, Any],
    arrays: dict[str, np.ndarray],
    write_more: Callable[[Path], None] | None = None,
) -> Path:
    """Write a model folder in one step: beside the target first, then renamed over it.

    Args:
        folder: where to; an existing model folder is replaced, anything else there is an error.
        family: "hiref" or "precision"; decides who loads it.
        config: JSON-ready description of the model.
        arrays: the model's numbers.
        write_more: called with the folder under construction, for files of the family's own.

    Raises:
        ModelFolderError: something that is not a model folder is in the way.
        NoRoomError: the disk is full; the old folder stands.
    """
    folder = Path(folder)
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise ModelFolderError(f"{str(folder)!r} exists and is not a saved model; choose another place")
    with whole_folder(folder) as building:
        (building / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, building / ARRAYS)
        if write_more:
            write_more(building)
        manifest = {"format": FORMAT, "family": family, "package": _package_version(), "sha256": _checksums(building)}
        (building / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return folder


def read_model_folder(folder: str | Path, *, family: str | None = None) -> ModelFolder:
    """Read a model folder after checking every file against its checksum.

    Raises:
        ModelFolderError: no such folder, another family than wanted, a newer format, or a file missing or changed.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest.get("format") != FORMAT:
        raise ModelFolderError(f"{str(folder)!r} has format {manifest.get('format')!r}; this version reads {FORMAT}")
    if family and manifest["family"] != family:
        raise ModelFolderError(f"{str(folder)!r} holds a {manifest['family']} model, wanted {family}; use load_model")
    found = _checksums(folder)
    damaged = sorted(name for name, digest in manifest["sha256"].items() if found.get(name) != digest)
    if damaged:
        raise ModelFolderError(f"{str(folder)!r} is damaged: {', '.join(damaged)} missing or changed since it was saved")
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        arrays = load_file(folder / ARRAYS)
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelFolderError(f"{str(folder)!r} cannot be read: {error}") from None
    return ModelFolder(manifest["family"], config, arrays, folder)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest alone, cheap: which family, format and files. Raises ModelFolderError if there is none."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ModelFolderError(f"{str(folder)!r} is not a saved model: no readable {MANIFEST} in it") from None
    if not isinstance(manifest, dict) or not {"family", "sha256"} <= manifest.keys():
        raise ModelFolderError(f"{str(folder)!r} is not a saved model: its {MANIFEST} names no family or checksums")
    return manifest


def _checksums(folder: Path) -> dict[str, str]:
    return {name: digest for name, digest in digests_of(folder).items() if name != MANIFEST}


def _package_version() -> str:
    from hierforecast import __version__

    return __version__
