"""Transaction requests: the bodies of the Write API about transactions, and the commands they ask
for.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from chalicelib.commands.entry_requests import (
    TRANSFER,
    Amount,
    EntryRequest,
    PendingRequest,
    amount_of,
)
from chalicelib.commands.idempotency import HEADER
from chalicelib.commands.request_fields import Metadata, NewId, NewTransactionPart
from chalicelib.domain.errors import InvalidField
from chalicelib.domain.fields import (
    check_reason,
    check_reference,
)
from chalicelib.domain.transaction.commands import (
    MAX_ENTRIES,
    MIN_ENTRIES,
    Entry,
    HoldTransaction,
    PostHold,
    PostTransaction,
    ReverseTransaction,
    VoidHold,
    check_entries,
)
from chalicelib.http.faults import Check
from chalicelib.http.field_types import ReferenceText, described
from chalicelib.http.times import Instant, instant

Reference = Annotated[
    ReferenceText,
    Check(lambda reference, _: check_reference(reference)),
]


class NewTransactionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /ledgers/{ledger}/transactions`."""

    entries: Annotated[
        tuple[EntryRequest, ...],
        Check(check_entries),
        described(
            "2 to 96 entries. In each asset the debits equal the credits.",
            TRANSFER,
            minItems=MIN_ENTRIES,
            maxItems=MAX_ENTRIES,
        ),
    ]
    id: Annotated[
        NewId | None,
        described(
            "The id that the transaction shall have. It is done once: the same id with the same "
            "content is answered with the first answer. Default: the id that the "
            "`Idempotency-Key` gives, or one that the server makes.",
            "order-77",
        ),
    ] = None
    reference: Annotated[
        Reference | None,
        described("Your text for finding it, such as an invoice's number. Default: none."),
    ] = None
    effective_at: Annotated[
        Instant | None,
        described(
            "When it counts for the business; may lie in the past. Default: when it is recorded, "
            "or for a hold, when it is posted."
        ),
    ] = None
    metadata: Metadata = {}
    pending: Annotated[
        PendingRequest | None,
        described(
            "Makes the transaction a hold, which reserves the amounts until it is posted or "
            "voided. Default: it is posted at once.",
            {"timeout_seconds": 600},
        ),
    ] = None

    def command(
        self, ledger: str, *, key: str | None, new_id: str
    ) -> PostTransaction | HoldTransaction:
        """The command this body asks for, with `key` for its id where it names none.

        Raises InvalidField, InvalidAmount, TooManyEntries.
        """
        make: Callable[..., PostTransaction | HoldTransaction] = PostTransaction
        if self.pending is not None:
            make = partial(HoldTransaction, timeout_seconds=self.pending.timeout_seconds)
        transaction = _id(self.id, key, new_id)
        entries = tuple(
            Entry(
                account=entry.account,
                direction=entry.direction,
                amount=amount_of(entry.amount, f"entries[{place}].amount"),
                asset=entry.asset,
            )
            for place, entry in enumerate(self.entries)
        )
        return make(
            ledger=ledger,
            transaction=transaction,
            entries=entries,
            reference=self.reference,
            effective_at=_instant(self.effective_at, "effective_at"),
            metadata=self.metadata,
        )


class BatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/transactions/batch`. Its transactions are read one by one, so that what
    is wrong with one is said of that one.
    """

    transactions: Annotated[
        list[NewTransactionPart],
        described(
            "The transactions; if atomic, with at most 99 events (one per transaction and entry).",
            minItems=1,
            maxItems=100,
        ),
    ]
    atomic: Annotated[
        bool,
        described("Whether all are done or none. False: each on its own. Default: true.", False),
    ] = True


class PostHoldRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/transactions/{id}/post`."""

    amount: (
        Annotated[
            Amount,
            described(
                "How much of a hold with two entries is posted; the rest is released. "
                "Default: all of it.",
                "300",
            ),
        ]
        | UnsetType
    ) = UNSET

    def command(self, ledger: str, transaction: str, key: str | None) -> PostHold:
        """The command this body asks for. Raises InvalidField, InvalidAmount."""
        amount = None if self.amount is UNSET else amount_of(self.amount, "amount")
        return PostHold(ledger=ledger, transaction=transaction, key=key, amount=amount)


class VoidHoldRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/transactions/{id}/void`."""

    reason: Annotated[
        Annotated[str, Check(lambda reason, _: check_reason(reason))] | None,
        described("Why, for people. Default: none.", "out of stock"),
    ] = None

    def command(self, ledger: str, transaction: str, key: str | None) -> VoidHold:
        """The command this body asks for. Raises InvalidField."""
        return VoidHold(ledger=ledger, transaction=transaction, key=key, reason=self.reason)


class ReverseTransactionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/transactions/{id}/reverse`."""

    id: Annotated[
        NewId | None,
        described(
            "The id that the reversal shall have. Default: the id that the `Idempotency-Key` "
            "gives, or one that the server makes.",
            "refund-1",
        ),
    ] = None
    effective_at: Annotated[
        Instant | None,
        described("When it counts for the business. Default: when it is recorded."),
    ] = None
    reference: Annotated[
        Reference | None, described("Your text for finding it. Default: the original's.")
    ] = None
    metadata: Metadata = {}

    def command(
        self, ledger: str, reverses: str, *, key: str | None, new_id: str
    ) -> ReverseTransaction:
        """The command this body asks for. Raises InvalidField."""
        return ReverseTransaction(
            ledger=ledger,
            transaction=_id(self.id, key, new_id),
            reverses=reverses,
            effective_at=_instant(self.effective_at, "effective_at"),
            reference=self.reference,
            metadata=self.metadata,
        )


def _id(id: str | None, key: str | None, new_id: str) -> str:
    if key is not None and id not in (None, key):
        raise InvalidField(
            HEADER, "the body has another id than this key gives: send one of the two"
        )
    if id is not None:
        return id
    return new_id if key is None else key


def _instant(text: str | None, where: str) -> datetime | None:
    return None if text is None else instant(text, where)
