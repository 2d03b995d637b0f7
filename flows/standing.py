"""What stands on unchanged data and settings: versions that nobody needs to train or judge again, and what to do about them."""

from prefect.runtime import flow_run

from hierforecast.schema import Company
from tasks.registry.records import REFUSED, WAITING, Version


def standing(family: str, company: Company, known: Version, champion: Version | None) -> str:
    """Why a known version stays as it is; empty where it is to be judged.

    A version that was promoted and replaced since stays replaced: somebody may have rolled it back. One that waits for
    approval waits on, unless the champion that it was compared with is another one by now, or nobody has to be asked any
    more. What a person refused stays refused.
    """
    if known.decision == "promoted":
        return _promoted(known, champion)
    if known.decision == REFUSED:
        return f"unchanged: {known.told or f'version {known.version} was refused'}"
    same_rival = known.judged_against == (champion.version if champion else None)
    if known.decision == WAITING and same_rival and company.gates.manual(family):
        return f"unchanged: version {known.version} waits for approval; {how_to_approve(known)}"
    return ""


def how_to_approve(version: Version) -> str:
    """The commands that end the waiting."""
    return f"`{_command('approve', version)} --version {version.version}` promotes it, and with `--refuse` it stays out"


def _promoted(known: Version, champion: Version | None) -> str:
    if champion and champion.version == known.version:
        return f"unchanged: version {known.version} stands"
    now = f"version {champion.version} is champion" if champion else "there is no champion"
    back = f"`{_command('rollback', known)} --to {known.version}` brings it back"
    return f"unchanged: version {known.version} was promoted before, and now {now}; {back}"


def _command(flow: str, version: Version) -> str:
    settings = flow_run.parameters.get("settings", "YOUR.yaml")
    return f"python -m flows.{flow} --settings {settings} --family {version.name.rpartition('-')[2]}"
