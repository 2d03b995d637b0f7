"""Which settings the engines can honour together, said before any work is done."""

from hierforecast.driver import Driver
from hierforecast.errors import SettingsError
from hierforecast.options import Training
from hierforecast.schema import SalesPanel

MEAN_LOSSES = ("poisson", "tweedie")  # judge units, so what they fit is the mean of sales
ON_MOMENTS = ("squared", "poisson", "gamma")


def refuse_unfit(panel: SalesPanel, training: Training) -> None:
    """Raise a SettingsError where engine, loss, link and drivers do not go together."""
    if training.engine == "moments" and training.loss not in ON_MOMENTS:
        raise SettingsError(
            f"training.loss is {training.loss!r}, which sums over rows cannot hold; set training.engine to 'rows', "
            f"or training.loss to one of: {', '.join(ON_MOMENTS)}"
        )
    if panel.link == "mixed" and panel.target_lags:
        raise SettingsError(
            f"link 'mixed' has no place for target_lags {panel.target_lags}: a lag neither multiplies nor adds units; "
            "leave target_lags out, or set link to 'log' or 'identity'"
        )
    if training.engine == "rows":
        _refuse_on_rows(panel, training)
    for driver in panel.drivers:
        if is_learned(driver):
            _refuse_unlearnable(driver, training)


def _refuse_on_rows(panel: SalesPanel, training: Training) -> None:
    if training.loss == "gamma":
        raise SettingsError(
            "training.loss is 'gamma', which the rows engine does not have; set training.engine to 'moments', "
            "or training.loss to 'tweedie' with training.rows.tweedie_power near 2"
        )
    if training.loss in MEAN_LOSSES and panel.link != "log":
        raise SettingsError(
            f"training.loss {training.loss!r} needs forecasts above 0, which link {panel.link!r} does not promise; "
            "set link to 'log', or training.loss to 'squared', 'huber' or 'quantile'"
        )
    if panel.link not in ("log", "identity"):
        raise SettingsError(
            f"link {panel.link!r} is fitted on moments only; set training.engine to 'moments', or link to 'log' or 'identity'"
        )


def is_learned(driver: Driver) -> bool:
    """Whether the driver's carry-over or saturation may move in training."""
    return bool((driver.adstock and driver.adstock.learned) or (driver.saturation and driver.saturation.learned))


def _refuse_unlearnable(driver: Driver, training: Training) -> None:
    if training.engine != "rows":
        raise SettingsError(
            f"driver {driver.name!r} has a curve with learned: true, which needs rows; set training.engine to 'rows', "
            "or give the value and leave learned out"
        )
    if driver.lags != (0,):
        raise SettingsError(
            f"driver {driver.name!r} has a learned curve and lags {list(driver.lags)}; a learned carry-over already "
            "reaches back, so leave lags out, or learned"
        )
