"""One run of a company at a time on all machines of a Prefect server: a global concurrency limit with one slot.

Prefect would lend a slot on a lease that runs out when its holder dies, but its server keeps leases in memory: once it is
restarted, the slot of a lease stays taken for good. So the slot is taken for good to begin with, and its holder says in a
Prefect variable who it is and, every minute, that it is alive. Whoever waits frees the slot of a holder that is a dead
process of this host, or that has said nothing for five minutes.
"""

import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate, VariableCreate, VariableUpdate
from prefect.exceptions import PrefectException, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL
from pydantic import ValidationError

from tasks.locks import Holder, busy, waiting
from tasks.processes import is_dead, is_of_this_boot

BEAT_EVERY = 60.0  # seconds
SILENT_FOR = 300.0  # a holder that compiles a model may keep its other threads waiting, but not for so long
LOOK_EVERY = 5.0
_TELL_EVERY = 600.0
_TAKEN = 423  # what the server answers where no slot is free


def slot_name(company: str) -> str:
    """The global concurrency limit, and the variable that says who holds it."""
    return f"hierforecast-{company}"


@contextmanager
def hold(
    company: str, holder: Holder, *, patience: float, tell: Callable[[str], None], warn: Callable[[str], None]
) -> Iterator[None]:
    """Hold a company's slot during the block; without a Prefect server, or where it does not answer, nothing is held.

    Args:
        company: whose.
        holder: who holds it.
        patience: seconds to wait at most.
        tell: called with a sentence when it has to wait, and every ten minutes then.
        warn: called with a sentence where Prefect cannot be asked.

    Raises:
        BusyError: it is still held after the patience.
    """
    taken = bool(PREFECT_API_URL.value()) and _ask(lambda client: _take(client, company, holder, patience, tell), warn)
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
        _ask(lambda client: _give_back(client, slot_name(company), holder), warn)


def _ask(question: Callable[[SyncPrefectClient], Any], warn: Callable[[str], None]) -> Any:
    """What Prefect's server answers; None, and a warning, where it cannot be asked."""
    try:
        with get_client(sync_client=True) as client:
            return question(client)
    except (httpx.HTTPError, PrefectException, OSError, RuntimeError, ValueError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        warn(
            f"Prefect's server cannot be asked whether another machine is at work ({words}); runs that share this home are "
            "kept apart all the same"
        )
        return None


def _take(client: SyncPrefectClient, company: str, holder: Holder, patience: float, tell: Callable[[str], None]) -> bool:
    """Take the slot as soon as it is free."""
    name = slot_name(company)
    client.upsert_global_concurrency_limit_by_name(name, 1)
    now = time.monotonic()
    deadline, told = now + patience, now - _TELL_EVERY
    seen, seen_since, freed = _said(client, name), now, False
    while True:
        if _try(client, name):
            _say(client, name, holder, beat=0)
            if not freed or _is_still_ours(client, name, holder):
                return True
        now, said = time.monotonic(), _said(client, name)
        if said != seen:
            seen, seen_since = said, now
        who = _holder_in(said)
        if (who and is_of_this_boot(who) and is_dead(who)) or now - seen_since > SILENT_FOR:
            tell(f"the slot of {who.words if who else 'a run that is gone'} is free again: that process is dead or silent")
            client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=0))
            seen_since, freed = now, True
            continue
        if now >= deadline:
            raise busy(company, who, patience)
        if now - told >= _TELL_EVERY:
            tell(waiting(company, who, deadline - now))
            told = now
        time.sleep(min(LOOK_EVERY, max(deadline - now, 0.0)))


def _try(client: SyncPrefectClient, name: str) -> bool:
    try:
        client.increment_concurrency_slots([name], 1, "concurrency")
    except PrefectHTTPStatusError as error:
        if error.response.status_code == _TAKEN:
            return False
        raise
    return True


def _is_still_ours(client: SyncPrefectClient, name: str, holder: Holder) -> bool:
    """Of two that freed the same slot at once, the later one has it."""
    time.sleep(1.0)
    return not _is_theirs(client, name, holder)


def _give_back(client: SyncPrefectClient, name: str, holder: Holder) -> None:
    """Free the slot, unless somebody who took this holder for dead has it now."""
    if _is_theirs(client, name, holder):
        return
    client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=0))
    if _said(client, name) is not None:
        client.delete_variable_by_name(name)


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
        client.create_variable(VariableCreate(name=name, value=value))
    else:
        client.update_variable(VariableUpdate(name=name, value=value))


def _said(client: SyncPrefectClient, name: str) -> Any:
    variable = client.read_variable_by_name(name)
    return variable.value if variable else None


def _holder_in(said: Any) -> Holder | None:
    try:
        return Holder(**{key: value for key, value in said.items() if key != "beat"})
    except (AttributeError, TypeError, ValidationError):
        return None
