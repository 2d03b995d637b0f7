"""The folder of a matrix: one home that every row starts from a snapshot of, the company's files, and servers.

The home keeps its path, because artifacts are registered by theirs.
"""

import shutil
from pathlib import Path
from typing import Any

from tests.faults import company
from tests.faults.look import Look, look
from tests.faults.program import Ended, Program, answers, clean_environment, free_port, wait_until


class Place:
    """Where rows are run, one after another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.home, self.files = self.folder / "home", self.folder / "files"
        self.row, self.flow = "prepare", "flows.weekly_retrain"
        self.deployed = self.closed = False
        self._started = 0
        self._programs: list[Program] = []
        self.prefect_port, self.prefect = free_port(), None
        self.settings = company.write_monday(self.files, 1)
        self._questions = self.folder / "questions"
        company.write_monday(self._questions, 2)

    def environment(self, *, own_prefect: bool = False, **more: str) -> dict[str, str]:
        """What a flow is started with; with `own_prefect` it has no server and runs Prefect's API in the process."""
        prefect = {"PREFECT_API_URL": self.prefect_url, "PREFECT_HOME": str(self.home / "prefect")}
        return {**clean_environment(), "HIERFORECAST_HOME": str(self.home), **({} if own_prefect else prefect), **more}

    @property
    def prefect_url(self) -> str:
        """Of the server that all rows share."""
        return f"http://127.0.0.1:{self.prefect_port}/api"

    def write_monday(self, number: int) -> None:
        """Put the files of a Monday where the settings look for them."""
        company.write_monday(self.files, number)

    def start(self, *words: str, environment: dict[str, str] | None = None) -> Program:
        """Start a module as a process; what still lives at the end of the row is killed."""
        if self.closed:
            raise RuntimeError("the matrix was ended")
        self._started += 1
        log = self.folder / "logs" / self.row / f"{self._started:03d}-{words[0]}.log"
        program = Program(*words, environment=environment or self.environment(), log=log)
        self._programs.append(program)
        return program

    def begin(self, module: str = "", *words: str, fault: dict[str, Any] | None = None, **environment: Any) -> Program:
        """Start a flow, the row's own by default, meeting a fault at a call (the options of `launch`) where one is given."""
        command = [module or self.flow, "--settings", str(self.settings), *words]
        if fault:
            options = [f"--{name}={value}" for name, value in fault.items()]
            command = ["tests.faults.launch", *options, "--", *command]
        return self.start(*command, environment=self.environment(**environment))

    def run(self, module: str = "", *words: str, fault: dict[str, Any] | None = None, **environment: Any) -> Ended:
        """`begin`, and wait for the end."""
        return self.begin(module, *words, fault=fault, **environment).wait()

    def look(self) -> Look:
        """What the home holds now."""
        return look(self.home, self._questions)

    def save(self, name: str) -> None:
        """Keep the home as it is under a name."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        shutil.copytree(self.home, self.folder / name, symlinks=True)

    def has(self, name: str) -> bool:
        """Whether a home was kept under this name."""
        return (self.folder / name).is_dir()

    def restore(self, name: str) -> None:
        """Make the home what it was, or a new one; compiled programs are there in any case."""
        shutil.rmtree(self.home, ignore_errors=True)
        if self.has(name):
            shutil.copytree(self.folder / name, self.home, symlinks=True)
        self.home.mkdir(exist_ok=True)
        if self.has("caches"):
            shutil.copytree(self.folder / "caches", self.home / "caches", dirs_exist_ok=True)

    def keep_caches(self) -> None:
        """Compiled programs of the present home are given to every home that is restored."""
        shutil.copytree(self.home / "caches", self.folder / "caches", dirs_exist_ok=True)

    def delete(self, folder: Path) -> None:
        """Delete a folder of the home."""
        shutil.rmtree(folder)

    def start_prefect(self) -> None:
        """The shared Prefect server, if it is not running."""
        if self.closed or (self.prefect and self.prefect.lives):
            return
        environment = {**clean_environment(), "PREFECT_HOME": str(self.folder / "prefect-server")}
        words = ("server", "start", "--host", "127.0.0.1", "--port", str(self.prefect_port))
        log = self.folder / "logs" / f"prefect-server-{self._started}.log"
        self.prefect = Program("prefect", *words, environment=environment, log=log)
        wait_until("Prefect's answer", lambda: answers(f"{self.prefect_url}/health"))

    def start_mlflow(self, port: int) -> Program:
        """An MLflow server on the home's own store and artifacts."""
        store = ("--backend-store-uri", f"sqlite:///{self.home}/mlflow.db", "--workers", "1")
        switches = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        words = ("mlflow", "server", "--host", "127.0.0.1", "--port", str(port), *store)
        program = self.start(*words, environment={**clean_environment(), **switches})
        wait_until("MLflow's answer", lambda: answers(f"http://127.0.0.1:{port}/health") or not program.lives)
        return program

    def clear(self) -> None:
        """Kill what a row left running."""
        for program in self._programs:
            program.end()
        self._programs.clear()

    def close(self) -> None:
        """End everything; nothing can be started any more."""
        self.closed = True
        self.clear()
        if self.prefect:
            self.prefect.end()
