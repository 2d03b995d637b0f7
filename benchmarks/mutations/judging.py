"""Hand a case in as a run would: read the settings, ingest both panels, check them. Who stopped it, and in which words."""

import tempfile
import traceback
from collections import Counter
from datetime import date
from pathlib import Path
from typing import NamedTuple

from benchmarks.mutations.case import Case
from hierforecast.errors import HierforecastError
from hierforecast.settings import read_company

PASSED, CRASHED = "passed", "crashed"


class Verdict(NamedTuple):
    """What came of a case.

    Args:
        stopped_by: check ids, or the name of the error; "passed" where nothing stopped it, "crashed" for a raw traceback.
        said: the message that a person reads.
        warned: ids of checks that only warned.
    """

    stopped_by: tuple[str, ...]
    said: str
    warned: tuple[str, ...] = ()

    @property
    def stopped(self) -> bool:
        """Whether a run would have ended before training, with a message."""
        return self.stopped_by not in ((PASSED,), (CRASHED,))


def judge(case: Case, folder: Path | None = None) -> Verdict:
    """Write a case and hand it in, both panels before any verdict, as the weekly retrain does."""
    with tempfile.TemporaryDirectory() as somewhere:
        settings = case.write(folder or Path(somewhere))
        try:
            return _hand_in(settings)
        except HierforecastError as error:
            return Verdict((type(error).__name__,), str(error))
        except Exception:
            return Verdict((CRASHED,), traceback.format_exc())


def _hand_in(settings: Path) -> Verdict:
    from expectations.validation import validate
    from tasks import panels

    company = read_company(settings)
    declared = {name: getattr(company, name) for name in ("sales", "media") if getattr(company, name)}
    references = {name: panels.ingest.fn(company, name, settings=str(settings), given=None) for name in declared}
    reports = [validate(panels.raw(references[name]), panel, name=name, today=date.today()) for name, panel in declared.items()]
    said = "\n".join(report.message() for report in reports if not report.passed or report.warnings)
    failed = tuple(Counter(result.check for report in reports for result in report.failures))
    return Verdict(failed or (PASSED,), said, tuple(result.label for report in reports for result in report.warnings))
