"""What a registered model says that it takes and gives.

A HiReF version takes nodes and drivers of any type and lets the model judge them: MLflow would refuse whole numbers where
it saw floats in training, and categories where it saw text. Drivers that are not known ahead may be left out. Further
columns, such as the target, are ignored. A Precision version takes panel weeks likewise; what was spent may be left out
where nothing is asked about money.
"""

from typing import Any

import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types.schema import AnyType, ColSpec, DataType, ParamSchema, ParamSpec, Schema

from hierforecast.schema import Company, MediaPanel, SalesPanel

# Name, type and usual value of what may be asked of a HiReF version beside its rows; None: as declared in the settings.
HIREF_PARAMS: tuple[tuple[str, DataType, Any], ...] = (
    ("answer", DataType.string, "forecast"),
    ("statistic", DataType.string, None),
    ("level", DataType.string, None),
    ("interval", DataType.double, None),
)
# The same of a Precision version; what each kind reads is in `media_answers`.
PRECISION_PARAMS: tuple[tuple[str, DataType, Any], ...] = (
    ("kind", DataType.string, "forecast"),
    ("answer", DataType.string, None),
    ("level", DataType.string, None),
    ("interval", DataType.double, None),
    ("budget", DataType.double, None),
    ("target_roi", DataType.double, None),
    ("target_marginal_roi", DataType.double, None),
    ("by", DataType.string, None),
)


def signature_of(company: Company, family: str, rows: pd.DataFrame, answer: pd.DataFrame) -> ModelSignature:
    """The signature of a family's version.

    Args:
        company: its settings.
        family: "hiref" or "precision".
        rows: as a user would send them.
        answer: what the model says to them.
    """
    inferred = infer_signature(rows, answer)
    hiref = family == "hiref"
    columns = _columns(company.sales) if hiref else _media_columns(company.media)
    params = ParamSchema([ParamSpec(*given) for given in (HIREF_PARAMS if hiref else PRECISION_PARAMS)])
    return ModelSignature(inputs=Schema(columns), outputs=inferred.outputs, params=params)


def read_columns(panel: SalesPanel) -> list[str]:
    """The columns that a forecast reads."""
    return [name for name in panel.columns if name not in (panel.target.name, panel.weight)]


def _media_columns(panel: MediaPanel) -> list[ColSpec]:
    """What the single model reads: its own metric's exposures and the controls; spend where money is asked about."""
    read = [panel.period, *panel.metric_columns(panel.exposure_metric), *panel.controls]
    spent = [name for name in panel.spend_columns() if name not in read]
    kinds = {panel.period: DataType.datetime}
    needed = [ColSpec(kinds.get(name, AnyType()), name) for name in read]
    return needed + [ColSpec(AnyType(), name, required=False) for name in spent]


def _columns(panel: SalesPanel) -> list[ColSpec]:
    late = {driver.name for driver in panel.drivers if not driver.known_ahead}
    kinds = {panel.period: DataType.datetime}
    return [ColSpec(kinds.get(name, AnyType()), name, required=name not in late) for name in read_columns(panel)]
