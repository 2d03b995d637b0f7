"""Settings with the curves that training finds, wherever drivers are asked about before or without a fit."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from hierforecast.hiref.material import from_panel, known_rows
from hierforecast.hiref.minibatch.refusals import is_learned
from hierforecast.options import Training
from hierforecast.schema import SalesPanel


def settle_curves(
    panel: pd.DataFrame, settings: SalesPanel, training: Training, *, checkpoint: Path | None = None
) -> SalesPanel:
    """The settings, with found values where drivers declare curves as learned; as they are where none does.

    Args:
        panel: as for `HiReF.fit`.
        settings: the declared columns.
        training: how to learn.
        checkpoint: see `minibatch.learning`.

    Raises:
        PanelError: the panel does not fit the settings.
        SettingsError: the device that `training.rows` names is absent.
    """
    if not any(map(is_learned, settings.drivers)):
        return settings
    from hierforecast.hiref.minibatch.learning import learn_curves  # torch comes in here

    data = from_panel(panel, settings, training)
    return learn_curves(known_rows(panel, settings), data, training, checkpoint=checkpoint)


def curves_told(settings: SalesPanel) -> dict[str, dict[str, Any]]:
    """Carry-over and saturation of every driver that declares one of them as learned, JSON-ready, by driver."""
    return {
        driver.name: {what: asdict(curve) for what in ("adstock", "saturation") if (curve := getattr(driver, what))}
        for driver in settings.drivers
        if is_learned(driver)
    }
