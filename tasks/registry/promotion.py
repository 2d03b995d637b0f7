"""The gate's decision on a version, and the champion alias. Moving the alias is the one step that changes what people see."""

import getpass
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from hierforecast.errors import BusyError, RegistryError
from hierforecast.gates import Decision
from hierforecast.layout import registered_name
from tasks import locks
from tasks.registry import decision_record, sealing
from tasks.registry.connection import client
from tasks.registry.records import CHALLENGER, CHAMPION, SUPERSEDED, WAITING, Version
from tasks.registry.versions import all_versions

_log = logging.getLogger(__name__)
_PATIENCE = 120.0  # seconds; whoever holds the lock has two requests to make


class ChampionMovedError(RegistryError):
    """Somebody else moved the champion after a version was compared with it."""


def carry_out(version: Version, decision: Decision, *, expected_champion: str | None = None) -> Version:
    """Write the decision on the version; if it was promoted, move `champion` to it and take `challenger` off.

    The `decision` tag is written last: a run that dies in between finds the version undecided and decides again.

    Args:
        version: which was judged.
        decision: what came of it.
        expected_champion: the number of the champion that it was judged against; None where there was none.

    Raises:
        ChampionMovedError: another version is champion by now, so that the decision says nothing; nothing was moved.
    """
    refuse_if_moved(version, expected_champion)
    decision_record.write(version, decision, judged_against=expected_champion)
    if decision.promoted:
        put_to_work(version, expected_champion)
    elif decision.verdict == WAITING:
        client().set_registered_model_alias(version.name, CHALLENGER, version.version)
    if decision.verdict != "kept":
        _supersede_others(version)
    return _decided(version, decision.verdict)


def put_to_work(version: Version, expected_champion: str | None) -> None:
    """Move `champion` to a version, and take `challenger` off it. Raises ChampionMovedError as `carry_out`.

    MLflow cannot move an alias on a condition, so looking and moving are one step by a lock of the home; between machines
    that share no home, a moment of two requests is left.
    """
    server = client()
    with _nobody_else_moves(version.name):
        refuse_if_moved(version, expected_champion)
        server.set_registered_model_alias(version.name, CHAMPION, version.version)
    if alias(version.name, CHALLENGER) == version.version:
        server.delete_registered_model_alias(version.name, CHALLENGER)


@contextmanager
def _nobody_else_moves(name: str) -> Iterator[None]:
    try:
        with locks.hold(f"{name}.champion", "moving the champion", patience=_PATIENCE, tell=_log.debug):
            yield
    except BusyError:
        raise BusyError(
            f"somebody else has been moving the champion of {name!r} for {_PATIENCE:.0f} s; nothing was moved. Run again"
        ) from None


def refuse_if_moved(version: Version, expected_champion: str | None) -> None:
    """Raise ChampionMovedError unless the champion is the expected one, or the version itself already."""
    now = alias(version.name, CHAMPION)
    if now not in (expected_champion, version.version):
        then = f"version {expected_champion}" if expected_champion else "no champion"
        there = f"version {now} is champion" if now else "there is no champion"
        raise ChampionMovedError(
            f"{version.name} version {version.version} was compared with {then}, and {there} by now; nothing was moved. "
            "Run again to have it judged anew"
        )


def alias(name: str, which: str) -> str | None:
    """The number of the version behind an alias, as the registry has it now."""
    number = client().get_registered_model(name).aliases.get(which)
    return None if number is None else str(number)


def find_rollback(company: str, family: str, *, to: str | None = None) -> tuple[Version, Version]:
    """The champion, and the version that a rollback puts in its place.

    Args:
        company: whose model.
        family: "hiref" or "precision".
        to: a version's number, also of one that was kept out; None takes the champion before this one: that which it was
            compared with, or, where that was never promoted, the latest earlier version that was.

    Raises:
        RegistryError: there is no champion, no earlier one, or no such version.
    """
    name = registered_name(company, family)
    known = {version.version: version for version in all_versions(company, family)}
    champion = alias(name, CHAMPION) if known else None
    if champion is None:
        raise RegistryError(f"{name!r} has no champion to roll back from")
    earlier = [number for number, v in known.items() if v.decision == "promoted" and int(number) < int(champion)]
    before = known[champion].judged_against
    chosen = to or (before if before in earlier else max(earlier, key=int, default=None))
    if chosen is None:
        raise RegistryError(f"{name!r} has no champion before version {champion}; it was the first")
    if chosen not in known or chosen == champion:
        others = ", ".join(sorted(known.keys() - {champion}, key=int)) or "none"
        raise RegistryError(f"{name!r} cannot go back to version {chosen} from {champion}; other versions: {others}")
    return known[champion], known[chosen]


def roll_back(now: Version, then: Version, *, by: str | None = None, because: str = "") -> None:
    """Put a version in the champion's place, see `find_rollback`. Doing it again changes nothing more.

    The version is loaded first, every file of its model checked. Who did it, when and why are tags of the one that was
    replaced. None for `by` is the user of this process.

    Raises:
        RegistryError: the version cannot be loaded, or another one is champion by now.
    """
    ensure_readable(then)
    set_tags(now, {"rolled_back_to": then.version, **signature("rolled_back", by, because)})
    put_to_work(then, now.version)


def ensure_readable(version: Version) -> None:
    """Load a version as its readers will.

    Raises:
        RegistryError: a file is missing, changed or damaged.
    """
    try:
        sealing.load(version)
    except RegistryError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RegistryError(
            f"{version.name} version {version.version} cannot be loaded, so it cannot become champion: {reason}"
        ) from error


def signature(what: str, by: str | None, because: str) -> dict[str, str]:
    """Tags that say who did it and when, and why if that was said."""
    told = {f"{what}_by": by or _this_user(), f"{what}_at": datetime.now(UTC).isoformat(timespec="seconds")}
    return told | ({f"{what}_because": because} if because else {})


def _this_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # as in a container that runs under a number without a name
        return f"uid {os.getuid()}"


def set_tags(version: Version, tags: Mapping[str, str]) -> None:
    """Write tags on a version."""
    for name, value in tags.items():
        client().set_model_version_tag(version.name, version.version, name, value)


def _supersede_others(version: Version) -> None:
    """Versions that wait for approval wait no more once another one waits, or was promoted, in their place."""
    company, _, family = version.name.rpartition("-")
    for other in all_versions(company, family):
        if other.decision == WAITING and other.version != version.version:
            set_tags(other, {"superseded_by": version.version, "decision": SUPERSEDED})


def _decided(version: Version, decision: str) -> Version:
    client().set_model_version_tag(version.name, version.version, "decision", decision)
    return version.model_copy(update={"decision": decision})
