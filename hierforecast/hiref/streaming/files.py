"""The Parquet files of a data set, and their rows batch by batch, keys as codes and never as a string per row."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from hierforecast.errors import PanelError, nearest
from hierforecast.schema import SalesPanel

BATCH_ROWS = 1 << 20  # some 400 MiB at the peak of a batch's work with twenty columns; fewer would repeat work per series

Source = str | Path | Sequence[str | Path]


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
        PanelError: nothing there, or no Parquet file in it.
    """
    sources = [source] if isinstance(source, str | Path) else list(source)
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
    repeated = {file.path for file in found if sum(file.path == other.path for other in found) > 1} if len(found) < 1000 else ()
    if repeated:
        raise PanelError(f"{min(repeated)!r} is given twice; its rows would count double, so name it once")
    return tuple(found)


def read_batches(file: DataFile, columns: Sequence[str], settings: SalesPanel) -> Iterator[pd.DataFrame]:
    """The rows of a file whose target is known, batch by batch, levels as categories.

    Args:
        file: one of `list_files`.
        columns: which to read.
        settings: names the levels and the target.

    Raises:
        PanelError: the file is no Parquet, or lacks a column; the message names the file.
    """
    target = settings.target.name
    wanted = list(dict.fromkeys([*columns, target]))
    named = dict(file.keys)
    inside = [column for column in wanted if column not in named]
    try:
        schema = pq.read_schema(file.path)
    except (OSError, pa.ArrowInvalid) as error:
        raise PanelError(f"{file.path!r} cannot be read as Parquet: {error}") from None
    for column in inside:
        if column not in schema.names:
            raise PanelError(f"{file.path!r} has no column {column!r}; {nearest(column, schema.names)}")
    levels = [level for level in settings.levels if level in inside]
    # Without buffering ahead, memory stays at about one batch, however long the file.
    with pq.ParquetFile(file.path, read_dictionary=levels, pre_buffer=False, buffer_size=1 << 20) as opened:
        for batch in opened.iter_batches(batch_size=BATCH_ROWS, columns=inside, use_threads=False):
            known = batch[target].null_count == 0
            rows = batch if known else batch.filter(pc.is_valid(batch[target]))
            if len(rows):
                yield _frame(rows, named, wanted, settings)


def _in_folder(folder: Path) -> list[DataFile]:
    paths = sorted(
        path for path in folder.rglob("*.parquet") if not any(part[0] in "._" for part in path.relative_to(folder).parts)
    )
    scheme = ds.HivePartitioning.discover()
    if not paths:
        return []
    data = ds.dataset([str(path) for path in paths], format="parquet", partitioning=scheme, partition_base_dir=str(folder))
    return [
        DataFile(
            piece.path, tuple((key, str(value)) for key, value in ds.get_partition_keys(piece.partition_expression).items())
        )
        for piece in data.get_fragments()
    ]


def _frame(rows: pa.RecordBatch, named: dict[str, str], wanted: Sequence[str], settings: SalesPanel) -> pd.DataFrame:
    columns = {}
    for name in wanted:
        if name in named:
            columns[name] = pd.Categorical.from_codes(np.zeros(len(rows), dtype=np.int8), categories=[named[name]])
            continue
        column = rows[name]
        if name in settings.levels and not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        columns[name] = column.to_pandas()
    return pd.DataFrame(columns, copy=False)
