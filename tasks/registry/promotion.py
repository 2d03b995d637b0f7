"""The gate's decision on a version, and the champion alias. Moving the alias is the one step that changes what people see."""

from hierforecast.errors import PanelError
from hierforecast.gates import Decision
from hierforecast.layout import registered_name
from tasks.registry.connection import client
from tasks.registry.records import CHALLENGER, CHAMPION, Version
from tasks.registry.versions import all_versions, champion


def carry_out(version: Version, decision: Decision) -> Version:
    """Write the decision on the version; if it was promoted, move `champion` to it and take `challenger` off.

    The `decision` tag is written last: a run that dies in between finds the version undecided and decides again.
    """
    server = client()
    server.set_model_version_tag(version.name, version.version, "decision_reasons", decision.to_json())
    if decision.promoted:
        server.set_registered_model_alias(version.name, CHAMPION, version.version)
        challenger = server.get_registered_model(version.name).aliases.get(CHALLENGER)
        if str(challenger) == version.version:
            server.delete_registered_model_alias(version.name, CHALLENGER)
    server.set_model_version_tag(version.name, version.version, "decision", decision.verdict)
    return version.model_copy(update={"decision": decision.verdict})


def roll_back(company: str, family: str, *, to: str | None = None) -> tuple[Version, Version]:
    """Put an earlier champion back; returns the one that was replaced and the one that stands now.

    Args:
        company: whose model.
        family: "hiref" or "precision".
        to: a version's number; None takes the latest one before the champion that was ever promoted.

    Raises:
        PanelError: there is no champion, no earlier one, or no such version.
    """
    name = registered_name(company, family)
    now = champion(company, family)
    if now is None:
        raise PanelError(f"{name!r} has no champion to roll back from")
    known = {version.version: version for version in all_versions(company, family)}
    earlier = [number for number, v in known.items() if v.decision == "promoted" and int(number) < int(now.version)]
    chosen = to or max(earlier, key=int, default=None)
    if chosen is None:
        raise PanelError(f"{name!r} has no champion before version {now.version}; it was the first")
    if chosen not in known or chosen == now.version:
        others = ", ".join(sorted(known.keys() - {now.version}, key=int)) or "none"
        raise PanelError(f"{name!r} cannot go back to version {chosen} from {now.version}; other versions: {others}")
    server = client()
    server.set_model_version_tag(name, now.version, "rolled_back_to", chosen)
    server.set_registered_model_alias(name, CHAMPION, chosen)
    return now, known[chosen]
