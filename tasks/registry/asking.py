"""Asking the registry: where MLflow does not answer, a step ends in an `OutageError`, and at its last attempt in a cure."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from prefect.context import TaskRunContext

from hierforecast.errors import HierforecastError
from tasks import environment
from tasks.outages import OutageError, of_the_disk

# Steps that may have been carried out although nobody heard the answer.
_LOOK = "it may have been carried out all the same: look who is champion before you run it again"
_UNSURE = {"promote": "the next run finds out whether it was carried out", "approve": _LOOK, "roll-back": _LOOK}
_NEXT = "Start the server and run the same command again: it takes up what is finished and registers it."


@contextmanager
def of_the_registry() -> Iterator[None]:
    """What goes wrong inside because of MLflow's server or a full disk is an `OutageError`; all else stays what it is."""
    try:
        yield
    except HierforecastError:
        raise
    except Exception as error:
        from tasks.registry import outages

        outage = outages.as_outage(error) or of_the_disk(error)
        if outage is None:
            raise
        raise _with_cure(outage) from error


def _with_cure(outage: OutageError) -> OutageError:
    """The outage as the last attempt tells it: what was tried, and what to do. Earlier attempts are logged in a line."""
    context = TaskRunContext.get()
    if context is None or "\n" in str(outage):
        return outage
    run, task = context.task_run, context.task
    if outage.passing and run.run_count <= task.retries:
        return outage
    began = run.start_time or datetime.now(UTC)
    tried = f"{run.run_count} attempt{'s' if run.run_count > 1 else ''} in {(datetime.now(UTC) - began).total_seconds():.0f} s"
    left = _UNSURE.get(task.name, "nothing was promoted by it")
    cure = f"Finished stages are kept in {environment.home().work}.\n{_NEXT}"
    end = f"Step {task.name!r} gave up after {tried}; {left}."
    return OutageError(f"{outage}\n{end}" + ("" if left == _LOOK else f" {cure}"), passing=outage.passing)
