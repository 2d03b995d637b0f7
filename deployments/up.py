"""The supervisor behind ./start.sh: run the weekly retrain, then serve the dashboard and the MLflow UI until Ctrl-C.

It only starts processes. Everything listens on the loopback address unless told otherwise.
"""

import argparse
import errno
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import FrameType

from hierforecast.errors import HomeError
from hierforecast.layout import (
    HOME_VARIABLE,
    TRACKING_VARIABLE,
    Home,
    default_environment,
    find_home,
    is_loopback,
    open_home,
    part_login,
    without_login,
)

ROOT = Path(__file__).resolve().parent.parent
DEMO = "deployments/demo.yaml"
STARTUP_SECONDS = 180
GRACE_SECONDS = 15
INTERRUPTED = 130  # what a shell calls the end by Ctrl-C
OPEN = (
    "Warning: dashboard and MLflow UI listen on {host} and ask for no login: whoever reaches this machine reads everything, "
    "and can change and delete versions in the MLflow UI. Put a proxy with a login before them, or leave --host out."
)
NO_PORT_HERE = (errno.EADDRINUSE, errno.EACCES)  # taken, or kept for the system; another may be free


def main() -> int:
    """Run what the command line asks for; returns the exit code."""
    arguments = _arguments()
    try:
        home = _home(arguments)
    except HomeError as error:
        print(error, file=sys.stderr)
        return 1
    _end_by_signals()
    environment = {**os.environ, **default_environment(home, os.environ), HOME_VARIABLE: str(home.root)}
    environment |= part_login(environment)
    if arguments.serve_only:
        return _serve_what_is_kept(arguments, home, environment)
    began = time.monotonic()
    code = _run(_retrain_command(arguments), environment)
    if code:
        if code != INTERRUPTED and home.database.exists():
            print("\nWhat was kept before can be looked at: ./start.sh --serve-only", file=sys.stderr)
        return code
    print(f"\nThe run took {time.monotonic() - began:.0f} s. Everything is kept in {home.root}", flush=True)
    if arguments.no_serve:
        print("Look at it with ./start.sh --serve-only (dashboard and MLflow UI).")
        return 0
    return _serve(arguments, home, environment)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./start.sh", description="Run the weekly retrain of a company, then serve the dashboard."
    )
    parser.add_argument("--settings", help=f"a company's YAML file (default: the demo, {DEMO})")
    parser.add_argument("--sales", help="sales file (Parquet or CSV) in place of the one in the settings")
    parser.add_argument("--media", help="media file, likewise")
    ends = parser.add_mutually_exclusive_group()
    ends.add_argument("--no-serve", action="store_true", help="end after the run")
    ends.add_argument("--serve-only", action="store_true", help="serve what earlier runs left, without a run")
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8050, help="the dashboard's port (default: 8050, or the next free one)")
    parser.add_argument(
        "--mlflow-port", type=int, default=5000, help="the MLflow UI's port (default: 5000, or the next free one)"
    )
    parser.add_argument("--from", dest="here", default=".", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve_only and (arguments.settings or arguments.sales or arguments.media):
        parser.error("--serve-only makes no run, so it takes no --settings, --sales or --media; it serves every company kept")
    return arguments


def _home(arguments: argparse.Namespace) -> Home:
    """The home a person named, meant from where they stood; else the one beside the script."""
    given = os.environ.get(HOME_VARIABLE)
    return open_home(find_home(given, Path(arguments.here) if given else ROOT))


def _end_by_signals(*, serving: bool = False) -> None:
    """End in order, with everything started here, also when told to by a service manager or a closed terminal.

    The exit code is the shell's for that signal: what it ended is not done. Serving is done whenever somebody says so.
    """

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(0 if serving else 128 + number)

    signal.signal(signal.SIGTERM, end)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup wants it
        signal.signal(signal.SIGHUP, end)


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Wait for a process; Ctrl-C reaches it through this one, so that it is told once. Returns the exit code."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        return _code(process.wait())
    except KeyboardInterrupt:
        print("\nstopping; Ctrl-C again ends it at once", file=sys.stderr, flush=True)
        process.send_signal(signal.SIGINT)
        # Compiled code does not listen until it returns, and a killed run is taken up where it was.
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(timeout=GRACE_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # whatever of it is left
        return INTERRUPTED
    finally:
        _stop(process)


def _code(status: int) -> int:
    """A process's exit code as a shell gives it: 128 and the signal's number where one ended it."""
    return status if status >= 0 else 128 - status


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


def _serve_what_is_kept(arguments: argparse.Namespace, home: Home, environment: dict[str, str]) -> int:
    if not home.database.exists() and not environment.get(TRACKING_VARIABLE):
        print(f"nothing is kept in {home.root} yet; ./start.sh makes a run first", file=sys.stderr)
        return 1
    return _serve(arguments, home, environment)


def _serve(arguments: argparse.Namespace, home: Home, environment: dict[str, str]) -> int:
    """Start dashboard and MLflow UI, say where they are, and wait for Ctrl-C or for one of them to end."""
    _end_by_signals(serving=True)
    host = arguments.host.strip("[]")
    if not is_loopback(host):
        print(f"\n{OPEN.format(host=host)}", file=sys.stderr, flush=True)
    dashboard_port = _free_port(host, arguments.port)
    mlflow_port = _free_port(host, arguments.mlflow_port, besides=dashboard_port)
    dashboard_at, mlflow_at = (f"http://{_place(host, port)}" for port in (dashboard_port, mlflow_port))
    commands = {
        f"{dashboard_at}/healthz": [
            *(sys.executable, "-m", "gunicorn", "--bind", _place(host, dashboard_port), "--workers", "1", "--threads", "4"),
            *("--log-level", "warning", "--no-control-socket", "dashboard.app:server"),
        ],
    }
    if not environment.get(TRACKING_VARIABLE):
        commands[f"{mlflow_at}/health"] = [
            *(sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(mlflow_port), "--workers", "1"),
            *("--backend-store-uri", home.tracking_uri, "--default-artifact-root", home.artifacts.as_uri()),
        ]
    with (home.root / "servers.log").open("ab") as log:
        processes = [
            subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
            for command in commands.values()
        ]
    try:
        for address, process in zip(commands, processes, strict=True):
            if not _answers(address, process):
                print(f"{address} does not answer; see {home.root / 'servers.log'}", file=sys.stderr)
                return 1
        mlflow_at = without_login(environment.get(TRACKING_VARIABLE) or mlflow_at)
        print(f"\nDashboard:  {dashboard_at}\nMLflow UI:  {mlflow_at}\nCtrl-C ends both.", flush=True)
        while all(process.poll() is None for process in processes):
            time.sleep(1)
        print(f"a server ended by itself; see {home.root / 'servers.log'}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        for process in processes:
            _stop(process)


def _place(host: str, port: int) -> str:
    """Host and port as addresses have them: a host of IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _free_port(host: str, wanted: int, *, besides: int | None = None) -> int:
    """`wanted`, or the next port after it that nobody listens on, and that is not `besides`."""
    last = min(wanted + 99, 65535)
    for port in range(wanted, last + 1):
        if port == besides:
            continue
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno in NO_PORT_HERE:
                    continue
                sys.exit(f"cannot listen on {host}: {error.strerror}; --host wants an address of this machine")
            return port
    sys.exit(f"no free port from {wanted} to {last} on {host}; name others with --port and --mlflow-port")


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
    """End a process with everything it started; a second Ctrl-C does not cut that short."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(ProcessLookupError):  # also where it is dead itself, what it started may not be
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
