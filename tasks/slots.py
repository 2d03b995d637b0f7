"""One run of a company at a time on all machines of a Prefect server: a global concurrency limit with one slot.

Prefect would lend a slot on a lease that runs out when its holder dies, but its server keeps leases in memory: once it is
restarted, the slot of a lease stays taken for good. So the slot is taken for good to begin with, and its holder says in a
Prefect variable who it is and, every minute, that it is alive. Whoever waits takes over the slot of a holder that is a dead
process of this host, or that has said nothing for five minutes: it stays taken, and the variable names another holder.
"""

import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate, VariableCreate, VariableUpdate
from prefect.exceptions import ObjectAlreadyExists, PrefectException, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL
from pydantic import ValidationError

from hierforecast.layout import without_login
from tasks.locks import Holder, busy, waiting
from tasks.processes import is_dead, is_of_this_boot

BEAT_EVERY = 60.0  # seconds
SILENT_FOR = 300.0  # a holder that compiles a model may keep its other threads waiting, but not for so long
LOOK_EVERY = 5.0
_TELL_EVERY = 600.0
_LAST_BEAT = 10.0  # seconds that a beat on its way is waited for: after the end it would name a holder that is none
_TAKEN = 423  # what the server answers where no slot is free
_SETTLING = 1.0  # seconds in which whoever names another holder at the same time has done so
_NO_ANSWER = (httpx.HTTPError, PrefectException, OSError, RuntimeError, ValueError)


def slot_name(company: str) -> str:
    """The global concurrency limit, and the variable that says who holds it."""
    return f"hierforecast-{company}"


@contextmanager
def hold(
    company: str, holder: Holder, *, patience: float, tell: Callable[[str], None], warn: Callable[[str], None]
) -> Iterator[None]:
    """Hold a company's slot during the block; without a Prefect server, or where it never answers, nothing is held.

    A server that goes away later, while another run is at work, ends no wait.

    Args:
        company: whose.
        holder: who holds it.
        patience: seconds to wait at most.
        tell: called with a sentence when it has to wait, and every ten minutes then.
        warn: called with a sentence where Prefect cannot be asked.

    Raises:
        BusyError: it is still held after the patience.
    """
    taken = bool(PREFECT_API_URL.value()) and _ask(lambda client: _take(client, company, holder, patience, tell, warn), warn)
    if not taken:
        yield
        return
    stop = threading.Event()
    settings = contextvars.copy_context()  # Prefect's settings of this run go with its context
    beating = threading.Thread(target=settings.run, args=(_beat, company, holder, stop), name="slot-beat", daemon=True)
    beating.start()
    try:
        yield
    finally:
        stop.set()
        beating.join(timeout=_LAST_BEAT)
        _ask(lambda client: _give_back(client, slot_name(company), holder), warn)


def _ask(question: Callable[[SyncPrefectClient], Any], warn: Callable[[str], None]) -> Any:
    """What Prefect's server answers; None, and a warning, where it cannot be asked."""
    try:
        with get_client(sync_client=True) as client:
            return question(client)
    except _NO_ANSWER as error:
        warn(
            f"Prefect's server cannot be asked whether another machine is at work ({_words(error)}); runs that share this "
            "home are kept apart all the same"
        )
        return None


def _words(error: Exception) -> str:
    """What is wrong, in a line fit for a log."""
    return without_login(str(error).splitlines()[0]) if str(error) else type(error).__name__


def _take(
    client: SyncPrefectClient,
    company: str,
    holder: Holder,
    patience: float,
    tell: Callable[[str], None],
    warn: Callable[[str], None],
) -> bool:
    """Take the slot as soon as it is free. Once it was seen taken, a server that is away is asked again until the deadline."""
    name = slot_name(company)
    _make(client, name)
    heard, is_away = _Heard(), False
    deadline, told = time.monotonic() + patience, time.monotonic() - _TELL_EVERY
    while True:
        try:
            if _attempt(client, name, holder, heard, tell):
                return True
            is_away = False
        except _NO_ANSWER as error:
            if not heard.is_taken:
                raise
            if not is_away:
                warn(
                    f"Prefect's server is away ({_words(error)}), and another run was at work when it last answered: waiting on"
                )
            is_away, heard.since = True, time.monotonic()  # nobody could say anything meanwhile
        now = time.monotonic()
        if now >= deadline:
            raise busy(company, heard.who, patience)
        if now - told >= _TELL_EVERY:
            tell(waiting(company, heard.who, deadline - now))
            told = now
        time.sleep(min(LOOK_EVERY, max(deadline - now, 0.0)))


