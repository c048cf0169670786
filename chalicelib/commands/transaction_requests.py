"""Transaction requests: the bodies of the Write API about transactions, the commands they ask for,
and the responses to them.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, cast

import msgspec
from msgspec import UNSET, Raw, UnsetType

from chalicelib.commands import field_notes as note
from chalicelib.commands.execution import Executed
from chalicelib.commands.request_fields import KEY_HEADER, REPLAYED, Metadata, NewId
from chalicelib.domain.errors import InvalidField
from chalicelib.domain.fields import (
    check_amount,
    check_id,
    check_reason,
    check_reference,
    whole_number,
)
from chalicelib.domain.transaction.commands import (
    Entry,
    HoldTransaction,
    PostHold,
    PostTransaction,
    ReverseTransaction,
    VoidHold,
    check_entries,
    check_timeout,
)
from chalicelib.domain.transaction.events import Event as TransactionEvent
from chalicelib.events.recorded import Recorded
from chalicelib.http.bodies import TransactionBody, transaction_body
from chalicelib.http.faults import Check
from chalicelib.http.field_types import AccountId, AssetCode, ReferenceText, Side
from chalicelib.http.response import Response
from chalicelib.http.times import Instant, instant
from chalicelib.settings import settings

Amount = Annotated[
    Raw,
    note.AMOUNT,
    Check(lambda raw, where: check_amount(amount_of(raw, where), where)),
]
"""An amount as a request may write it; what it says is the domain's to judge."""

Reference = Annotated[ReferenceText, Check(lambda reference, _: check_reference(reference))]


class EntryRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a transaction."""

    account: Annotated[AccountId, Check(check_id), note.ENTRY_ACCOUNT]
    direction: Side
    amount: Amount
    asset: Annotated[AssetCode | None, note.ENTRY_ASSET] = None


class PendingRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Says that a transaction is to be held, for so many seconds or until it is resolved."""

    timeout_seconds: Annotated[
        Annotated[int, Check(check_timeout), note.TIMEOUT_RANGE] | None, note.TIMEOUT
    ] = None


class NewTransactionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /ledgers/{ledger}/transactions`."""

    entries: Annotated[tuple[EntryRequest, ...], Check(check_entries), note.ENTRIES]
    id: Annotated[NewId | None, note.NEW_TRANSACTION_ID] = None
    reference: Annotated[Reference | None, note.REFERENCE] = None
    effective_at: Annotated[Instant | None, note.EFFECTIVE_AT] = None
    metadata: Metadata = {}
    pending: Annotated[PendingRequest | None, note.PENDING] = None

    def command(
        self, ledger: str, *, key: str | None, new_id: str
    ) -> PostTransaction | HoldTransaction:
        """The command this body asks for, with `key` for its id where it names none.

        Raises InvalidField, InvalidAmount, TooManyEntries.
        """
        transaction = _id(self.id, key, new_id)
        make: Callable[..., PostTransaction | HoldTransaction] = PostTransaction
        if self.pending is not None:
            make = partial(HoldTransaction, timeout_seconds=self.pending.timeout_seconds)
        entries = []
        for place, each in enumerate(self.entries):
            amount = amount_of(each.amount, f"entries[{place}].amount")
            entries.append(
                Entry(
                    account=each.account, direction=each.direction, amount=amount, asset=each.asset
                )
            )
        return make(
            ledger=ledger,
            transaction=transaction,
            entries=tuple(entries),
            reference=self.reference,
            effective_at=_instant(self.effective_at, "effective_at"),
            metadata=self.metadata,
        )


class BatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/transactions/batch`. Its transactions are read one by one, so that what
    is wrong with one is said of that one.
    """

    transactions: Annotated[list[note.NewTransactionPart], note.TRANSACTIONS]
    atomic: Annotated[bool, note.ATOMIC] = True


class PostHoldRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/transactions/{id}/post`."""

    amount: Annotated[Amount, note.POSTED_AMOUNT] | UnsetType = UNSET

    def command(self, ledger: str, transaction: str, key: str | None) -> PostHold:
        """The command this body asks for. Raises InvalidField, InvalidAmount."""
        amount = None if self.amount is UNSET else amount_of(self.amount, "amount")
        return PostHold(ledger=ledger, transaction=transaction, key=key, amount=amount)


class VoidHoldRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/transactions/{id}/void`."""

    reason: Annotated[
        Annotated[str, Check(lambda reason, _: check_reason(reason))] | None, note.REASON
    ] = None

    def command(self, ledger: str, transaction: str, key: str | None) -> VoidHold:
        """The command this body asks for. Raises InvalidField."""
        return VoidHold(ledger=ledger, transaction=transaction, key=key, reason=self.reason)


class ReverseTransactionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/transactions/{id}/reverse`."""

    id: Annotated[NewId | None, note.REVERSAL_ID] = None
    effective_at: Annotated[Instant | None, note.REVERSAL_EFFECTIVE_AT] = None
    reference: Annotated[Reference | None, note.REVERSAL_REFERENCE] = None
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


def transaction_response(
    executed: Executed, *, created: bool = False, dry_run: bool = False
) -> Response[TransactionBody]:
    """The transaction; with 201 and its address if it was created. A dry run creates nothing."""
    body = transaction_of(executed.recorded, dry_run=dry_run)
    if dry_run:
        return Response(body)
    headers = dict(REPLAYED) if executed.replayed else {}
    if not created:
        return Response(body, headers=headers)
    location = f"{settings().journal_url or ''}/ledgers/{body.ledger}/transactions/{body.id}"
    headers["Location"] = location
    return Response(body, status=200 if executed.replayed else 201, headers=headers)


def transaction_of(recorded: Recorded, *, dry_run: bool = False) -> TransactionBody:
    """The transaction after this event of its stream."""
    stream, event = recorded.stream, cast(TransactionEvent, recorded.event)
    return transaction_body(stream.ledger, stream.id, event, recorded.version, dry_run=dry_run)


def amount_of(raw: Raw, where: str) -> int:
    """The amount that a field says, of any size. Raises InvalidAmount."""
    try:
        value = msgspec.json.decode(raw)
    except msgspec.ValidationError:
        value = bytes(raw).decode()  # A number of thousands of digits.
    return whole_number(value, where)


def _id(id: str | None, key: str | None, new_id: str) -> str:
    if key is not None and id not in (None, key):
        raise InvalidField(
            KEY_HEADER, "the body has another id than this key gives: send one of the two"
        )
    if id is not None:
        return id
    return new_id if key is None else key


def _instant(text: str | None, where: str) -> datetime | None:
    return None if text is None else instant(text, where)
