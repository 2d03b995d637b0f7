"""How far a sampling has come: a line in the log for every quarter, and a bar in Prefect's own pages."""

from typing import Any
from uuid import UUID

from hierforecast.options import Sampling
from tasks import telling

UPDATES = 20  # of the bar per fit: each is a request to Prefect's server


class QuarterLog:
    """Logs every quarter of a phase once, however small the sampler's stretches are."""

    def __init__(self, logger: Any) -> None:
        self._logger, self._told = logger, dict[str, int]()

    def __call__(self, phase: str, done: int, of: int) -> None:
        """Take note of `done` of the `of` steps of a phase."""
        quarter = 4 * done // of
        if quarter > self._told.get(phase, 0):
            self._told[phase] = quarter
            self._logger.info("%s: %d of %d steps", phase, done, of)


class SamplingProgress:
    """What the sampler calls after every stretch of steps.

    Args:
        sampling: how many steps there are in all.
        logger: of the task's run.
        key: of the artifact: lower case, digits, dashes.
        description: what is sampled.
    """

    def __init__(self, sampling: Sampling, logger: Any, *, key: str, description: str) -> None:
        self._sampling, self._key, self._description = sampling, key, description
        self._log_quarter = QuarterLog(logger)
        self._bar: UUID | None = None
        self._shown = -1  # twentieths

    def __call__(self, phase: str, done: int, of: int) -> None:
        """Take note of `done` of the `of` steps of "warm-up" or "draws"."""
        self._log_quarter(phase, done, of)
        share = self.share(phase, done)
        if int(UPDATES * share) > self._shown:
            self._shown = int(UPDATES * share)
            self._show(100.0 * share)

    def share(self, phase: str, done: int) -> float:
        """Of all steps of the sampler, warm-up included."""
        warmup, per_draw = self._sampling.warmup, self._sampling.steps_per_draw
        steps = done if phase == "warm-up" else warmup + done * per_draw
        return min(steps / (warmup + self._sampling.draws * per_draw), 1.0)

    def _show(self, percent: float) -> None:
        """Move the bar; a fit does not end because nobody can be told how far it is."""
        if self._bar is None:
            self._bar = telling.new_bar(percent, key=self._key, description=self._description)
        else:
            telling.move_bar(self._bar, percent)
