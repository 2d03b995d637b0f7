"""Files that are not what they were: cut off, changed, left over, without room, or of an earlier Monday."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from tests.faults.place import Place
from tests.faults.program import ROOT, Ended, wait_until
from tests.faults.row import HIREF, SECOND, Row

_FIT = "hierforecast.hiref.HiReF.fit"
_ARRAYS = "arrays.safetensors"


def _truncated_input(place: Place) -> Ended:
    truncate(place.files / "sales.parquet")
    return place.run()


def _truncated_panel(place: Place) -> Ended:
    """The run dies after its panels were stored; then one of them loses its end."""
    place.run(fault={"call": "expectations.validation.validate", "do": "kill"})
    truncate(newest(place.home / "panels", "sales-*.parquet"))
    return place.run()


def _damaged_work(place: Place) -> Ended:
    """The run dies before it logs its model; then a bit of that turns over."""
    place.run(fault={"call": "mlflow.pyfunc.log_model", "do": "kill"})
    turn_a_bit(newest(place.home / "work", f"hiref-*/model/{_ARRAYS}"))
    return place.run()


def _damaged_champion(place: Place) -> Ended:
    """A bit of the champion turns over in the store; somebody wants forecasts."""
    turn_a_bit(_champions_arrays(place))
    return place.run("flows.score", "--out", str(place.folder / "forecasts.parquet"))


def _mend_champion(place: Place) -> None:
    """Roll back, forecast with the earlier champion, put the file back from a backup, and forward again."""
    commands = [
        ("flows.rollback", "--family", "hiref"),
        ("flows.score", "--out", str(place.folder / "forecasts.parquet")),
        ("flows.rollback", "--family", "hiref", "--to", "2"),
    ]
    for module, *words in commands:
        if words[-1] == "2":
            turn_a_bit(_champions_arrays(place))
        ended = place.run(module, *words)
        if ended.code:
            raise RuntimeError(f"{module} {' '.join(words)} ended with {ended.code}: {ended.last}")


def _champions_arrays(place: Place) -> Path:
    """Of the latest HiReF in the store, which is the champion of the second Monday."""
    models = [path for path in place.home.glob(f"artifacts/**/{_ARRAYS}") if _family(path) == "hiref"]
    return max(models, key=lambda path: path.stat().st_mtime)


def _family(arrays: Path) -> str:
    return json.loads(arrays.with_name("manifest.json").read_text(encoding="utf-8"))["family"]


_DYING_WRITER = """
import os, sys
from pathlib import Path
from hierforecast.whole_files import whole_file, whole_folder
home = Path(sys.argv[1])
with whole_file(home / "panels/tiny/sales-0.parquet") as file, whole_folder(home / "work/tiny/hiref-0/model") as folder:
    file.write_bytes(b"PAR1")
    (folder / "config.json").write_text("{")
    os._exit(1)
"""


def _leftovers(place: Place) -> Ended:
    """What a process left that died while it wrote, and a checkpoint that nobody has gone on with for a month."""
    subprocess.run([sys.executable, "-c", _DYING_WRITER, str(place.home)], cwd=ROOT, check=False)
    old = place.home / "work/tiny/precision-0/checkpoint"
    old.mkdir(parents=True)
    (old / "call-00000.safetensors").write_bytes(b"half")
    month_ago = time.time() - 30 * 24 * 3600
    for path in (*old.iterdir(), old):
        os.utime(path, (month_ago, month_ago))
    return place.run()


def _stale_lock(place: Place) -> Ended:
    """A run dies with the company's lock, and its number is that of a living process now: this one."""
    place.run(fault={"call": _FIT, "do": "kill"})
    for lock in place.home.glob("locks/*"):
        said = json.loads(lock.read_text(encoding="utf-8") or "{}")
        lock.write_text(json.dumps({**said, "pid": os.getpid()}), encoding="utf-8")
    return place.run()


def _full_store(place: Place) -> Ended:
    """What is copied into the store may not be larger than a kilobyte."""
    call = "mlflow.store.artifact.local_artifact_repo.LocalArtifactRepository.log_artifacts"
    return place.run(fault={"call": call, "do": "full:1000"})


def _full_home(place: Place) -> Ended:
    """The same of a model folder below `work`."""
    return place.run(fault={"call": "hierforecast.hiref.HiReF.save", "do": "full:1000"})


