"""From files to what a fit is made of: survey, plan, pass, and the kept rows put in order."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hierforecast.hiref.columns.cuts import cuts_of
from hierforecast.hiref.columns.design import start_design
from hierforecast.hiref.columns.rows import Rows, refuse_silence, time_order
from hierforecast.hiref.link import HALF_OF_LEAST, Link
from hierforecast.hiref.material import Material, Recent, counted
from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.rounds import Round
from hierforecast.hiref.streaming.cluster import pass_on_cluster, sum_round_on_cluster, survey_on_cluster
from hierforecast.hiref.streaming.files import DataFile, Source, list_files
from hierforecast.hiref.streaming.keys import names_of
from hierforecast.hiref.streaming.passing import Passed, Piece, Plan, pass_over_files, sum_round_over_files
from hierforecast.hiref.streaming.survey import Overview, survey_files, total_of
from hierforecast.options import Training
from hierforecast.schema import SalesPanel

if TYPE_CHECKING:
    from distributed import Client

RECENT_PERIODS = 104  # before the first cut whose rows stay at hand: what a recent level can remember, and noise needs


def from_files(source: Source, settings: SalesPanel, training: Training, *, client: "Client | None" = None) -> Material:
    """Read Parquet files in two passes and bounded memory: what grows with history is read, and forgotten.

    Args:
        source: a file, a folder, or a list of files; a series may go on from file to file in the order of time.
        settings: the declared columns.
        training: season and trend.
        client: of a Dask cluster whose workers see the same files; None reads them here.

    Returns:
        As `from_panel` makes of all rows, but only the rows of the last periods are `recent`.

    Raises:
        PanelError: the rows do not fit the settings, or are not in the order of time; the message names the file.
    """
    files = list_files(source)
    parts = survey_files(files, settings) if client is None else survey_on_cluster(files, settings, client)
    whole = total_of(parts)
    refuse_silence(whole.days, settings.period)
    plan = make_plan(whole, settings, training)
    if client is None:
        passed, again = pass_over_files(whole.files, plan), partial(_read_again, whole.files, plan)
    else:
        passed, again = pass_on_cluster(parts, plan, client), partial(_read_again_on_cluster, parts, plan, client)
    return material_of(passed, plan)._replace(again=again)


def _read_again(files: Sequence[DataFile], plan: Plan, near: Round, before: int | None) -> Moments:
    return Moments(sum_round_over_files(files, plan, near, before))


def _read_again_on_cluster(parts: Sequence[Overview], plan: Plan, client: "Client", near: Round, before: int | None) -> Moments:
    return Moments(sum_round_on_cluster(parts, plan, client, near, before))


def make_plan(whole: Overview, settings: SalesPanel, training: Training) -> Plan:
    """What to make of every row, from what all rows say together."""
    link = Link(settings.link, HALF_OF_LEAST * whole.least if np.isfinite(whole.least) else 1.0)
    means = whole.sums.target.means(link) if whole.sums.target else None
    design = start_design(whole.sums, settings, training, means=means)
    cuts = cuts_of(design.end + 1, settings.horizon, training.origins)
    return Plan(whole.hierarchy, design, link, cuts, first_recent(cuts, design.end))


def first_recent(cuts: Sequence[int], end: int) -> int:
    """The first period whose rows stay at hand, when training ends at `end`."""
    return max((cuts[0] if cuts else end + 1) - RECENT_PERIODS, 0)


def material_of(passed: Passed, plan: Plan) -> Material:
    """Put the kept rows in order, and close the design."""
    recent, settings = recent_of(passed.pieces, plan), plan.design.panel
    path = recent.rows.dense(recent.value, empty=np.nan) if settings.target_lags else None
    design = plan.design.finished(passed.carry, path=path)
    blocks = tuple(Moments(passed.products[:, number]) for number in range(len(plan.cuts) + 1))
    recent = counted(recent, settings)
    return Material(plan.hierarchy, design, plan.link, plan.cuts, blocks, recent, passed.rows).without_empty_blocks()


def recent_of(pieces: Sequence[Piece], plan: Plan) -> Recent:
    """Kept rows of several batches in order, their series numbered as in the plan's hierarchy."""
    names = names_of(plan.hierarchy)
    if len(pieces) == 1:
        piece = pieces[0]
        rows = Rows(np.arange(len(piece.series)), piece.series, piece.period, piece.dates, names)
        return Recent(rows, piece.X, piece.target, piece.value, piece.weight)
    series = np.concatenate([piece.series for piece in pieces])
    period = np.concatenate([piece.period for piece in pieces])
    order = time_order(series, period)

    def together(field: str) -> np.ndarray:
        return np.concatenate([getattr(piece, field) for piece in pieces])[order]

    X = np.empty((len(order), len(plan.design.columns.names)), order="F")
    for column in range(X.shape[1]):  # one at a time: a whole second copy would double the memory
        X[:, column] = np.concatenate([piece.X[:, column] for piece in pieces])[order]
    rows = Rows(np.arange(len(order)), series[order], period[order], together("dates"), names)
    weight = None if plan.design.panel.weight is None else together("weight")
    return Recent(rows, X, together("target"), together("value"), weight)
