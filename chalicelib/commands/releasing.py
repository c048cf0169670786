"""Releasing: the expired holds that stand in the way of a command, or that it is about.

A hold is recorded as expired before a command is refused for that. What was decided on it earlier,
and is still on its way to the store, can then no longer be appended.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import cast

from chalicelib.commands.attempt import Read, ReadLevel, Refused, Run
from chalicelib.commands.deciding import Command, makes_its_stream, subject
from chalicelib.domain.account.events import Event as AccountEvent
from chalicelib.domain.errors import (
    AccountNotEmpty,
    BalanceLimitExceeded,
    InsufficientFunds,
    TransactionNotPending,
)
from chalicelib.domain.postings import expired_holds
from chalicelib.domain.transaction.commands import ExpireHold
from chalicelib.events.recorded import Stream
from chalicelib.events.store import Busy, EventStore
from chalicelib.ledger.aggregates import (
    account_state,
    account_stream,
    stripe_streams,
    transaction_event,
)


def expired_in_the_way(
    run: Run, read: Read, refused: Refused, store: EventStore, monotonic: Callable[[], float]
) -> dict[ExpireHold, datetime]:
    """What releases the expired holds for which a command was refused, and when each expired: those
    of an account, or the one that was to be resolved.

    Raises Busy, also where looking for them takes longer than the command may.
    """
    refusal = refused.refusal
    if isinstance(refusal, TransactionNotPending):
        return _subject_that_expired(run, read, refused)
    if not isinstance(refusal, InsufficientFunds | BalanceLimitExceeded | AccountNotEmpty):
        return {}
    ledger = run.commands[refused.place].ledger
    whole = read.heads.get(account_stream(ledger, refusal.account))
    streams = [whole.stream, *stripe_streams(whole)] if whole else []
    expired: dict[str, datetime] = {}
    for head in (read.heads[stream] for stream in streams if stream in read.heads):
        newest_first = partial(_newest_first, store, head.stream, lambda: monotonic() < run.until)
        expired |= expired_holds(account_state(head), newest_first, refused.now)
    return {ExpireHold(ledger=ledger, transaction=id): at for id, at in expired.items()}


def puts_off(run: Run, releases: Sequence[Command]) -> bool:
    """Whether these releases are not to be written, or not yet.

    A dry run only decides as if they were. And it is asked first whether the commands were done
    before: a replay writes nothing.
    """
    if run.dry_run:
        run.releases += releases
        return True
    asked = run.level is ReadLevel.REPLAY_CHECKED or not any(map(makes_its_stream, run.commands))
    if asked or not releases:
        return False
    run.escalate(ReadLevel.REPLAY_CHECKED)
    return True


def _subject_that_expired(run: Run, read: Read, refused: Refused) -> dict[ExpireHold, datetime]:
    stream = subject(run.commands[refused.place])
    hold = transaction_event(read.heads[stream])
    if hold.resolution is not None or hold.expires_at is None:
        return {}
    return {ExpireHold(ledger=stream.ledger, transaction=stream.id): hold.expires_at}


def _newest_first(
    store: EventStore, stream: Stream, has_time: Callable[[], bool]
) -> Iterator[AccountEvent]:
    for one in store.history(stream, newest_first=True):
        if not has_time():
            raise Busy(f"the holds of {stream} could not be looked for in time")
        yield cast(AccountEvent, one.event)
