"""The gate's decision on a version, and the champion alias. Moving the alias is the one step that changes what people see."""

from hierforecast.gates import Decision
from tasks.registry.connection import client
from tasks.registry.records import CHALLENGER, CHAMPION, Version


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
