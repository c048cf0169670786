"""Answers: what a command's event says, as the API shows it."""

from chalicelib.events.recorded import Recorded
from chalicelib.events.store import EventStore, metadata_of
from chalicelib.http.bodies import AccountBody, TransactionBody, account_body, transaction_body


def account_of(recorded: Recorded, store: EventStore) -> AccountBody:
    """The account after this event of its stream."""
    return account_body(
        recorded.stream.ledger,
        recorded.stream.id,
        recorded.account,
        metadata_of(store, recorded),
        recorded.recorded_at,
    )


def transaction_of(recorded: Recorded, *, dry_run: bool = False) -> TransactionBody:
    """The transaction after this event of its stream."""
    return transaction_body(
        recorded.stream.ledger,
        recorded.stream.id,
        recorded.transaction_event,
        recorded.version,
        dry_run=dry_run,
    )
