"""What the champion was trained on, as its run's checks kept it."""

import json
import logging

from pydantic import ValidationError

from expectations.history.profile import PROFILE, Profile, read_profile
from tasks.registry import sealing, versions
from tasks.registry.connection import client

_log = logging.getLogger(__name__)


def champion_profile(company: str, family: str) -> Profile | None:
    """The profile of the panel that the champion was trained on.

    None where there is no champion, or where it was trained by a release that kept no profile, or another one than this
    release reads.

    Raises:
        MlflowException: the registry cannot be asked. That is not the same as having no champion.
        SealError: the profile is not the one that was registered.
    """
    version = versions.champion(company, family)
    if version is None:
        return None
    path = f"checks/{PROFILE}"
    if path not in {found.path for found in client().list_artifacts(version.run_id, "checks")}:
        _log.warning("%s version %s keeps no profile of its data: nothing is compared", version.name, version.version)
        return None
    try:
        return read_profile(json.loads(sealing.sealed_text(version, path)))
    except (ValidationError, ValueError) as error:
        _log.warning("the profile of %s version %s cannot be read: %s", version.name, version.version, error)
        return None