def _without_prefects_home(place: Place) -> Ended:
    """A run without a server dies, and somebody deletes all that Prefect kept."""
    place.run(fault={"call": "mlflow.pyfunc.log_model", "do": "kill"}, own_prefect=True)
    place.delete(place.home / "prefect")
    return place.run(own_prefect=True)


def _locked_prefect(place: Place) -> Ended:
    """Another process holds Prefect's database for half a minute of a run without a server."""
    run = place.begin(own_prefect=True)
    database = place.home / "prefect/prefect.db"
    wait_until("Prefect's beginning", lambda: "Beginning flow run" in run.said() or not run.lives)
    with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(30)
        other.execute("ROLLBACK")
    return run.wait()


def _earlier_file(place: Place) -> Ended:
    place.write_monday(0)
    return place.run()


def _two_at_once(place: Place) -> Ended:
    """The second begins while the first fits; neither may do what the other does."""
    flag = place.folder / "first-waits"
    flag.unlink(missing_ok=True)
    first = place.begin(fault={"call": _FIT, "do": f"wait:{flag}"})
    wait_until("the first run's fit", lambda: flag.exists() or not first.lives)
    second = place.begin()
    wait_until("the second run's beginning", lambda: "Beginning flow run" in second.said() or not second.lives)
    time.sleep(5)
    flag.unlink(missing_ok=True)
    one, other = first.wait(), second.wait()
    return other if one.code == 0 else one


def truncate(path: Path) -> None:
    """Cut a file off in its middle."""
    os.truncate(path, path.stat().st_size // 2)


def turn_a_bit(path: Path) -> None:
    """Change the last byte of a file; once more to change it back. The times of the file stay."""
    told = path.stat()
    with path.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        last = stream.read(1)[0]
        stream.seek(-1, os.SEEK_END)
        stream.write(bytes([last ^ 1]))
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))


def newest(folder: Path, pattern: str) -> Path:
    """The file of a pattern that was written last."""
    return max(folder.rglob(pattern), key=lambda path: path.stat().st_mtime)


def _second_monday(place: Place) -> None:
    place.write_monday(2)


FILES = [
    Row(
        "truncated-input",
        "the sales file ends in its middle",
        _truncated_input,
        codes=(1,),
        says="sales.parquet",
        mend=_second_monday,
        flow=HIREF,
        champion_stands=True,
    ),
    Row(
        "truncated-panel",
        "the stored panel of a run that died ends in its middle",
        _truncated_panel,
        codes=(0, 1),
        flow=HIREF,
    ),
    Row("damaged-work", "a bit turns over in the model folder of a run that died", _damaged_work, codes=(0, 1), flow=HIREF),
    Row(
        "damaged-champion",
        "a bit turns over in the champion's artifacts",
        _damaged_champion,
        codes=(1,),
        says="(?i)damaged|changed|digest|seal",
        mend=_mend_champion,
        start=SECOND,
        flow=HIREF,
        harms_versions=True,
        champion_stands=True,
    ),
    Row("leftovers", "half files of dead processes, a checkpoint of last month", _leftovers, codes=(0,), flow=HIREF),
    Row("stale-lock", "a dead run's lock names a process that lives", _stale_lock, codes=(0,), flow=HIREF),
    Row(
        "full-store",
        "the artifact store is full",
        _full_store,
        codes=(1,),
        says="(?i)full|room|too large|larger|size",
        flow=HIREF,
        champion_stands=True,
    ),
    Row(
        "full-home",
        "the home is full when a model is saved",
        _full_home,
        codes=(1,),
        says="(?i)full|room|too large|size",
        flow=HIREF,
        champion_stands=True,
    ),
    Row("prefect-home-deleted", "a run dies, and Prefect's home is deleted", _without_prefects_home, codes=(0,), flow=HIREF),
    Row("prefect-locked", "Prefect's database is locked for 30 s of a run", _locked_prefect, codes=(0, 1), flow=HIREF),
    Row(
        "earlier-file",
        "the files of an earlier Monday come after later ones",
        _earlier_file,
        codes=(1,),
        says="(?i)earlier|older|backwards|ends before|rows fewer|latest",
        mend=_second_monday,
        start=SECOND,
        champion_stands=True,
    ),
    Row("two-at-once", "two retrains at once", _two_at_once, codes=(0,), says="waiting for", flow=HIREF),
]
