from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hierforecast.errors import HomeError, PanelError, SettingsError
from hierforecast.settings import parse_company, read_company
from tasks import panels

RAW = {
    "company": "tiny",
    "sales": {"target": "units", "levels": ["shop", "sku"], "drivers": [{"name": "price", "sign": "-"}], "horizon": 2},
}


def frame() -> pd.DataFrame:
    keys = pd.MultiIndex.from_product([[7, 8], ["a", "b"], pd.date_range("2024-01-01", periods=6, freq="W-MON")])
    table = keys.set_names(["shop", "sku", "week"]).to_frame(index=False)
    return table.assign(units=np.arange(len(table)), price=1.5, memo="not declared")


def ingest(path, *, settings="settings.yaml", raw=RAW):
    return panels.ingest.fn(parse_company(raw), "sales", settings=str(settings), given=str(path) if path else None)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_panel_is_kept_with_its_declared_columns(home, tmp_path, suffix):
    path = tmp_path / f"sales{suffix}"
    getattr(frame(), "to_parquet" if suffix == ".parquet" else "to_csv")(path, index=False)
    reference = ingest(path)
    typed = panels.typed(reference, parse_company(RAW).sales)
    assert list(typed.columns) == ["shop", "sku", "week", "units", "price"]
    assert typed["shop"].tolist()[:1] == ["7"]
    assert typed["week"].dtype.kind == "M"
    assert reference.rows == len(frame())
    assert not list(home.panels.rglob("*.tmp"))


def test_equal_content_is_one_panel(home, tmp_path):
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    frame().to_parquet(first, index=False)
    frame().assign(memo="something else").to_parquet(second, index=False, compression="gzip")
    assert ingest(first).path == ingest(second).path
    changed = frame()
    changed.loc[3, "units"] += 1
    changed.to_parquet(second, index=False)
    assert ingest(second).digest != ingest(first).digest


def test_relative_paths_are_meant_from_the_settings(home, tmp_path):
    (tmp_path / "data").mkdir()
    frame().to_parquet(tmp_path / "data/sales.parquet", index=False)
    raw = {**RAW, "sales": {**RAW["sales"], "path": "data/sales.parquet"}}
    assert ingest(None, settings=tmp_path / "tiny.yaml", raw=raw).rows == 24
    raw["sales"] = {**raw["sales"], "path": "../sales.parquet"}
    with pytest.raises(SettingsError, match="leaves the folder"):
        ingest(None, settings=tmp_path / "tiny.yaml", raw=raw)


def test_a_csv_keeps_the_names_of_nodes(home, tmp_path):
    table = frame().assign(shop=["007", "7"] * 12, sku="NA")
    table.to_csv(tmp_path / "sales.csv", index=False)
    typed = panels.typed(ingest(tmp_path / "sales.csv"), parse_company(RAW).sales)
    assert set(typed["shop"]) == {"007", "7"}
    assert set(typed["sku"]) == {"NA"}


def test_a_csv_that_may_be_cut_within_its_last_number_is_told(home, tmp_path, caplog):
    path = tmp_path / "sales.csv"
    for whole in (frame().to_csv(index=False), frame().to_csv(index=False, lineterminator="\r\n")):
        path.write_bytes(whole.encode())
        ingest(path)
        assert not caplog.records
    path.write_text(whole.rstrip())
    ingest(path)
    assert "does not end its last line" in caplog.text


def test_a_missing_column_leaves_the_others_for_the_check_to_name(home, tmp_path):
    frame().rename(columns={"price": "prise"}).to_csv(tmp_path / "sales.csv", index=False)
    assert "prise" in panels.raw(ingest(tmp_path / "sales.csv")).columns


def test_a_cast_that_fails_names_the_column():
    sales = parse_company(RAW).sales
    with pytest.raises(PanelError, match="column 'price' must hold numbers"):
        panels.as_declared(frame().assign(price="cheap"), sales)
    with pytest.raises(PanelError, match=r"column 'week' must hold dates such as 2024-01-08"):
        panels.as_declared(frame().assign(week="08/01/2024"), sales)


def test_what_cannot_be_read_is_named(home, tmp_path):
    with pytest.raises(PanelError, match=r"no file .*nowhere\.parquet"):
        ingest(tmp_path / "nowhere.parquet")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 but cut off")
    with pytest.raises(PanelError, match=r"cut\.parquet.* cannot be read as parquet"):
        ingest(tmp_path / "cut.parquet")
    (tmp_path / "sales.xlsx").write_bytes(b"x")
    with pytest.raises(PanelError, match=r"wanted a \.parquet or \.csv"):
        ingest(tmp_path / "sales.xlsx")
    with pytest.raises(PanelError, match="no sales data: give --sales PATH"):
        ingest(None)


def test_the_demo_needs_no_file(home, root):
    company = read_company(root / "deployments/demo.yaml")
    reference = panels.ingest.fn(company, "media", settings="deployments/demo.yaml", given=None)
    history, plan = panels.history_and_plan(reference, company.media)
    assert (len(history), len(plan)) == (156, 13)


def test_a_failed_write_leaves_nothing(tmp_path):
    unwritable = pd.DataFrame({"mixed": [1, "a", object()]})
    with pytest.raises(Exception, match=r"."):
        panels.write_parquet(unwritable, tmp_path / "x.parquet")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["cut", "emptied", "deleted", "a byte changed", "rows lost"])
def test_a_damaged_panel_is_written_again_from_its_source(home, tmp_path, damage):
    frame().to_parquet(tmp_path / "sales.parquet", index=False)
    stored = Path(ingest(tmp_path / "sales.parquet").path)
    whole = stored.read_bytes()
    if damage == "deleted":
        stored.unlink()
    elif damage == "rows lost":
        pd.read_parquet(stored).head(3).to_parquet(stored)
    elif damage == "a byte changed":
        at = whole.index(b"PAR1") + 60  # in the first page
        stored.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    else:
        stored.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"")
    if damage in ("cut", "emptied", "deleted"):
        reference = panels.PanelReference(family="sales", path=str(stored), digest="", rows=24)
        with pytest.raises(HomeError, match=r"cannot be read: .*run again: it is written anew"):
            panels.raw(reference)
    again = ingest(tmp_path / "sales.parquet")
    assert Path(again.path) == stored
    assert stored.read_bytes() == whole


def test_a_whole_panel_is_not_written_again(home, tmp_path):
    frame().to_parquet(tmp_path / "sales.parquet", index=False)
    stored = Path(ingest(tmp_path / "sales.parquet").path)
    before = stored.stat()
    ingest(tmp_path / "sales.parquet")
    assert (stored.stat().st_ino, stored.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
