"""Reading an account with its stripes from the event store."""

from collections.abc import Mapping
from datetime import datetime

from chalicelib.domain.account.state import metadata_mark
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import EventStore
from chalicelib.ledger.aggregates import (
    account_state,
    metadata_set_by,
    sets_metadata,
    stripe_streams,
)

_NO_METADATA = metadata_mark({})

TRIES = 4
"""How often all streams are read again until two readings agree."""


def metadata_of(store: EventStore, newest: Recorded) -> Mapping[str, str]:
    """An account's metadata, from the event that set it: states do not carry it. Raises Busy."""
    account = account_state(newest)
    if account.metadata_fingerprint == _NO_METADATA:
        return {}
    if sets_metadata(newest):
        return metadata_set_by(newest)
    return metadata_set_by(store.read(newest.stream, account.metadata_version))


def all_of(store: EventStore, account: Stream) -> list[Recorded]:
    """The newest events of an account: of its own stream first, then of its stripes if it has any.

    Empty for an account that does not exist. Raises Busy.
    """
    head = store.load([account]).get(account)
    if head is None:
        return []
    stripes = stripe_streams(head)
    return [head, *(store.load(stripes).values() if stripes else ())]


def at_one_moment(store: EventStore, account: Stream) -> list[Recorded]:
    """The newest events of an account's streams, as they were at the same instant, in the order of
    `all_of`.

    A striped account's balance is the sum over its streams. Read one after the other while they are
    written, they add up to a balance that the account never had. So they are read until two
    readings agree: then nothing was written between them. If they never agree, the account is shown
    as of the newest event of an earlier reading: with all that was recorded up to then, and nothing
    after. Raises Busy.
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
    """The last event of a stream that was recorded by a moment: few versions back."""
    while newest.recorded_at > moment and newest.version > 1:
        newest = store.read(newest.stream, newest.version - 1)
    return newest
