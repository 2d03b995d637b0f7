"""Tables as AG Grid: one maker, and columns described by what they hold."""

from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag
import pandas as pd
from dash.development.base_component import Component

SHARE, NUMBER, DECIMAL = ".1%", ",.0f", ",.3f"
ROWS_PER_PAGE = 15


def text_column(field: str, title: str, *, width: int = 120, tooltip: bool = False) -> dict[str, Any]:
    """A column of words; `width` in pixels is what it never shrinks below."""
    return {"field": field, "headerName": title, "minWidth": width, **({"tooltipField": field} if tooltip else {})}


def number_column(field: str, title: str, form: str, *, width: int = 110) -> dict[str, Any]:
    """A right-aligned column of numbers in a d3 format; unknown values are a dash."""
    shown = f"params.value == null ? '–' : d3.format('{form}')(params.value)"
    return {
        "field": field,
        "headerName": title,
        "minWidth": width,
        "type": "rightAligned",
        "valueFormatter": {"function": shown},
    }


def column_group(title: str, columns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Columns below a common heading."""
    return {"headerName": title, "children": list(columns)}


def make_grid(
    frame: pd.DataFrame,
    columns: Sequence[dict[str, Any]],
    *,
    id: str,
    row_id: str | None = None,
    selected: Sequence[dict[str, Any]] | None = None,
) -> Component:
    """A sortable table that grows with its rows, in pages where there are many.

    Args:
        frame: its rows; only the columns described are sent.
        row_id: a column that names rows; with it a click selects one, readable as `selectedRows`.
        selected: the rows selected at first.
    """
    present = [column for column in columns if _fields([column]) and set(_fields([column])) <= set(frame.columns)]
    options: dict[str, Any] = {"domLayout": "autoHeight", "enableCellTextSelection": True, "tooltipShowDelay": 300}
    if len(frame) > ROWS_PER_PAGE:
        options |= {"pagination": True, "paginationPageSize": ROWS_PER_PAGE, "paginationPageSizeSelector": False}
    if row_id:
        options["rowSelection"] = {"mode": "singleRow", "enableClickSelection": True, "checkboxes": False}
    return dag.AgGrid(
        id=id,
        rowData=frame[_fields(present)].to_dict("records"),
        columnDefs=present,
        defaultColDef={"sortable": True, "resizable": True, "flex": 1},
        dashGridOptions=options,
        getRowId=f"params.data.{row_id}" if row_id else None,
        selectedRows=list(selected or []),
        className="ag-theme-quartz grid",
        style={"height": None},
    )


def _fields(columns: Sequence[dict[str, Any]]) -> list[str]:
    """The fields of columns, those inside groups included."""
    return [leaf["field"] for column in columns for leaf in column.get("children", [column])]
