"""The Parquet files of a data set, and their rows batch by batch, keys as codes and never as a string per row."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hierforecast.errors import PanelError, nearest
from hierforecast.schema import SalesPanel

BATCH_ROWS = 1 << 20  # some 400 MiB at the peak of a batch's work with twenty columns; fewer would repeat work per series

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"  # how folders of partitions name an empty cell

Source = str | Path | Iterable[str | Path]


class DataFile(NamedTuple):
    """One file of a data set.

    Args:
        path: where it lies.
        keys: columns that its folder's name holds (``region=North/``), each with its value.
    """

    path: str
    keys: tuple[tuple[str, str], ...] = ()


def list_files(source: Source) -> tuple[DataFile, ...]:
    """The files of a data set: one file, a folder (also partitioned by ``column=value`` folders), or a list of either.

    Raises:
        PanelError: nothing there, no Parquet file in it, one given twice, or no path at all.
    """
    several = isinstance(source, Iterable) and not isinstance(source, str | pd.DataFrame)
    sources = list(source) if several else [source]
    if not all(isinstance(place, str | Path) for place in sources):
        raise PanelError(f"wanted a Parquet file, a folder of them, or a list of either, got {type(source).__name__}")
    found = []
    for place in map(Path, sources):
        if not place.exists():
            raise PanelError(f"no file or folder {str(place)!r}; give Parquet files or a folder that holds them")
        if place.is_dir():
            found += _in_folder(place)
        else:
            found.append(DataFile(str(place)))
    if not found:
        raise PanelError(f"no Parquet file in {', '.join(map(str, sources)) or 'an empty list'}; nothing to learn from")
    path, times = Counter(str(Path(file.path).resolve()) for file in found).most_common(1)[0]
    if times > 1:
        raise PanelError(f"{path!r} is given twice; its rows would count double, so name it once")
    return tuple(found)


def read_batches(file: DataFile, columns: Sequence[str], settings: SalesPanel) -> Iterator[pd.DataFrame]:
    """The rows of a file whose target is known, batch by batch, levels as categories.

    Args:
        file: one of `list_files`.
        columns: which to read.
        settings: names the levels and the target.

    Raises:
        PanelError: the file is no Parquet, lacks a column, or a level of it is empty or holds lists; the message names it.
    """
    target = settings.target.name
    wanted = list(dict.fromkeys([*columns, target]))
    try:
        schema = pq.read_schema(file.path)
    except (OSError, pa.ArrowInvalid) as error:
        raise PanelError(f"{file.path!r} cannot be read as Parquet: {error}") from None
    _refuse_unreadable(file, schema, wanted, [level for level in settings.levels if level in wanted])
    inside = [column for column in wanted if column not in dict(file.keys)]
    levels = [level for level in settings.levels if level in inside]
    # Without buffering ahead, memory stays at about one batch, however long the file.
    with pq.ParquetFile(file.path, read_dictionary=levels, pre_buffer=False, buffer_size=1 << 20) as opened:
        for batch in opened.iter_batches(batch_size=BATCH_ROWS, columns=inside, use_threads=False):
            frame = _frame(_with_target(batch, target) if target in inside else batch, file, wanted, settings)
            if len(frame):
                yield frame


def _with_target(batch: pa.RecordBatch, target: str) -> pa.RecordBatch:
    """The rows with a known target: neither null nor, as other writers have it, NaN."""
    unknown = pc.is_null(batch[target], nan_is_null=True)
    return batch.filter(pc.invert(unknown)) if pc.any(unknown).as_py() else batch


def _in_folder(folder: Path) -> list[DataFile]:
    inside = sorted(path.relative_to(folder) for path in folder.rglob("*.parquet"))
    return [DataFile(str(folder / path), _keys_of(path)) for path in inside if not any(part[0] in "._" for part in path.parts)]


def _keys_of(path: Path) -> tuple[tuple[str, str], ...]:
    """What the names of a file's folders say, as the text that stands there: store 0012 is not store 12."""
    named = [part.partition("=") for part in path.parent.parts if "=" in part]
    return tuple((unquote(column), unquote(value)) for column, _, value in named)


def _refuse_unreadable(file: DataFile, schema: pa.Schema, columns: Sequence[str], levels: Sequence[str]) -> None:
    """Raise a PanelError where a column is missing, or a level is empty or holds lists and the like."""
    named = dict(file.keys)
    for column in columns:
        if column not in named and column not in schema.names:
            raise PanelError(f"{file.path!r} has no column {column!r}; {nearest(column, schema.names)}")
    for level in levels:
        if named.get(level) == NO_VALUE:
            raise PanelError(f"{file.path!r} lies in a folder whose {level!r} is empty; every row needs a node")
        if level not in named and pa.types.is_nested(schema.field(level).type):
            raise PanelError(f"level {level!r} must hold names or numbers, got lists or the like, in {file.path!r}")


def _frame(rows: pa.RecordBatch, file: DataFile, wanted: Sequence[str], settings: SalesPanel) -> pd.DataFrame:
    columns, named = {}, dict(file.keys)
    for name in wanted:
        if name in named:
            columns[name] = _told_by_folder(name, named[name], len(rows), settings)
            continue
        column = rows[name]
        if name in settings.levels and not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        # Files know days; a frame that was read from one would hold an object per row.
        columns[name] = column.to_pandas(date_as_object=False)
    return pd.DataFrame(columns, copy=False)


def _told_by_folder(name: str, value: str, rows: int, settings: SalesPanel) -> pd.Categorical | np.ndarray:
    if name in settings.levels:
        return pd.Categorical.from_codes(np.zeros(rows, dtype=np.int8), categories=[value])
    try:
        return np.full(rows, pd.Timestamp(value).to_datetime64() if name == settings.period else float(value))
    except ValueError:
        wanted = "a date" if name == settings.period else "a number"
        raise PanelError(
            f"the folder {name}={value} must be named by {wanted}; rename it, or write {name!r} into the files"
        ) from None
