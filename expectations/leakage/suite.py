"""The checks of a panel against knowing too much: columns, keys, held-out periods, and declared lags."""

from expectations.check import Check, place
from expectations.declared_lags import ExpectDeclaredLag
from expectations.leakage.encoded_keys import ExpectNoEncodedKeys
from expectations.leakage.held_out import ExpectNoCopiedPeriods
from expectations.leakage.verdicts import ExpectNoLeakage, ExpectNoNearLeakage
from hierforecast.schema import MediaPanel, SalesPanel


def leakage_checks(panel: SalesPanel | MediaPanel, lags: dict[str, int], what: str) -> list[Check]:
    """Checks of what explains the target.

    Args:
        panel: the declaration.
        lags: per judged column the periods by which the model moves it back before use.
        what: what these columns are called, e.g. "driver".
    """
    target, horizon, where = panel.target.name, panel.horizon, place(panel)
    judged = {"target": target, "lags": lags, "horizon": horizon, **where}
    copied = f"no {what} is {target!r}, its future, or made of them"
    near = f"no {what} all but determines {target!r} once series means and season are taken off"
    checks = [
        Check("leakage", copied, ExpectNoLeakage(**judged)),
        Check("near_leakage", near, ExpectNoNearLeakage(**judged), severity="warn"),
    ]
    if isinstance(panel, SalesPanel):
        keys = f"no level is {target!r} in other words"
        checks.append(Check("encoded_keys", keys, ExpectNoEncodedKeys(target=target, **where)))
    repeated = f"none of the last {horizon} {panel.frequency}s, which are held out, is a copy of an earlier one"
    held_out = ExpectNoCopiedPeriods(target=target, columns=list(lags), horizon=horizon, **where)
    return [*checks, Check("copied_periods", repeated, held_out)]


def declared_lags(panel: SalesPanel) -> list[Check]:
    """One check for every driver that is declared to be the lag of another column."""
    where = place(panel)
    return [
        Check(
            "lags",
            f"{driver.name!r} is {driver.lag_of!r} of {driver.lag_periods} {panel.frequency}s ago",
            ExpectDeclaredLag(column=driver.name, lag_of=driver.lag_of, lag_periods=driver.lag_periods, **where),
            driver.name,
        )
        for driver in panel.drivers
        if driver.lag_of is not None
    ]
