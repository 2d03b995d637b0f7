"""Looking whether registered versions are still what was registered."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from hierforecast.errors import RegistryError
from tasks import environment
from tasks.registry import asking


@task(name="verify-version", cache_policy=NO_CACHE)
@asking.of_the_registry()
def verify_version(company: str, family: str, version: str | None) -> str:
    """Check every sealed file of a version, or of the champion, and say how many there are.

    Raises:
        SealError: a file was changed or removed since the version was registered, or one was added to its model, tables, checks
            or plots.
        RegistryError: there is no such version, or it has no seal.
    """
    environment.prepare()
    from tasks.registry import sealing, versions

    known = {found.version: found for found in versions.all_versions(company, family)}
    if version is None:
        version = found.version if (found := versions.champion(company, family)) else "champion"
    if version not in known:
        others = ", ".join(sorted(known, key=int)) or "none"
        raise RegistryError(f"{company}-{family} has no version {version!r}; there are: {others}")
    count = sealing.verify(known[version])
    return f"{known[version].name} version {version}: all {count} files are as they were registered"
