"""Where a side runs: its interpreter, the peers' environments, and the folders that its compilers keep things in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "data" / "peers"
PEER_PYTHON = ">=3.12,<3.14"  # what today's PyMC-Marketing asks for
_XLA = "--tf_xla_persistent_cache_directory={}"


class Side(NamedTuple):
    """A library on this problem."""

    module: str  # in this package
    environment: str  # folder of its environment; "" is the one that runs the benchmark
    caches: dict[str, str]  # variables whose {} is a folder of compiled programs
    settings: dict[str, str]


_JAX_CACHE = {"JAX_COMPILATION_CACHE_DIR": "{}", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
SIDES = {
    "ours": Side("ours", "", {"TF_XLA_FLAGS": _XLA}, {}),
    "pymc": Side("pymc_nutpie", "pymc", {"PYTENSOR_FLAGS": "base_compiledir={}", "NUMBA_CACHE_DIR": "{}"}, {}),
    "meridian-jax": Side("meridian", "meridian", _JAX_CACHE, {"MERIDIAN_BACKEND": "jax"}),
    "meridian-tf": Side("meridian", "meridian", {"TF_XLA_FLAGS": _XLA}, {"MERIDIAN_BACKEND": "tensorflow"}),
}
PACKAGES = {"pymc": ["pymc-marketing", "nutpie"], "meridian": ["google-meridian"]}


def interpreter(side: Side, peers: Path) -> Path:
    """The Python that has the side's library."""
    return peers / side.environment / "bin" / "python" if side.environment else Path(sys.executable)


def environment_of(side: Side, caches: Path, bytecode: Path) -> dict[str, str]:
    """Variables of a side's process: on the CPU, with the threads its library takes, its modules kept as bytecode."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    folders = {name: value.format(caches) for name, value in side.caches.items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**inherited, **quiet, **side.settings, **folders, "PYTHONPYCACHEPREFIX": str(bytecode)}


def install_peers(peers: Path, *, python: str | None = None) -> None:
    """Make the environments that are not there yet, with uv, from the package index that it is set up for."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        raise SystemExit("uv is needed to install the peers: pip install uv")
    for name, packages in PACKAGES.items():
        place = peers / name / "bin" / "python"
        if place.exists():
            continue
        subprocess.run([uv, "venv", "--clear", "--python", python or _peer_python(), str(peers / name)], check=True)
        subprocess.run([uv, "pip", "install", "--python", str(place), *packages], check=True)


def _peer_python() -> str:
    """Pyenv keeps interpreters off the path, where uv does not look."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    kept = sorted(found for minor in (12, 13) for found in versions.glob(f"3.{minor}.*/bin/python"))
    return str(kept[0]) if kept else PEER_PYTHON
