"""The gate's decision on a version, and the champion alias. Moving the alias is the one step that changes what people see."""

import getpass
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from hierforecast.errors import RegistryError
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
    with locks.hold(f"{version.name}.champion", "moving the champion", patience=_PATIENCE, tell=_log.info):
        refuse_if_moved(version, expected_champion)
        server.set_registered_model_alias(version.name, CHAMPION, version.version)
    if alias(version.name, CHALLENGER) == version.version:
        server.delete_registered_model_alias(version.name, CHALLENGER)


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


def roll_back(
    company: str, family: str, *, to: str | None = None, by: str | None = None, because: str = ""
) -> tuple[Version, Version]:
    """Put an earlier champion back; returns the one that was replaced and the one that stands now.

    The version is loaded first, every file of it checked. Who did it, when and why are tags of the one that was replaced.

    Args:
        company: whose model.
        family: "hiref" or "precision".
        to: a version's number, also of one that was kept out; None takes the latest one before the champion that was ever
            promoted.
        by: who does it; None is the user of this process.
        because: why.

    Raises:
        RegistryError: there is no champion, no earlier one, no such version, or it cannot be loaded.
    """
    name = registered_name(company, family)
    known = {version.version: version for version in all_versions(company, family)}
    champion = alias(name, CHAMPION) if known else None
    if champion is None:
        raise RegistryError(f"{name!r} has no champion to roll back from")
    earlier = [number for number, v in known.items() if v.decision == "promoted" and int(number) < int(champion)]
    chosen = to or max(earlier, key=int, default=None)
    if chosen is None:
        raise RegistryError(f"{name!r} has no champion before version {champion}; it was the first")
    if chosen not in known or chosen == champion:
        others = ", ".join(sorted(known.keys() - {champion}, key=int)) or "none"
        raise RegistryError(f"{name!r} cannot go back to version {chosen} from {champion}; other versions: {others}")
    now, then = known[champion], known[chosen]
    ensure_readable(then)
    set_tags(now, {"rolled_back_to": chosen, **signature("rolled_back", by, because)})
    put_to_work(then, champion)
    return now, then


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
    told = {f"{what}_by": by or getpass.getuser(), f"{what}_at": datetime.now(UTC).isoformat(timespec="seconds")}
    return told | ({f"{what}_because": because} if because else {})


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
