"""PostgreSQL of a test's own: a cluster in a folder, on a free port of the loopback address, and never run by root."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.servers import free_port_number

USER, PASSWORD = "keeper", "pg-secret-4711"


def find_programs() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``; None where PostgreSQL is not installed."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return debian[-1].parent if debian else None


class Postgres:
    """A running server, asked with a password."""

    def __init__(self, port: int) -> None:
        self.port = port

    def address(self, database: str, driver: str = "") -> str:
        """E.g. ``postgresql+asyncpg://...``."""
        return f"postgresql{driver}://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"


@contextmanager
def postgres(*databases: str) -> Iterator[Postgres]:
    """A server with these databases, gone afterwards; whoever runs the tests is not its owner where that is root."""
    programs = find_programs()
    # Not in pytest's folders: another user may not enter them.
    folder = Path(tempfile.mkdtemp(prefix="hierforecast-postgres-"))
    owner = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
    if owner:
        shutil.chown(folder, "nobody", "nogroup")

    def run(program: str, *words: str, **settings: str) -> None:
        environment = {**os.environ, "HOME": str(folder), **settings}
        command, settings = [str(programs / program), *words], {"cwd": folder, "env": environment, "timeout": 120, **owner}
        done = subprocess.run(command, capture_output=True, text=True, check=False, **settings)
        assert done.returncode == 0, done.stdout + done.stderr

    data, port = folder / "data", free_port_number()
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    try:
        run("initdb", "-D", str(data), "-U", USER, "--auth=scram-sha-256", f"--pwfile={password}", "--no-sync")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        # Its output to a file: a pipe would stay open in the server, and be waited for.
        run("pg_ctl", "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            for database in databases:
                run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", USER, database, PGPASSWORD=PASSWORD)
            yield Postgres(port)
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