@dataclass
class _Heard:
    """What is known of a slot: whether it was seen taken, what the variable said last, and since when nothing else."""

    is_taken: bool = False
    said: Any = None
    since: float = field(default_factory=time.monotonic)

    @property
    def who(self) -> Holder | None:
        return _holder_in(self.said)

    @property
    def is_gone(self) -> bool:
        """Whether the holder is a dead process of this host, or silent for too long."""
        is_known_dead = self.who is not None and is_of_this_boot(self.who) and is_dead(self.who)
        return is_known_dead or time.monotonic() - self.since > SILENT_FOR

    def hear(self, said: Any) -> None:
        if said != self.said:
            self.said, self.since = said, time.monotonic()


def _attempt(client: SyncPrefectClient, name: str, holder: Holder, heard: _Heard, tell: Callable[[str], None]) -> bool:
    """Whether the slot is ours now, because it was free or because its holder is gone."""
    if _enter(client, name, holder):
        return True
    heard.is_taken = True
    heard.hear(_said(client, name))
    if heard.who == holder:  # it was taken over before, but nobody heard the answer
        return True
    if not heard.is_gone:
        return False
    who = heard.who.words if heard.who else "a run that is gone"
    tell(f"the slot of {who} is free again: that process is dead or silent")
    heard.since = time.monotonic()
    if _take_over(client, name, holder):
        return True
    heard.hear(_said(client, name))
    return False


def _make(client: SyncPrefectClient, name: str) -> None:
    with suppress(ObjectAlreadyExists):  # another run has just made it
        client.upsert_global_concurrency_limit_by_name(name, 1)


def _enter(client: SyncPrefectClient, name: str, holder: Holder) -> bool:
    """Take the slot if it is free. From then on it is ours, also where that cannot be told: the beat will tell it."""
    if not _try(client, name):
        return False
    try:
        named = _said(client, name)
        _say(client, name, holder, beat=0)
        # Who gives a slot back leaves no name. Where there is one, somebody else may be taking it over.
        return named is None or _is_still_ours(client, name, holder)
    except _NO_ANSWER:
        return True


def _take_over(client: SyncPrefectClient, name: str, holder: Holder) -> bool:
    """Name us in place of a holder that is gone; of two that do so at once, the later one has it.

    The slot is not freed in between, so that nobody who has just come can take it.
    """
    _say(client, name, holder, beat=0)
    time.sleep(_SETTLING)
    if _holder_in(_said(client, name)) != holder:
        return False
    _try(client, name)  # it may have been given back in this moment after all
    return True


def _try(client: SyncPrefectClient, name: str) -> bool:
    try:
        client.increment_concurrency_slots([name], 1, "concurrency")
    except PrefectHTTPStatusError as error:
        if error.response.status_code == _TAKEN:
            return False
        raise
    return True


def _is_still_ours(client: SyncPrefectClient, name: str, holder: Holder) -> bool:
    time.sleep(_SETTLING)
    return not _is_theirs(client, name, holder)


def _give_back(client: SyncPrefectClient, name: str, holder: Holder) -> None:
    """Free the slot, unless somebody who took this holder for dead has it now. Its name goes first: a free slot has none."""
    if _is_theirs(client, name, holder):
        return
    if _said(client, name) is not None:
        client.delete_variable_by_name(name)
    client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=0))


def _beat(company: str, holder: Holder, stop: threading.Event) -> None:
    """Say every minute that the holder is alive; a server that is away for a while is told again."""
    beat = 0
    while not stop.wait(BEAT_EVERY):
        beat += 1
        _ask(lambda client, beat=beat: _say_again(client, slot_name(company), holder, beat=beat), lambda _: None)


def _say_again(client: SyncPrefectClient, name: str, holder: Holder, *, beat: int) -> None:
    if not _is_theirs(client, name, holder):
        _say(client, name, holder, beat=beat)


def _is_theirs(client: SyncPrefectClient, name: str, holder: Holder) -> bool:
    """Whether another one holds the slot."""
    who = _holder_in(_said(client, name))
    return who is not None and who != holder


def _say(client: SyncPrefectClient, name: str, holder: Holder, *, beat: int) -> None:
    value = {**holder.model_dump(), "beat": beat}
    if client.read_variable_by_name(name) is None:
        with suppress(ObjectAlreadyExists):  # of two that say it first, the other was sooner
            client.create_variable(VariableCreate(name=name, value=value))
            return
    client.update_variable(VariableUpdate(name=name, value=value))


def _said(client: SyncPrefectClient, name: str) -> Any:
    variable = client.read_variable_by_name(name)
    return variable.value if variable else None


def _holder_in(said: Any) -> Holder | None:
    try:
        return Holder(**{key: value for key, value in said.items() if key != "beat"})
    except (AttributeError, TypeError, ValidationError):
        return None
