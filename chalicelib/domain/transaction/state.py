"""State of the transaction: what may follow, and `evolve`."""

from msgspec import Struct

from chalicelib.domain.transaction.events import (
    Event,
    HoldExpired,
    HoldPosted,
    HoldVoided,
    TransactionHeld,
    TransactionPosted,
    TransactionReversed,
)

_FOLLOWS: dict[type[Event], tuple[str | None, ...]] = {
    TransactionPosted: (None,),
    TransactionHeld: (None,),
    HoldPosted: (TransactionHeld.__name__,),
    HoldVoided: (TransactionHeld.__name__,),
    HoldExpired: (TransactionHeld.__name__,),
    TransactionReversed: (TransactionPosted.__name__, HoldPosted.__name__),
}
"""The types of events that each event may follow; None is the beginning."""


class Transaction(Struct, frozen=True, kw_only=True):
    """What may follow; all else of a transaction is in its newest event, of type `newest`."""

    version: int
    newest: str


def evolve(transaction: Transaction | None, event: Event) -> Transaction:
    """The transaction after one more event. Raises ValueError for an impossible order."""
    if (transaction and transaction.newest) not in _FOLLOWS[type(event)]:
        raise ValueError(f"{type(event).__name__} cannot follow {transaction}")
    return Transaction(
        version=transaction.version + 1 if transaction else 1,
        newest=type(event).__name__,
    )
