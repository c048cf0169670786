"""Answers: what a command's event says, as the API shows it."""

from collections.abc import Sequence

from chalicelib.events.recorded import Recorded
from chalicelib.events.store import EventStore
from chalicelib.http.bodies import (
    AccountBody,
    TransactionBody,
    account_of_streams,
    transaction_body,
)
from chalicelib.ledger.accounts import metadata_of
from chalicelib.ledger.aggregates import account_state, transaction_event


def account_of(recorded: Recorded, stripes: Sequence[Recorded], store: EventStore) -> AccountBody:
    """The account after this event of its stream, and these of its stripes, without the holds that
    had expired by then. Raises Busy.
    """
    streams = (recorded, *stripes)
    at = max(one.recorded_at for one in streams)
    return account_of_streams(
        recorded.stream.ledger,
        recorded.stream.id,
        [(account_state(one).as_of(at), one.recorded_at) for one in streams],
        metadata_of(store, recorded),
    )


def transaction_of(recorded: Recorded, *, dry_run: bool = False) -> TransactionBody:
    """The transaction after this event of its stream."""
    return transaction_body(
        recorded.stream.ledger,
        recorded.stream.id,
        transaction_event(recorded),
        recorded.version,
        dry_run=dry_run,
    )
