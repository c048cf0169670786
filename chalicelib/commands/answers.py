"""Answers: what a command's event says, as the API shows it."""

from collections.abc import Sequence

from chalicelib.domain.fields import rfc3339
from chalicelib.domain.stripes import sum_of
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import EventStore
from chalicelib.http.bodies import (
    AccountBody,
    TransactionBody,
    account_body,
    of_streams,
    transaction_body,
)
from chalicelib.ledger.accounts import metadata_of
from chalicelib.ledger.aggregates import account_state, transaction_event


def account_of(recorded: Recorded, stripes: Sequence[Recorded], store: EventStore) -> AccountBody:
    """The account after this event of its stream, and these of its stripes, without the holds that
    had expired by then. Raises Busy.
    """
    at = max(one.recorded_at for one in (recorded, *stripes))
    account = sum_of(account_state(recorded), [account_state(stripe) for stripe in stripes]).as_of(
        at
    )
    body = account_body(
        recorded.stream.ledger, recorded.stream.id, account, metadata_of(store, recorded), at
    )
    streams = [(rfc3339(one.recorded_at), one.version) for one in (recorded, *stripes)]
    return of_streams(body, streams) if stripes else body


def transaction_of(recorded: Recorded, *, dry_run: bool = False) -> TransactionBody:
    """The transaction after this event of its stream."""
    return transaction_body(
        recorded.stream.ledger,
        recorded.stream.id,
        transaction_event(recorded),
        recorded.version,
        dry_run=dry_run,
    )
