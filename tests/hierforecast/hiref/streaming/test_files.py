"""Files are found and read, or refused by name."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hierforecast.errors import PanelError
from hierforecast.hiref.material import from_panel
from hierforecast.hiref.streaming.files import list_files, read_batches
from hierforecast.hiref.streaming.material import from_files


def test_a_file_a_folder_and_lists_of_them_are_listed(rows, write, tmp_path):
    one = write("by_time", rows, tmp_path / "a")
    assert [file.path for file in list_files(str(one))] == [str(one)]
    folder = write("partitioned", rows, tmp_path / "b")
    found = list_files([one, folder])
    assert len(found) == 1 + 5 * 2
    assert dict(found[1].keys) == {"state": "S0"}


def test_batches_hold_every_row_with_a_target(rows, carrying, write, small_batches, tmp_path):
    path = write("by_time", rows, tmp_path)
    frames = list(read_batches(list_files(path)[0], carrying.columns, carrying))
    assert max(map(len, frames)) <= 577
    assert sum(map(len, frames)) == rows["units"].notna().sum()
    assert sum(frame["units"].sum() for frame in frames) == pytest.approx(rows["units"].sum())
    assert all(isinstance(frame["state"].dtype, pd.CategoricalDtype) for frame in frames)


def test_what_cannot_be_read_is_named(rows, plain, write, training, tmp_path):
    with pytest.raises(PanelError, match="no file or folder"):
        list_files(tmp_path / "nowhere.parquet")
    with pytest.raises(PanelError, match="no Parquet file in"):
        list_files(tmp_path)
    path = write("by_time", rows, tmp_path)
    with pytest.raises(PanelError, match="given twice"):
        list_files([path, path])
    with pytest.raises(PanelError, match="given twice"):
        list_files([tmp_path, tmp_path / ".." / tmp_path.name / path.name])
    for nothing in (None, 3, rows, [None]):
        with pytest.raises(PanelError, match="wanted a Parquet file, a folder of them, or a list"):
            list_files(nothing)
    (tmp_path / "text.parquet").write_text("week,units")
    with pytest.raises(PanelError, match=r"text.parquet' cannot be read as Parquet"):
        from_files(tmp_path / "text.parquet", plain, training)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: f.drop(columns="tv"), r"one.parquet' has no column 'tv'"),
        (lambda f: f.assign(units=f["units"] - 1), r"one.parquet': target 'units'.*below 0"),
        (lambda f: f.assign(tv=f["tv"].where(f.index != f.index[5])), r"one.parquet': driver 'tv'"),
        (lambda f: f.assign(state=f["state"].where(f.index != f.index[5])), r"one.parquet': level 'state' is empty in 1 rows"),
        (lambda f: f.assign(week=f["week"].astype(str)), r"one.parquet': period column 'week' must be dates"),
        (lambda f: f.assign(units="many"), r"one.parquet': .*'units' must be numbers"),
        (lambda f: f.assign(units=np.nan), "empty in every row of the files"),
        (lambda f: pd.concat([f, f.iloc[[3]]]), r"one.parquet': .*repeat a series"),
    ],
)
def test_bad_rows_are_refused_with_the_file(change, told, rows, plain, write, training, tmp_path):
    with pytest.raises(PanelError, match=told):
        from_files(write("by_series", change(rows), tmp_path), plain, training)


def test_rows_out_of_the_order_of_time_are_refused_with_a_cure(rows, plain, write, training, small_batches, tmp_path):
    path = tmp_path / "shuffled.parquet"
    rows.sample(frac=1, random_state=1).to_parquet(path)
    with pytest.raises(PanelError, match=r"shuffled.parquet': rows of .* series come after later rows.*sort the file by state"):
        from_files(path, plain, training)
    odd = rows["week"].rank(method="dense") % 2 == 1
    paths = [write("by_time", piece, tmp_path / name) for name, piece in {"odd": rows[odd], "even": rows[~odd]}.items()]
    with pytest.raises(PanelError, match=r"even.one.parquet' goes back in time.*cut files by time"):
        from_files(paths, plain, training)


def test_other_tools_write_the_plan_as_nan_and_weeks_as_days(rows, plain, training, tmp_path):
    table = pa.Table.from_pandas(rows.sort_values("week"), preserve_index=False)
    told = {"units": pa.array(table["units"].to_numpy(), from_pandas=False), "week": table["week"].cast(pa.timestamp("s"))}
    told["week"] = told["week"].cast(pa.date32())
    for name, column in told.items():
        table = table.set_column(table.schema.get_field_index(name), name, column)
    pq.write_table(table, tmp_path / "other.parquet")
    found, expected = from_files(tmp_path / "other.parquet", plain, training), from_panel(rows, plain, training)
    assert found.rows == expected.rows
    assert found.design.end == expected.design.end
    np.testing.assert_allclose(found.moments.products, expected.moments.products, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("names", [["007", "7", "a/b c", "ü=%", "1.0"], ["007", "7", "08", "9", "10"]])
def test_folders_name_nodes_by_their_text(names, rows, plain, training, tmp_path):
    stores = rows.assign(state=rows["state"].map(dict(zip(["S0", "S1", "S2", "S3", "S4"], names, strict=True))))
    pq.write_to_dataset(pa.Table.from_pandas(stores, preserve_index=False), tmp_path, partition_cols=["state"])
    assert from_files(tmp_path, plain, training).hierarchy.nodes == from_panel(stores, plain, training).hierarchy.nodes


def test_folders_may_name_a_week_or_a_number(rows, plain, training, tmp_path):
    rows = rows.assign(tv=np.where(rows["week"] < "2023-01-01", 1.0, 2.5))
    pq.write_to_dataset(pa.Table.from_pandas(rows, preserve_index=False), tmp_path, partition_cols=["week", "tv"])
    found, expected = from_files(tmp_path, plain, training), from_panel(rows, plain, training)
    np.testing.assert_allclose(found.moments.products, expected.moments.products, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("state=__HIVE_DEFAULT_PARTITION__", "a folder whose 'state' is empty; every row needs a node"),
        ("week=first", "folder week=first must be named by a date"),
        ("tv=much", "folder tv=much must be named by a number"),
    ],
)
def test_folders_that_name_no_value_are_refused(folder, told, rows, plain, training, tmp_path):
    (tmp_path / folder).mkdir()
    rows.sort_values("week").drop(columns=folder.split("=")[0]).to_parquet(tmp_path / folder / "one.parquet")
    with pytest.raises(PanelError, match=told):
        from_files(tmp_path, plain, training)


def test_lists_are_no_nodes(rows, plain, training, tmp_path):
    rows.assign(state=[["S0"]] * len(rows)).to_parquet(tmp_path / "lists.parquet")
    with pytest.raises(PanelError, match="level 'state' must hold names or numbers"):
        from_files(tmp_path, plain, training)
