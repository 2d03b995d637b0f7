"""What a fitted model keeps so that an update reads the new rows only: sums of all older rows, and the recent rows.

    M(all rows) = M(rows before the kept ones) + M(kept rows) + M(new rows)

References, half saturations and the stand-in for zero stay those of the first fit, or the old sums would mean something
else; `fit` learns them anew. Where these are given as numbers or columns, an update is a fit of all rows.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from hierforecast.errors import ModelFolderError, PanelError
from hierforecast.hierarchy import Hierarchy
from hierforecast.hiref.columns.calendar import holiday_periods, shift_dates
from hierforecast.hiref.columns.cuts import cuts_of
from hierforecast.hiref.columns.design import Design
from hierforecast.hiref.columns.rows import Rows, period_number, read_dates, refuse_silence
from hierforecast.hiref.columns.target import TargetPast
from hierforecast.hiref.link import Link
from hierforecast.hiref.material import Material, Recent, counted, sum_blocks
from hierforecast.hiref.moments.sums import Moments
from hierforecast.hiref.streaming.files import DataFile, read_batches
from hierforecast.hiref.streaming.keys import join, names_of
from hierforecast.hiref.streaming.material import first_recent, recent_of
from hierforecast.hiref.streaming.passing import Piece, Plan, nothing_passed, pass_over_frame
from hierforecast.hiref.streaming.survey import Overview, survey_frame, total_of

KEPT = "moments.safetensors"


class Kept(NamedTuple):
    """What an update goes on from, beside the fit itself.

    Args:
        older: moments of the rows before the kept ones.
        recent: rows of the last periods.
        rows: how many rows there were in all.
    """

    older: Moments
    recent: Recent
    rows: int


def keep(data: Material) -> Kept:
    """Let go of all rows of a training but those of its last periods."""
    count, end, settings = len(data.hierarchy.series), data.design.end, data.design.panel
    # The cuts as they would usually lie, those without rows included: the next update cuts there again.
    first = first_recent(cuts_of(end + 1, settings.horizon, data.design.training.origins), end)
    before = data.between(None, data.cuts[0] if data.cuts else None)
    recent = data.recent.only(data.recent.rows.period >= first)
    at_hand = sum_blocks(recent, data.cuts, count)[0]
    older = Moments(before.products - at_hand.products if len(recent.target) < data.rows else np.zeros_like(before.products))
    return Kept(older, recent, data.rows)


def extended(kept: Kept, design: Design, hierarchy: Hierarchy, link: Link, frames: Iterable[pd.DataFrame]) -> Material:
    """What a fit of the old rows and the new ones learns from.

    Args:
        kept: of the old rows.
        design: of the fit on the old rows.
        hierarchy: its nodes and series; new ones are added.
        link: its link.
        frames: new rows, all with a known target, later than training; the rows of a series in the order of time.

    Raises:
        PanelError: no new row; a row is not after training; or the calendar needs columns that the old sums do not have.
    """
    frames = list(frames)
    if not frames:
        raise PanelError(f"no row with a known {design.panel.target.name}; an update needs new sales")
    new = _survey(frames, design)
    joined = join(hierarchy, new.hierarchy)
    count = len(joined.hierarchy.series)
    plan = _plan(new, design, link, joined.hierarchy, joined.first, joined.second)
    passed = nothing_passed(plan, design.carry.renumber(joined.first, count))
    for frame in frames:
        passed = pass_over_frame(frame, plan, passed)
    passed.products[joined.first, 0] += kept.older.products
    rows = kept.recent.rows
    old = kept.recent._replace(rows=replace(rows, series=joined.first[rows.series], keys=names_of(joined.hierarchy)))
    blocks = tuple(
        Moments(passed.products[:, number] + block.products) for number, block in enumerate(sum_blocks(old, plan.cuts, count))
    )
    still = old.only(old.rows.period >= plan.recent_from)
    recent = recent_of((_piece(still), *passed.pieces), plan)
    path = _path(design, joined.first, recent, plan) if design.past else None
    finished = plan.design.finished(passed.carry, path=path)
    recent = counted(recent, design.panel)
    rows = kept.rows + passed.rows
    return Material(joined.hierarchy, finished, link, plan.cuts, blocks, recent, rows).without_empty_blocks()


def read_new_files(files: Iterable[DataFile], design: Design) -> list[pd.DataFrame]:
    """The rows of files of new weeks, in the order of their first dates: one frame per batch."""
    settings = design.panel
    frames = [frame for file in files for frame in read_batches(file, settings.columns, settings)]
    return sorted(frames, key=lambda frame: read_dates(frame, settings.period).min())


def write_kept(kept: Kept, design: Design, folder: Path) -> None:
    """Write what an update needs into a model folder; calendar columns are left out, the dates say them."""
    recent, rows = kept.recent, kept.recent.rows
    arrays = {
        "older": kept.older.packed(),
        "X": recent.X[:, design.first_driver :],
        "target": recent.target,
        "series": rows.series.astype(np.int32),
        "period": rows.period.astype(np.int32),
        "dates": rows.dates.astype("datetime64[ns]").astype(np.int64),
        "rows": np.array([kept.rows]),
    }
    if recent.weight is not None:
        arrays["weight"] = recent.weight
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / KEPT)


def read_kept(folder: Path, design: Design, hierarchy: Hierarchy, link: Link) -> Kept | None:
    """The inverse of `write_kept`; None where the model kept nothing. Raises ModelFolderError where it cannot be read."""
    if not (folder / KEPT).is_file():
        return None
    try:
        arrays = load_file(folder / KEPT)
        dates = arrays["dates"].astype("datetime64[ns]")
        series, period = arrays["series"].astype(np.int64), arrays["period"].astype(np.int64)
        rows = Rows(np.arange(len(dates)), series, period, dates, names_of(hierarchy))
        X = np.zeros((len(dates), len(design.columns.names)), order="F")
        design.calendar.fill(X, rows)
        X[:, design.first_driver :] = arrays["X"]
        target = arrays["target"]
        recent = Recent(rows, X, target, link.forward(target), arrays.get("weight"))
        return Kept(Moments.unpacked(arrays["older"]), recent, int(arrays["rows"][0]))
    except (OSError, SafetensorError, KeyError, ValueError, IndexError) as error:
        raise ModelFolderError(f"{str(folder / KEPT)!r} does not hold what an update needs: {error!r}; fit again") from None


def _survey(frames: list[pd.DataFrame], design: Design) -> Overview:
    return total_of([survey_frame(frame, DataFile("the new rows"), design.panel) for frame in frames])


def _plan(
    new: Overview, design: Design, link: Link, hierarchy: Hierarchy, old_places: np.ndarray, new_places: np.ndarray
) -> Plan:
    settings = design.panel
    dates = np.array([new.sums.first, new.sums.last], dtype="datetime64[ns]")
    first, end = (int(number) for number in period_number(dates, settings.frequency, design.origin))
    if first <= design.end:
        raise PanelError(
            f"an update takes rows after training, which ended in the {settings.frequency} {_last_date(design)}; got rows of "
            f"{str(new.sums.first)[:10]}; leave them out, or fit anew to correct the past"
        )
    refuse_silence(np.append(_last_date(design), new.days), settings.period)
    grown = replace(design, end=end, past=_past(new, design, link, len(hierarchy.series), old_places, new_places))
    _refuse_new_columns(design, grown)
    cuts = cuts_of(end + 1, settings.horizon, design.training.origins)
    return Plan(hierarchy, grown, link, cuts, first_recent(cuts, end))


def _past(
    new: Overview, design: Design, link: Link, count: int, old_places: np.ndarray, new_places: np.ndarray
) -> TargetPast | None:
    if not design.past:
        return None
    means = new.sums.target.renumber(new_places, count).means(link)
    means[old_places] = design.past.means  # what lags are measured from stays; new series bring their own
    return design.past._replace(means=means)


def _path(design: Design, old_places: np.ndarray, recent: Recent, plan: Plan) -> np.ndarray:
    """(periods, series) of the target as known before, then of the new rows: rows of weight 0 are not kept, but known."""
    before, periods = design.past.path, plan.design.end - design.end
    known = len(before)
    path = np.full((known + periods, len(plan.hierarchy.series)), np.nan)
    path[:known, old_places] = before
    new = recent.rows.period > design.end
    path[known + recent.rows.period[new] - design.end - 1, recent.rows.series[new]] = recent.value[new]
    return path[-(plan.design.end + 1 - plan.recent_from) :]


def _refuse_new_columns(design: Design, grown: Design) -> None:
    if grown.calendar.waves != design.calendar.waves:
        raise PanelError("with these rows training reaches a year, and season comes in; fit anew to learn it from all rows")
    if grown.calendar.knots:
        raise PanelError("the trend's knots move as history grows, so old sums do not fit; fit anew, or set trend_knots: 0")
    found = holiday_periods(design.panel, design.origin, np.datetime64(design.origin), _last_date(grown))
    fresh = [name for name, periods in found.items() if any(design.end < period <= grown.end for period in periods)]
    missing = [name for name in fresh if name not in design.holidays]
    if missing:
        raise PanelError(f"holidays come in that training had never seen: {', '.join(missing)}; fit anew to learn them")


def _last_date(design: Design) -> np.datetime64:
    return shift_dates(np.array([design.origin], dtype="datetime64[D]"), design.panel.frequency, -design.end)[0]


def _piece(recent: Recent) -> Piece:
    rows = recent.rows
    return Piece(rows.series, rows.period, rows.dates, recent.X, recent.target, recent.value, recent.weight)
