"""What a registered model says that it takes and gives.

A HiReF version takes nodes and drivers of any type and lets the model judge them: MLflow would refuse whole numbers where
it saw floats in training, and categories where it saw text. Drivers that are not known ahead may be left out. Further
columns, such as the target, are ignored.
"""

from typing import Any

import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types.schema import AnyType, ColSpec, DataType, ParamSchema, ParamSpec, Schema

from hierforecast.schema import Company, SalesPanel

# Name, type and usual value of what may be asked of a HiReF version beside its rows; None: as declared in the settings.
HIREF_PARAMS: tuple[tuple[str, DataType, Any], ...] = (
    ("answer", DataType.string, "forecast"),
    ("statistic", DataType.string, None),
    ("level", DataType.string, None),
    ("interval", DataType.double, None),
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
    if family != "hiref":
        return inferred
    params = ParamSchema([ParamSpec(*given) for given in HIREF_PARAMS])
    return ModelSignature(inputs=Schema(_columns(company.sales)), outputs=inferred.outputs, params=params)


def read_columns(panel: SalesPanel) -> list[str]:
    """The columns that a forecast reads."""
    return [name for name in panel.columns if name not in (panel.target.name, panel.weight)]


def _columns(panel: SalesPanel) -> list[ColSpec]:
    late = {driver.name for driver in panel.drivers if not driver.known_ahead}
    kinds = {panel.period: DataType.datetime}
    return [ColSpec(kinds.get(name, AnyType()), name, required=name not in late) for name in read_columns(panel)]
