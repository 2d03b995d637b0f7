"""Panels on disk: read what a person gave, keep it under its content, hand on references.

A panel is stored once per content as ``panels/<company>/<family>-<digest>.parquet``, written beside and renamed.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict

from hierforecast import splits, synthetic
from hierforecast.errors import HomeError, PanelError
from hierforecast.hierarchy import node_names
from hierforecast.schema import Company, MediaPanel, SalesPanel
from hierforecast.settings import panel_path
from hierforecast.whole_files import whole_file
from tasks import environment

Family = Literal["sales", "media"]
_log = logging.getLogger(__name__)
_EMPTY = ["", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "null", "NULL", "None"]  # how a CSV says that a number is missing


class PanelReference(BaseModel):
    """Where a panel lies, the digest of its content, and the file it was read from (None for a made company)."""

    model_config = ConfigDict(frozen=True)

    family: Family
    path: str
    digest: str
    rows: int
    source: str | None = None


@task(name="ingest", cache_policy=NO_CACHE)
def ingest(company: Company, family: Family, *, settings: str, given: str | None) -> PanelReference:
    """Read the file that was given on the command line, else the one the settings name, else make the demo's.

    Raises:
        PanelError: no file is named, or it cannot be read.
    """
    panel = _settings_of(company, family)
    source = _source(company, panel, family, settings=settings, given=given)
    frame = read_table(source, text=_levels(panel)) if isinstance(source, Path) else source
    declared = [column for column in panel.columns if column in frame.columns]
    # Where a declared column is missing, the others stay: the check then finds the one that was meant.
    kept = frame[declared] if len(declared) == len(panel.columns) else frame
    reference = store(kept.reset_index(drop=True), company.company, family)
    return reference.model_copy(update={"source": str(source) if isinstance(source, Path) else None})


def store(frame: pd.DataFrame, company: str, family: Family) -> PanelReference:
    """Keep a panel under the digest of its content."""
    digest = content_digest(frame)
    path = environment.home().panels / company / f"{family}-{digest[:24]}.parquet"
    if not _is_whole(path, len(frame)):
        write_parquet(frame, path)
    return PanelReference(family=family, path=str(path), digest=digest, rows=len(frame))


def _is_whole(path: Path, rows: int) -> bool:
    """Whether a stored panel is there, with so many rows and every page of it as it was written."""
    if not path.is_file():
        return False
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                file.read_row_group(group)
            return file.metadata.num_rows == rows
    except (OSError, ValueError, pa.ArrowException):
        _log.warning("%s is damaged and is written again", path)
        return False


def raw(reference: PanelReference) -> pd.DataFrame:
    """The panel as it came.

    Raises:
        HomeError: it was damaged since it was stored.
    """
    try:
        return pd.read_parquet(reference.path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise HomeError(
            f"the stored panel {reference.path!r} cannot be read: {error}; run again: it is written anew from its source"
        ) from None


def typed(reference: PanelReference, panel: SalesPanel | MediaPanel) -> pd.DataFrame:
    """The panel with its declared types (level: str, period: timestamp, the rest: float), sorted; checks have passed."""
    return as_declared(raw(reference), panel)


def as_declared(frame: pd.DataFrame, panel: SalesPanel | MediaPanel) -> pd.DataFrame:
    """Cast a frame to its declared types and sort it by series and period.

    Raises:
        PanelError: a column's values are not of its declared type; checks find that first where they were run.
    """
    levels = _levels(panel)
    numbers = [name for name in panel.columns if name not in (*levels, panel.period)]
    columns = {level: node_names(frame[level]) for level in levels}
    columns[panel.period] = _cast(
        frame, panel.period, "dates such as 2024-01-08", lambda c: pd.to_datetime(c, format="ISO8601")
    )
    columns |= {name: _cast(frame, name, "numbers", lambda c: c.astype(float)) for name in numbers}
    typed = pd.DataFrame({name: columns[name] for name in panel.columns})
    return typed.sort_values([*levels, panel.period], kind="stable", ignore_index=True)


def _cast(frame: pd.DataFrame, column: str, wanted: str, cast: Callable[[pd.Series], pd.Series]) -> pd.Series:
    try:
        return cast(frame[column])
    except (ValueError, TypeError) as error:
        raise PanelError(f"column {column!r} must hold {wanted}: {error}") from None


def _levels(panel: SalesPanel | MediaPanel) -> list[str]:
    """The key columns; a media panel has none (its levels are those of the tree)."""
    return panel.levels if isinstance(panel, SalesPanel) else []


def history_and_plan(reference: PanelReference, panel: SalesPanel | MediaPanel) -> splits.Split:
    """The typed panel, parted at the last period whose target is known."""
    frame = typed(reference, panel)
    history, plan = splits.observed_and_plan(frame, period=panel.period, target=panel.target.name)
    return splits.Split(history[history[panel.target.name].notna()], plan)


def content_digest(frame: pd.DataFrame) -> str:
    """SHA-256 of names, types and values: equal for equal content, whatever file or index it came with."""
    digest = hashlib.sha256(repr([(str(name), str(kind)) for name, kind in frame.dtypes.items()]).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def write_parquet(frame: pd.DataFrame, path: Path) -> Path:
    """Write beside, then rename, so that no reader ever meets half a file."""
    with whole_file(path) as building:
        frame.to_parquet(building, index=False, write_page_checksum=True)
    return path


def _settings_of(company: Company, family: Family) -> SalesPanel | MediaPanel:
    panel = company.sales if family == "sales" else company.media
    if panel is None:
        raise PanelError(f"company {company.company!r} declares no `{family}`; add it to the settings")
    return panel


def _source(
    company: Company, panel: SalesPanel | MediaPanel, family: Family, *, settings: str, given: str | None
) -> Path | pd.DataFrame:
    if given:
        return Path(given)
    if panel.path:
        return panel_path(Path(settings), panel.path)
    if company.simulation:
        made = synthetic.company(company.simulation.seed, weeks=company.simulation.weeks)
        return made.sales if family == "sales" else made.media
    raise PanelError(f"no {family} data: give --{family} PATH, or write `{family}.path` into {settings}")


def read_table(path: Path, *, text: Sequence[str] = ()) -> pd.DataFrame:
    """Read a Parquet or CSV file.

    Args:
        path: the file.
        text: columns of a CSV that are names and not numbers: "007" stays "007", and a shop called NA keeps its name.

    Raises:
        PanelError: the file is missing, of another kind, or damaged.
    """
    if not path.is_file():
        raise PanelError(f"no file {str(path)!r}; give the path of a Parquet or CSV file")
    kind = path.suffix.lower()
    if kind not in (".parquet", ".csv"):
        raise PanelError(f"{str(path)!r} ends in {kind!r}; wanted a .parquet or .csv file")
    if not os.access(path, os.R_OK):
        raise PanelError(f"{str(path)!r} may not be read by this user; mend its permissions")
    try:
        return pd.read_parquet(path) if kind == ".parquet" else _read_csv(path, text)
    except (OSError, ValueError, pa.ArrowException, pd.errors.ParserError) as error:
        raise PanelError(f"{str(path)!r} cannot be read as {kind[1:]}: {error}") from None


def _read_csv(path: Path, text: Sequence[str]) -> pd.DataFrame:
    if not _ends_its_last_line(path):
        _log.warning("%s does not end its last line: is it whole? What was cut within its last number cannot be told", path)
    columns = pd.read_csv(path, nrows=0).columns
    empty = {column: [""] if column in text else _EMPTY for column in columns}
    return pd.read_csv(path, dtype=dict.fromkeys(text, "str"), na_values=empty, keep_default_na=False, low_memory=False)


def _ends_its_last_line(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 1))
        return stream.read() in (b"", b"\n", b"\r")
