"""What a sales panel must hold: the suite from the schema, and what people know about sales.

A price or another driver read as a logarithm may be zero here and there (an item given away, a scanner's slip): the model
has a stated rule for it. A negative one has no meaning and stops the run.
"""

from datetime import date

from expectations.calendar import ExpectFullLastPeriod, ExpectNoGaps
from expectations.check import Check, place
from expectations.from_schema import bounds, calendar_checks, known
from expectations.history.plausibility import ExpectUsualValues
from expectations.history.profile import Profile
from expectations.history.suite import age_checks, champion_checks, unit_checks, zero_checks
from expectations.history.supply import ExpectNoSilentSeries
from expectations.lags import ExpectValuesKnownInTime
from expectations.leakage.suite import declared_lags, leakage_checks
from expectations.nesting import ExpectDistinctNames, ExpectNoStrayParents, ExpectOneParent
from hierforecast.driver import Driver
from hierforecast.schema import SalesPanel


def content_checks(panel: SalesPanel, *, earlier: Profile | None = None, today: date | None = None) -> list[Check]:
    """Checks on a typed copy whose structure holds."""
    target, where = panel.target.name, place(panel)
    checks = [bounds(target, 0, None, "sales cannot be negative", needed=True), known(panel, target, 0)]
    if panel.weight and panel.weight not in {driver.reference for driver in panel.drivers}:
        checks += [bounds(panel.weight, 0, None, "it weighs rows", needed=True), known(panel, panel.weight, 0)]
    logged = _logged(panel)
    for driver in panel.drivers:
        checks += _column_checks(panel, driver, driver.name, logged)
        checks += [check for name in _own_references(panel, driver) for check in _column_checks(panel, driver, name, logged)]
    checks += calendar_checks(panel)
    if panel.gaps == "forbid":
        gaps = f"no series misses a {panel.frequency} between its first and its last row"
        checks.append(Check("no_gaps", gaps, ExpectNoGaps(**where), panel.period))
    full = f"the last {panel.frequency} with known {target!r} is delivered by at least half of the usual series"
    checks.append(Check("full_last_period", full, ExpectFullLastPeriod(target=target, **where), panel.period))
    priced = [name for name in panel.columns if name in logged]
    others = [name for name in _explaining(panel) if name not in priced]
    checks += _nesting(panel)
    checks += unit_checks(panel, priced=priced, others=others)
    if priced:
        checks.append(_odd_values(panel, priced))
    checks += zero_checks(panel, moving=[target, *priced, *others])
    checks.append(_silence(panel, [*priced, *others]))
    checks += [*age_checks(panel, today), *champion_checks(panel, earlier)]
    return [*checks, *_leakage(panel), _lags(panel), *declared_lags(panel)]


def _column_checks(panel: SalesPanel, driver: Driver, column: str, logged: set[str]) -> list[Check]:
    """Known values and bounds of a driver, or of the column it is measured from."""
    # A measured driver may be empty from the first period on in which nobody can know it; see `lags`.
    until = None if driver.known_ahead else min(0, 1 - driver.availability_lag)
    checks = [known(panel, column, until)]
    lower, upper = (driver.lower, driver.upper) if column == driver.name else (None, None)
    why = f"declared bounds{f', {driver.unit}' if driver.unit else ''}"
    needed = column in logged or column == panel.weight
    if needed and (lower is None or lower < 0):
        lower, why = 0.0, "it is read as a logarithm" if column in logged else "it weighs rows"
    if lower is not None or upper is not None:
        checks.append(bounds(column, lower, upper, why, needed=needed))
    return checks


def _logged(panel: SalesPanel) -> set[str]:
    """Columns read as logarithms, as prices are: drivers with that transform, and the columns they are measured from."""
    drivers = [driver for driver in panel.drivers if driver.transform == "log"]
    return {driver.name for driver in drivers} | {driver.reference for driver in drivers if isinstance(driver.reference, str)}


def _explaining(panel: SalesPanel) -> list[str]:
    """Drivers, and the columns that they are measured from."""
    return [*(driver.name for driver in panel.drivers), *_references(panel)]


def _references(panel: SalesPanel) -> list[str]:
    return [name for driver in panel.drivers for name in _own_references(panel, driver)]


def _nesting(panel: SalesPanel) -> list[Check]:
    where, nested = place(panel), panel.checks.nested
    checks = []
    for levels in nested:
        sentence = f"each node of {', '.join(map(repr, levels[1:]))} lies in one node of the level before, {levels[0]!r} first"
        checks.append(Check("nested", sentence, ExpectOneParent(nested=levels, **where), " > ".join(levels)))
    if len(panel.levels) > 1:
        strays = "no node lies below another parent than its usual one in a few rows only"
        checks.append(Check("stray_parents", strays, ExpectNoStrayParents(nested=nested, **where), severity="warn"))
    alike = "no two nodes of a level differ by capitals, accents or spaces alone"
    return [*checks, Check("alike_names", alike, ExpectDistinctNames(**where), severity="warn")]


def _odd_values(panel: SalesPanel, priced: list[str]) -> Check:
    references = {driver.name: driver.reference for driver in panel.drivers if {driver.name, driver.reference} <= {*priced}}
    limit = panel.checks.max_jump
    expectation = ExpectUsualValues(columns=priced, limit=limit, references=references, **place(panel))
    sentence = f"{', '.join(map(repr, priced))} stay within {limit:g} times their series' usual value"
    return Check("odd_values", sentence, expectation, severity="warn")


def _silence(panel: SalesPanel, drivers: list[str]) -> Check:
    expectation = ExpectNoSilentSeries(target=panel.target.name, drivers=drivers, **place(panel))
    return Check("silent_series", "no series that always sold has stopped selling", expectation, severity="warn")


def _own_references(panel: SalesPanel, driver: Driver) -> list[str]:
    """The column a driver is measured from, unless it is checked elsewhere: as a driver, or with an earlier one."""
    taken = {other.name for other in panel.drivers} | {panel.target.name, "mean"}
    taken |= {other.reference for other in panel.drivers[: panel.drivers.index(driver)] if isinstance(other.reference, str)}
    return [driver.reference] if isinstance(driver.reference, str) and driver.reference not in taken else []


def _leakage(panel: SalesPanel) -> list[Check]:
    # A measured driver works through its lags alone, the shortest of them judged. Of a planned one a forecast reads values
    # of periods that are to come, so at lag 1 it would bring sales of all but the last of them along.
    moved = {driver.name: 0 if driver.known_ahead else min(driver.lags) for driver in panel.drivers}
    return leakage_checks(panel, moved | dict.fromkeys(_references(panel), 0), "driver")


def _lags(panel: SalesPanel) -> Check:
    measured = {driver.name: _known_after(panel, driver) for driver in panel.drivers if not driver.known_ahead}
    measured = {name: lag for name, lag in measured.items() if lag is not None}
    target = panel.target
    expectation = ExpectValuesKnownInTime(target=target.name, lags=measured, target_lag=target.availability_lag, **place(panel))
    return Check("lags", "no measured driver has a value later than it can be known", expectation)


def _known_after(panel: SalesPanel, driver: Driver) -> int | None:
    """Periods until a measured driver is known, below 0 for the past of another column; None where that one is planned."""
    if driver.lag_of is None:
        return driver.availability_lag
    if driver.lag_of == panel.target.name:
        return min(driver.availability_lag, 1 + panel.target.availability_lag - driver.lag_periods)
    source = next(other for other in panel.drivers if other.name == driver.lag_of)
    return None if source.known_ahead else min(driver.availability_lag, source.availability_lag - driver.lag_periods)
