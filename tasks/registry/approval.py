"""The last word about versions that hold every gate and wait, where the settings leave it to a person."""

from hierforecast.errors import RegistryError
from hierforecast.layout import registered_name
from tasks.registry import decision_record
from tasks.registry.promotion import alias, ensure_readable, put_to_work, set_tags, signature
from tasks.registry.records import CHAMPION, REFUSED, WAITING, Version
from tasks.registry.versions import all_versions


def approve(version: Version, *, by: str | None = None, because: str = "", anyway: bool = False) -> Version:
    """Promote a version that waits, see `waiting`. Doing it again changes nothing more.

    Args:
        version: which.
        by: who approves; None is the user of this process.
        because: why.
        anyway: also where it was compared with another champion than today's.

    Raises:
        RegistryError: it cannot be loaded, or the champion is another one by now.
    """
    champion = alias(version.name, CHAMPION)
    if champion not in (version.judged_against, version.version) and not anyway:
        then = f"with version {version.judged_against}" if version.judged_against else "with no champion"
        now = f"version {champion} is champion" if champion else "there is no champion"
        raise RegistryError(
            f"{version.name} version {version.version} was compared {then}, and {now} now; "
            "run the retrain again to have it judged against that one, or approve it with --anyway"
        )
    ensure_readable(version)
    said = signature("approved", by, because)
    set_tags(version, said)
    _describe(version, "Approved", said["approved_by"], because)
    put_to_work(version, champion)
    set_tags(version, {"decision": "promoted"})
    return version.model_copy(update={"decision": "promoted"})


def refuse(version: Version, *, by: str | None = None, because: str = "") -> Version:
    """Keep a version that waits out for good. None for `by` is the user of this process."""
    said = signature("refused", by, because)
    set_tags(version, said)
    _describe(version, "Refused", said["refused_by"], because)
    set_tags(version, {"decision": REFUSED})
    return version.model_copy(update={"decision": REFUSED})


def waiting(company: str, family: str, number: str | None = None) -> Version:
    """The version that waits. Raises RegistryError where none does, or the numbered one does not."""
    name = registered_name(company, family)
    known = {version.version: version for version in all_versions(company, family)}
    found = [version for version in known.values() if version.decision == WAITING]
    listed = ", ".join(sorted((version.version for version in found), key=int)) or "none"
    if number is None:
        if not found:
            raise RegistryError(f"{name!r} has no version that waits for approval")
        return max(found, key=lambda version: int(version.version))
    if number not in known:
        raise RegistryError(f"{name!r} has no version {number}; waiting for approval: {listed}")
    if known[number].decision != WAITING:
        state = known[number].decision or "not judged yet"
        raise RegistryError(f"{name} version {number} does not wait for approval, it is {state}; waiting: {listed}")
    return known[number]


def _describe(version: Version, what: str, by: str, because: str) -> None:
    said = f"{what} by {by}: {because}" if because else f"{what} by {by}"
    decision_record.describe(version, f"{said.rstrip('.')}. {version.told}".strip())
