"""Releasing: the holds that have expired and stand in the way of a command."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import cast

from chalicelib.commands.attempt import Read, Refused, Run
from chalicelib.domain import account
from chalicelib.domain.entries import expired_holds
from chalicelib.domain.refusals import AccountNotEmpty, BalanceLimitExceeded, InsufficientFunds
from chalicelib.domain.transaction import ExpireHold
from chalicelib.events.recorded import Stream, account_stream
from chalicelib.events.store import Busy, EventStore


def expired_in_the_way(
    run: Run, read: Read, refused: Refused, store: EventStore, monotonic: Callable[[], float]
) -> dict[ExpireHold, datetime]:
    """What frees an account, for which a command was refused, of expired holds, and when each did.

    Raises Busy, also where looking for them takes longer than the command may.
    """
    refusal = refused.refusal
    if not isinstance(refusal, InsufficientFunds | BalanceLimitExceeded | AccountNotEmpty):
        return {}
    ledger = run.commands[refused.place].ledger
    whole = read.heads.get(account_stream(ledger, refusal.account))
    streams = [whole.stream, *whole.stripes] if whole else []
    expired: dict[str, datetime] = {}
    for head in (read.heads[stream] for stream in streams if stream in read.heads):
        newest_first = partial(_newest_first, store, head.stream, lambda: monotonic() < run.until)
        expired |= expired_holds(head.account, newest_first, refused.now)
    return {ExpireHold(ledger=ledger, transaction=id): at for id, at in expired.items()}


def _newest_first(
    store: EventStore, stream: Stream, has_time: Callable[[], bool]
) -> Iterator[account.Event]:
    for one in store.history(stream, newest_first=True):
        if not has_time():
            raise Busy(f"the holds of {stream} could not be looked for in time")
        yield cast(account.Event, one.event)
