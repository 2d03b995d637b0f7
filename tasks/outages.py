"""Outside systems that are down, slow, full or closed to us: what their errors mean, and the sentence a person is told.

An outage that may pass is asked about again, see `tasks.shelving`. Where it does not pass, the run ends in a message:
which system, where it is, what was tried, what is kept, and what to do.
"""

import errno
import re
from collections.abc import Iterator

import httpx
from prefect.settings import PREFECT_API_URL

from hierforecast.errors import HierforecastError
from hierforecast.layout import without_login
from tasks import environment

_NO_ROOM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "its quota is used up",
    errno.EFBIG: "it grew past the size that a file may have there (see `ulimit -f`)",
    errno.EROFS: "it cannot be written to",
}
_NOT_TO_BE_USED = (errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP)
_PREFECT_CURE = (
    "Finished stages are kept, and no version is promoted unjudged. Start the server (`prefect server start`) and run the "
    "same command again: it takes up what is finished. Without PREFECT_API_URL a run needs no server."
)


class OutageError(HierforecastError):
    """An outside system does not answer, or lets nobody in. Data and settings are not at fault.

    Args:
        message: the system, its address and what it said, without passwords.
        passing: whether asking again may help by itself.
    """

    def __init__(self, message: str, *, passing: bool = True) -> None:
        super().__init__(message)
        self.passing = passing


def told(error: Exception) -> OutageError | None:
    """The outage behind an error that ended a flow, be it Prefect's server, the disk or a path; None for any other error."""
    return of_prefect(error) or of_the_disk(error) or of_a_path(error)


def of_prefect(error: Exception) -> OutageError | None:
    """The outage behind an error of Prefect's client: its server is gone, hangs, or does not know our password."""
    cause = next((item for item in chain(error) if isinstance(item, httpx.HTTPError)), None)
    if cause is None:
        return None
    where = f"Prefect's server at {without_login(_prefects_address())}"
    if isinstance(cause, httpx.HTTPStatusError):
        status = cause.response.status_code
        if status in (401, 403):
            cure = "Set PREFECT_API_AUTH_STRING to name:password as that server has it, and run the same command again."
            return OutageError(f"{where} lets nobody in with this password ({status}).\n{cure}", passing=False)
        if status < 500:
            return None
        return OutageError(f"{where} answers with errors ({status}).\n{_PREFECT_CURE}")
    words = "no answer in time" if isinstance(cause, httpx.TimeoutException) else reason(cause)
    return OutageError(f"{where} does not answer: {words}.\n{_PREFECT_CURE}")


def _prefects_address() -> str:
    return PREFECT_API_URL.value() or "an address that nobody gave"


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what it was raised from or while handling, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def reason(error: BaseException) -> str:
    """Why a connection failed, in a few words."""
    text = str(error)
    if "refused" in text:
        return "connection refused"
    if re.search("Name or service not known|nodename nor servname|name resolution|No address", text):
        return "no machine has that name"
    if re.search("timed out|timeout", text, re.IGNORECASE):
        return "no answer in time"
    if re.search("reset by peer|disconnected|closed|aborted|broken pipe", text, re.IGNORECASE):
        return "it hung up"
    return without_login(text.splitlines()[0] if text else type(error).__name__)


def of_the_disk(error: Exception) -> OutageError | None:
    """A folder that takes nothing any more."""
    for item in chain(error):
        if isinstance(item, OSError) and item.errno in _NO_ROOM:
            where = item.filename2 or item.filename or environment.home().root  # the second one is where a copy goes
            cure = "Nothing half written is used. Make room and run the same command again: finished stages are found."
            return OutageError(f"cannot write {where}: {_NO_ROOM[item.errno]}.\n{cure}", passing=False)
        if "database or disk is full" in str(item):
            return OutageError(f"cannot write {environment.home().database}: the disk is full.\nMake room and run again.")
    return None


def of_a_path(error: Exception) -> OutageError | None:
    """A path that this user cannot use. Not where it only led to the error: libraries try paths, and go on."""
    if not (isinstance(error, OSError) and error.errno in _NOT_TO_BE_USED and error.filename):
        return None
    cure = "Name another path, or mend its owner and permissions, and run the same command again."
    return OutageError(f"cannot use {error.filename2 or error.filename}: {error.strerror}.\n{cure}", passing=False)
