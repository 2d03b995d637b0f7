"""The flow's process is killed at one call of every stage."""

from collections.abc import Callable

from tests.faults.place import Place
from tests.faults.program import Ended
from tests.faults.row import BOTH, EMPTY, HIREF, KILLED, Row

_ALIAS = "mlflow.MlflowClient.set_registered_model_alias"
_STEP = "hierforecast.precision.sampling.checkpoint.Checkpoint.write"
# Stage, what it was at, the flow, and the call: its place, before or after, which one, a word among its arguments.
_CALLS = [
    ("ingest", "between writing a panel and renaming it", HIREF, "pandas.DataFrame.to_parquet", "after", 1, "panels"),
    ("checks", "before the report of the checks", HIREF, "expectations.validation.validate", "after", 1, ""),
    ("fit", "while HiReF was fitted on all weeks", HIREF, "hierforecast.hiref.HiReF.fit", "before", 2, ""),
    ("saving", "inside the folder of a HiReF", HIREF, "hierforecast.model_folder.save_file", "after", 1, ""),
    ("sampling", "after two calls of the sampler", BOTH, _STEP, "after", 2, ""),
    ("scoring", "before HiReF's scores", HIREF, "tasks.evaluation.score", "before", 1, ""),
    ("tables", "between writing a table and renaming it", HIREF, "pandas.DataFrame.to_parquet", "after", 1, "elasticities"),
    ("logging", "with half of the run's files logged", HIREF, "mlflow.MlflowClient.log_artifacts", "after", 1, ""),
    ("before-version", "between the logged model and its version", HIREF, "mlflow.pyfunc.log_model", "after", 1, ""),
    ("before-challenger", "between a version and its alias", BOTH, "mlflow.MlflowClient.create_model_version", "after", 2, ""),
    ("before-champion", "between the reasons and the alias champion", HIREF, _ALIAS, "before", 1, "champion"),
    ("after-champion", "between the alias champion and the decision", HIREF, _ALIAS, "after", 1, "champion"),
]


def _at(call: str, when: str, number: int = 1, naming: str = "", do: str = "kill") -> Callable[[Place], Ended]:
    fault = {"call": call, "when": when, "number": number, "naming": naming, "do": do}
    return lambda place: place.run(fault=fault)


KILLS = [
    Row(f"kill-{stage}", f"kill -9 {told}", _at(call, when, number, naming), codes=(KILLED,), flow=flow)
    for stage, told, flow, call, when, number, naming in _CALLS
]
KILLS += [
    Row(
        "kill-first-run",
        "kill -9 of the first run ever, before it has a version",
        _at("mlflow.MlflowClient.create_model_version", "before"),
        codes=(KILLED,),
        flow=HIREF,
        start=EMPTY,
    ),
    Row(
        "sigterm",
        "SIGTERM while HiReF is fitted",
        _at("hierforecast.hiref.HiReF.fit", "before", do="term"),
        codes=(-15, 143),
        flow=HIREF,
    ),
]
