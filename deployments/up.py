"""The supervisor behind ./start.sh: run the weekly retrain, then serve the dashboard and the MLflow UI until Ctrl-C.

It only starts processes. Everything listens on the loopback address unless told otherwise.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from hierforecast.layout import DEFAULT_HOME, HOME_VARIABLE, TRACKING_VARIABLE, Home

ROOT = Path(__file__).resolve().parent.parent
DEMO = "deployments/demo.yaml"
STARTUP_SECONDS = 180


def main() -> int:
    """Run what the command line asks for; returns the exit code."""
    arguments = _arguments()
    home = Home(Path(os.environ.get(HOME_VARIABLE) or ROOT / DEFAULT_HOME).expanduser().resolve())
    environment = _environment(home)
    began = time.monotonic()
    code = subprocess.run(_retrain_command(arguments), cwd=ROOT, env=environment, check=False).returncode
    if code:
        return code
    print(f"\nThe run took {time.monotonic() - began:.0f} s. Everything is kept in {home.root}", flush=True)
    if arguments.no_serve:
        print("Look at it with ./start.sh (dashboard and MLflow UI).")
        return 0
    return _serve(arguments, environment)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./start.sh", description="Run the weekly retrain of a company, then serve the dashboard."
    )
    parser.add_argument("--settings", help=f"a company's YAML file (default: the demo, {DEMO})")
    parser.add_argument("--sales", help="sales file (Parquet or CSV) in place of the one in the settings")
    parser.add_argument("--media", help="media file, likewise")
    parser.add_argument("--no-serve", action="store_true", help="end after the run")
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8050, help="the dashboard's port (default: 8050, or the next free one)")
    parser.add_argument(
        "--mlflow-port", type=int, default=5000, help="the MLflow UI's port (default: 5000, or the next free one)"
    )
    parser.add_argument("--from", dest="here", default=".", help=argparse.SUPPRESS)
    return parser.parse_args()


def _environment(home: Home) -> dict[str, str]:
    """The environment of everything that is started: state in the home, no telemetry, Prefect without a server."""
    home.prefect.mkdir(parents=True, exist_ok=True)
    defaults = {
        "PREFECT_HOME": str(home.prefect),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "INFO",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    }
    return {**defaults, **os.environ, HOME_VARIABLE: str(home.root)}


def _retrain_command(arguments: argparse.Namespace) -> list[str]:
    """The flow as a process. Paths are meant from where the person stood when typing them."""
    command = [sys.executable, "-m", "flows.weekly_retrain"]
    settings = Path(arguments.here, arguments.settings).resolve() if arguments.settings else ROOT / DEMO
    command += ["--settings", str(settings)]
    for name in ("sales", "media"):
        given = getattr(arguments, name)
        if given:
            command += [f"--{name}", str(Path(arguments.here, given).resolve())]
    return command


def _serve(arguments: argparse.Namespace, environment: dict[str, str]) -> int:
    """Start dashboard and MLflow UI, say where they are, and wait for Ctrl-C or for one of them to end."""
    host = arguments.host
    dashboard_port, mlflow_port = _free_port(host, arguments.port), _free_port(host, arguments.mlflow_port)
    home = Home(Path(environment[HOME_VARIABLE]))
    commands = {
        f"http://{host}:{dashboard_port}/healthz": [
            *(sys.executable, "-m", "gunicorn", "--bind", f"{host}:{dashboard_port}", "--workers", "1", "--threads", "4"),
            *("--log-level", "warning", "dashboard.app:server"),
        ],
    }
    if not environment.get(TRACKING_VARIABLE):
        commands[f"http://{host}:{mlflow_port}/health"] = [
            *(sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(mlflow_port), "--workers", "1"),
            *("--backend-store-uri", home.tracking_uri, "--default-artifact-root", home.artifacts.as_uri()),
        ]
    log = (home.root / "servers.log").open("ab")
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
        for command in commands.values()
    ]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        for address, process in zip(commands, processes, strict=True):
            if not _answers(address, process):
                print(f"{address} does not answer; see {home.root / 'servers.log'}", file=sys.stderr)
                return 1
        mlflow_at = environment.get(TRACKING_VARIABLE) or f"http://{host}:{mlflow_port}"
        print(f"\nDashboard:  http://{host}:{dashboard_port}\nMLflow UI:  {mlflow_at}\nCtrl-C ends both.", flush=True)
        while all(process.poll() is None for process in processes):
            time.sleep(1)
        print(f"a server ended by itself; see {home.root / 'servers.log'}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        for process in processes:
            _stop(process)


def _free_port(host: str, wanted: int) -> int:
    """`wanted`, or the next port after it that nobody listens on."""
    for port in range(wanted, wanted + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    sys.exit(f"no free port between {wanted} and {wanted + 99} on {host}; name one with --port")


def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether a server answers before the patience ends or its process does."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 - our own http address
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a server with everything it started."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
