"""What a fault may never do. A verdict is the list of broken promises; an empty one is what is wanted."""

from dataclasses import dataclass, field

from tests.faults.look import UNLOADABLE, Look


@dataclass
class Verdict:
    """What was lost, doubled and wrongly promoted, and every other promise that was broken, each in a sentence."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrongly_promoted: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def broken(self) -> list[str]:
        """All of them."""
        return [*self.lost, *self.doubled, *self.wrongly_promoted, *self.others]


def judge(before: Look, after: Look, end: Look, wanted: Look, *, harmed: bool = False) -> Verdict:
    """Compare a home before the fault, right after it, and after the next run with one that met no fault.

    Args:
        before: what was there.
        after: what the fault left.
        end: after an undisturbed run again.
        wanted: after an undisturbed run alone.
        harmed: the fault itself made a version unloadable, so that this is nobody's loss before it was mended.
    """
    verdict = Verdict()
    for moment, earlier, now, spared in (("after the fault", before, after, harmed), ("in the end", after, end, False)):
        lost = [loss for loss in losses(earlier, now) if not (spared and UNLOADABLE in loss)]
        verdict.lost += [f"{moment}: {loss}" for loss in lost]
        verdict.doubled += [f"{moment}: {double}" for double in doubles(now)]
        verdict.wrongly_promoted += [f"{moment}: {wrong}" for wrong in wrong_champions(now)]
    verdict.others += differences(end, wanted)
    verdict.others += [f"the MLflow run {name} never ended" for name in end.running]
    verdict.others += [f"left over: {path}" for path in end.unfinished]
    return verdict


def losses(earlier: Look, now: Look) -> list[str]:
    """Versions that are gone or changed, any that cannot be loaded, and a champion that was and is not."""
    found = []
    for family, versions in earlier.versions.items():
        there = {seen.version: seen for seen in now.versions.get(family, [])}
        for seen in versions:
            same = there.get(seen.version)
            if same is None:
                found.append(f"{family} version {seen.version} is gone")
            elif seen.loads and same.loads and same.content != seen.content:
                found.append(f"{family} version {seen.version} is another one now")
        if earlier.champion(family) and not now.champion(family):
            found.append(f"{family} has no champion")
    for family, versions in now.versions.items():
        broken = [seen for seen in versions if not seen.loads]
        found += [f"{family} version {seen.version} {UNLOADABLE} ({seen.content[UNLOADABLE]})" for seen in broken]
    return found


def doubles(now: Look) -> list[str]:
    """Fingerprints that more than one version carries."""
    found = []
    for family, versions in now.versions.items():
        fingerprints = [seen.fingerprint for seen in versions]
        for fingerprint in sorted({f for f in fingerprints if fingerprints.count(f) > 1}):
            same = [str(seen.version) for seen in versions if seen.fingerprint == fingerprint]
            found.append(f"{family} versions {' and '.join(same)} are made of the same")
    return found


def wrong_champions(now: Look) -> list[str]:
    """Champions whose gates did not hold, or were never asked."""
    found = []
    for family in now.versions:
        champion = now.champion(family)
        if champion and not champion.held:
            found.append(f"{family} version {champion.version} is champion and was decided as {champion.decision}")
    return found


def differences(end: Look, wanted: Look) -> list[str]:
    """In what an end state is not the wanted one, to the last bit of every table."""
    found = []
    for family in wanted.versions.keys() | end.versions.keys():
        theirs, ours = wanted.versions.get(family, []), end.versions.get(family, [])
        if len(ours) != len(theirs):
            found.append(f"{family} has {len(ours)} versions, wanted {len(theirs)}")
            continue
        if end.aliases.get(family) != wanted.aliases.get(family):
            found.append(f"{family} has the aliases {end.aliases.get(family)}, wanted {wanted.aliases.get(family)}")
        for one, other in zip(ours, theirs, strict=True):
            if (one.fingerprint, one.decision) != (other.fingerprint, other.decision):
                found.append(f"{family} version {one.version} is {one.decision}, wanted {other.decision}, or of other data")
            changed = sorted(n for n in one.content.keys() | other.content.keys() if one.content.get(n) != other.content.get(n))
            if changed and one.loads:
                found.append(f"{family} version {one.version} has other {', '.join(changed)}")
    return found
