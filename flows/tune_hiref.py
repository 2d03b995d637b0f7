"""Search HiReF's settings, and let the best ones challenge the champion.

python -m flows.tune_hiref --settings deployments/demo.yaml --trials 50 --minutes 10
"""

import argparse
import time

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.command_line import call
from flows.order import score_after_cutoff
from flows.retrain import retrain
from flows.tuned import Tuned, stricter
from hierforecast.settings import read_company
from tasks import checks, environment, hiref, panels, reports, shelving, tuning, turns

environment.prepare()


@flow(name="tune-hiref", result_serializer="json", task_runner=ThreadPoolTaskRunner(max_workers=16))
def tune_hiref(
    settings: str = "deployments/demo.yaml",
    sales: str | None = None,
    trials: int = 50,
    minutes: float = 10.0,
    origins: int = 3,
    workers: int = 2,
    also: tuple[str, ...] = (),
    select_drivers: bool = False,
    keep: tuple[str, ...] = (),
) -> Tuned:
    """Search settings on earlier weeks; those that are better on the last ones too challenge the champion.

    Started again with the same data and settings, the search goes on where it was, also after a kill.

    Args:
        settings: a company's YAML file.
        sales: sales file in place of the one in the settings (Parquet or CSV).
        trials: how many settings to judge in all, counting those of earlier runs.
        minutes: how long to search at most.
        origins: how many horizons before the last one each of them forecasts.
        workers: how many are judged at once.
        also: what else may be turned: link, statistic, loss.
        select_drivers: whether to search with the drivers that are worth having, rather than all.
        keep: drivers that stay in any case.
    """
    tuning.require_workers(workers)
    given = read_company(settings)
    with turns.one_at_a_time(given.company, "tune-hiref"):
        deadline = time.time() + 60 * minutes
        reference = panels.ingest(given, "sales", settings=settings, given=sales)
        checked = checks.check(given, reference)
        chosen, drivers = tuning.select_drivers(given, checked.panel, keep=keep)
        reports.tell_selection(given.company, drivers)
        company = chosen if select_drivers else given

        study = tuning.open_study(company, checked.panel, trials=trials, origins=origins, also=also)
        began = time.time()
        running = [
            tuning.run_trials.submit(company, checked.panel, study, quota=quota, deadline=deadline)
            for quota in study.quotas(workers)
        ]
        ran = sum(worker.result() for worker in running)
        found = tuning.conclude(company, study, seconds=time.time() - began, ran=ran)

        before = score_after_cutoff(hiref, given, checked.panel)
        after = score_after_cutoff(hiref, found.company, checked.panel)
        shelving.log_study(given.company, checked.panel, study, found, given=before, tuned=after, checks=checked.report)
        reports.tell_tuning(given.company, found, before, after)
        if after.wape >= before.wape:
            return Tuned(found=found, before=before.wape, after=after.wape, outcome=None)
        outcome = retrain(hiref, stricter(found.company), checked)
        return Tuned(found=found, before=before.wape, after=after.wape, outcome=outcome)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", default="deployments/demo.yaml", help="a company's YAML file")
    parser.add_argument("--sales", help="sales file (Parquet or CSV) in place of the one in the settings")
    parser.add_argument("--trials", type=int, default=50, help="how many in all, counting those of earlier runs")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long to search at most")
    parser.add_argument("--origins", type=int, default=3, help="how many earlier horizons each trial forecasts")
    parser.add_argument("--workers", type=int, default=2, help="how many trials at once")
    parser.add_argument("--also", nargs="*", default=(), help="further knobs: link, statistic, loss")
    parser.add_argument("--select-drivers", action="store_true", help="search with the drivers that are worth having")
    parser.add_argument("--keep", nargs="*", default=(), help="drivers that stay in any case")
    call(tune_hiref, **vars(parser.parse_args()))
