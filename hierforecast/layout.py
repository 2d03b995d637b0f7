"""Where the home folder is, what it keeps where, and what libraries are told because of it.

Nothing here reads the environment: flows, dashboard and supervisor hand in what they were given, and so agree without
sharing code.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hierforecast.errors import HomeError

HOME_VARIABLE = "HIERFORECAST_HOME"
TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"
USER_VARIABLE, PASSWORD_VARIABLE = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
DEFAULT_HOME = "data"

_LOGIN = re.compile(r"(?<=://)[^\s'\"<>]*@")  # up to the last @: passwords may hold one

# Whoever sets one of these has a Prefect of their own, whose profiles another PREFECT_HOME would hide.
_OWN_PREFECT = ("PREFECT_HOME", "PREFECT_API_URL", "PREFECT_PROFILE")

_SWITCHES = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # How long an MLflow server that is gone is asked: per request 0 + 2 + 4 + 8 s and some jitter, at every try of a step.
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # seconds; deployments/zombies.yaml takes 100 without one for death
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # the default, 20, is too short on a busy machine
    "TF_CPP_MIN_LOG_LEVEL": "3",  # below, every hit of XLA's program cache prints an error that is none
    "TF_ENABLE_ONEDNN_OPTS": "0",  # without it TensorFlow prints a notice at every import, and rounds differently
    "TF_USE_LEGACY_KERAS": "1",  # TensorFlow Probability 0.25 needs Keras 2
}


@dataclass(frozen=True)
class Home:
    """All state of an installation below one absolute folder."""

    root: Path

    @property
    def database(self) -> Path:
        """MLflow's embedded database."""
        return self.root / "mlflow.db"

    @property
    def tracking_uri(self) -> str:
        """MLflow's embedded store; a server's address in MLFLOW_TRACKING_URI takes precedence where that is read."""
        return f"sqlite:///{self.database}"

    @property
    def artifacts(self) -> Path:
        """MLflow's artifacts: everything a run or version keeps."""
        return self.root / "artifacts"

    @property
    def panels(self) -> Path:
        """Panels by company and content digest."""
        return self.root / "panels"

    @property
    def work(self) -> Path:
        """Model folders, check reports and tables on their way to the registry."""
        return self.root / "work"

    @property
    def caches(self) -> Path:
        """Compiled programs and the like; safe to delete."""
        return self.root / "caches"

    @property
    def prefect(self) -> Path:
        """Prefect's own home and results."""
        return self.root / "prefect"


def find_home(value: str | None, base: Path) -> Home:
    """The home that `value` names; nothing is made.

    Args:
        value: a folder as a person wrote it: absolute, beginning with ``~``, or relative to `base`. None or an empty
            text mean the default, ``data``.
        base: the folder that a relative value starts from.

    Raises:
        HomeError: ``~name`` names nobody on this machine.
    """
    try:
        return Home((base / Path(value or DEFAULT_HOME).expanduser()).resolve())
    except RuntimeError as error:
        raise HomeError(f"{HOME_VARIABLE}={value}: {error}. Give the folder's whole path.") from None


def open_home(home: Home) -> Home:
    """The same home, once its folder is there and can be written to.

    Raises:
        HomeError: it cannot be made, is a file, or refuses to be written to.
    """
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        if not os.access(home.root, os.W_OK | os.X_OK):
            raise PermissionError(0, "no permission to write")
    except OSError as error:
        reason = "it is a file" if home.root.is_file() else (error.strerror or str(error)).lower()
        cure = f"Name a folder that you can write to: {HOME_VARIABLE}=/path/to/folder"
        raise HomeError(f"cannot keep anything in {home.root}: {reason}. {cure}") from None
    return home


def default_environment(home: Home, given: Mapping[str, str]) -> dict[str, str]:
    """What libraries should find in their environment and what is not `given` there: state in the home, no telemetry.

    They read it when they are imported, so it has to be set before. Prefect gets a home in ours only where nothing says
    that there is a Prefect elsewhere.
    """
    caches = {"MPLCONFIGDIR": str(home.caches / "matplotlib")}
    defaults = {**_SWITCHES, **caches, "TF_XLA_FLAGS": f"--tf_xla_persistent_cache_directory={_quoted(home.caches / 'xla')}"}
    if not any(name in given for name in _OWN_PREFECT):
        defaults["PREFECT_HOME"] = str(home.prefect)
    return {name: value for name, value in defaults.items() if name not in given}


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address to listen on; a name other than ``localhost`` may be any."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def without_login(text: str) -> str:
    """A text whose addresses (``http://user:password@host``) have their logins left out, fit for a log or a page."""
    return _LOGIN.sub("***@", text)


def part_login(given: Mapping[str, str]) -> dict[str, str]:
    """What should stand in an environment whose MLflow address holds a login: the address without it, and the login apart.

    MLflow reads user and password from variables of their own and names its address in errors, tags and logs. Empty where
    the address of a server holds no login, or is no server's.
    """
    address = urlsplit(given.get(TRACKING_VARIABLE, ""))
    login, at, host = address.netloc.rpartition("@")
    if not at or address.scheme not in ("http", "https"):
        return {}
    user, _, password = login.partition(":")
    named = {USER_VARIABLE: unquote(user), PASSWORD_VARIABLE: unquote(password)}
    return {TRACKING_VARIABLE: address._replace(netloc=host).geturl()} | {k: v for k, v in named.items() if k not in given}


def registered_name(company: str, family: str) -> str:
    """The registered model of a company and family, e.g. ``demo-hiref``."""
    return f"{company}-{family}"


def _quoted(path: Path) -> str:
    """A path as TensorFlow reads it from a variable, which it splits at spaces."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
