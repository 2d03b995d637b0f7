"""Looks for anything that would be unpickled when it is read: in files, archives, databases, MLflow's models, Prefect's."""

import bz2
import gzip
import io
import json
import lzma
import pickletools
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import yaml

SUFFIXES = {".pkl", ".pickle", ".p", ".joblib", ".dill", ".cloudpickle", ".pt", ".pth", ".ckpt"}
_BASE64 = re.compile(rb"(?<![A-Za-z0-9+/])gA[IJMNQRSTUVWX][A-Za-z0-9+/\n=\\]{12,}")  # of \x80 and a protocol
_DEEPEST = 3  # archives in archives


def find_pickles(folder: Path) -> list[str]:
    """Every file below a folder that holds a pickle, with the reason; files that are gone meanwhile are passed over."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with suppress(FileNotFoundError):
            found += [f"{path.relative_to(folder)}: {reason}" for reason in reasons(path)]
    return found


def reasons(path: Path) -> list[str]:
    """Why a file would be unpickled."""
    if path.name.endswith(("-wal", "-shm", "-journal")):
        return []  # read through their database
    content = path.read_bytes()
    if content.startswith(b"SQLite format 3\x00"):
        return list(_in_database(path))
    return list(_in_content(path.name, content, _DEEPEST))


def _in_content(name: str, content: bytes, deeper: int) -> Iterator[str]:
    if Path(name).suffix.lower() in SUFFIXES:
        yield f"{name} is named as a pickle"
    if _is_pickle(content):
        yield f"{name} is a pickle"
    if content.startswith(b"\x93NUMPY") and _has_objects(content):
        yield f"{name} is an array of objects, which NumPy pickles"
    if b"arrow.py_extension_type" in content:
        yield f"{name} has a column of a type that Arrow pickles"
    if deeper:
        yield from _in_archive(name, content, deeper - 1)
    if Path(name).name == "MLmodel":
        yield from _in_mlmodel(name, content)
    if content[:1] in (b"{", b"[", b'"', b"g"):
        yield from _in_text(name, content)


def _is_pickle(content: bytes) -> bool:
    """Of protocols 2 to 5 by how they begin, of 0 and 1 by being one from the first byte to the last."""
    if content[:1] == b"\x80" and content[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    if content[-1:] != b"." or len(content) < 3:
        return False
    try:
        *_, (last, _, place) = pickletools.genops(content)
    except Exception:
        return False
    return last.name == "STOP" and place == len(content) - 1


def _has_objects(content: bytes) -> bool:
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(stream)[2].hasobject


def _in_archive(name: str, content: bytes, deeper: int) -> Iterator[str]:
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from _in_content(f"{name}/{member}", archive.read(member), deeper)
    for magic, unpack in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress), (b"\xfd7zXZ", lzma.decompress)):
        if content.startswith(magic):
            yield from _in_content(f"{name} (unpacked)", unpack(content), deeper)
    if content[:2] in (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"):
        with suppress(zlib.error):
            yield from _in_content(f"{name} (unpacked)", zlib.decompress(content), deeper)


def _in_mlmodel(name: str, content: bytes) -> Iterator[str]:
    flavors = yaml.safe_load(content)["flavors"]
    served = flavors.get("python_function", {})
    if set(flavors) != {"python_function"}:
        yield f"{name} has flavours of which some pickle: {sorted(flavors)}"
    if served.get("loader_module") != "mlflow.pyfunc.loaders.code_model" or not served.get("model_code_path"):
        yield f"{name} is loaded by {served.get('loader_module')}, not from code"
    if "python_model" in served or "data" in served:
        yield f"{name} names a pickled object"


def _in_text(name: str, content: bytes) -> Iterator[str]:
    if _BASE64.search(content):
        yield f"{name} holds a pickle as base64"
    with suppress(ValueError, LookupError, TypeError):
        kind = json.loads(content)["metadata"]["serializer"]["type"]
        if kind != "json":
            yield f"{name} is a result of Prefect kept by its {kind!r} serializer"


def _in_database(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=60)) as database:
        database.text_factory = bytes
        tables = [row[0].decode() for row in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            for row in database.execute(f'select * from "{table}"'):  # noqa: S608
                if any(isinstance(value, bytes) and (_is_pickle(value) or _BASE64.search(value)) for value in row):
                    yield f"{path.name} holds a pickle in its table {table}"
                    break
