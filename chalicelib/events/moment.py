"""Moment: the newest events of all streams of an account, as they were at the same instant.

A striped account is worth what its streams are worth together. Read one after the other while they
are written, they add up to what the account never was.
"""

from datetime import datetime

from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import EventStore, all_of

TRIES = 4
"""How often all streams are read again to find them as they were."""


def at_one_moment(store: EventStore, account: Stream) -> list[Recorded]:
    """The newest events of an account: of its own stream first, then of its stripes if it has any.

    They are read until two readings are the same: then nothing was written between them. An account
    that is written too often for that is shown as of the newest event that an earlier reading saw:
    with everything recorded up to then, and nothing after. Empty for an account that is not there.
    Raises Busy.
    """
    found = all_of(store, account)
    if len(found) < 2:
        return found
    before = found
    for _ in range(TRIES):
        before, found = found, list(store.load([one.stream for one in found]).values())
        if [one.version for one in before] == [one.version for one in found]:
            return found
    moment = max(one.recorded_at for one in before)
    return [_as_of(moment, one, store) for one in found]


def _as_of(moment: datetime, newest: Recorded, store: EventStore) -> Recorded:
    """The last event of a stream that was recorded by a moment; what came since are few."""
    while newest.recorded_at > moment and newest.version > 1:
        newest = store.read(newest.stream, newest.version - 1)
    return newest
