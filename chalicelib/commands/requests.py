"""Requests: the bodies of the Write API, and the commands they ask for.

An amount is kept as the raw JSON it came as, so that `1.0`, `1e3` and `true` are seen for what
they are, and are refused as amounts.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from chalicelib.commands.idempotency import HEADER
from chalicelib.domain.amounts import MAX_AMOUNT, NOT_WHOLE, parse_amount, parse_limit
from chalicelib.domain.fields import (
    Direction,
    check_asset,
    check_id,
    check_metadata,
    check_new_id,
    check_reason,
    check_reference,
)
from chalicelib.domain.managing import (
    KEEP,
    ChangeAccount,
    CloseAccount,
    FreezeAccount,
    Keep,
    OpenAccount,
    UnfreezeAccount,
)
from chalicelib.domain.refusals import InvalidAmount, InvalidField
from chalicelib.domain.stripes import MAX_STRIPES
from chalicelib.domain.transaction import (
    Entry,
    HoldTransaction,
    PostHold,
    PostTransaction,
    ReverseTransaction,
    VoidHold,
    check_entries,
    check_timeout,
)
from chalicelib.http.faults import Check
from chalicelib.http.times import Instant, instant

_DIGITS = "[1-9][0-9]{0,30}"
Amount = Annotated[
    Raw,
    Meta(
        extra_json_schema={
            "oneOf": [
                {"type": "string", "pattern": f"^{_DIGITS}$"},
                {"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT},
            ],
            "examples": ["1000"],
        }
    ),
    Check(lambda raw, where: _amount(raw, where)),
]
"""An amount as a request may write it; what it says is the domain's to judge."""

Limit = Annotated[
    Raw,
    Meta(
        extra_json_schema={
            "oneOf": [
                {"type": "string", "pattern": f"^(0|-?{_DIGITS})$"},
                {"type": "integer", "minimum": -MAX_AMOUNT, "maximum": MAX_AMOUNT},
                {"type": "null"},
            ]
        }
    ),
    Check(lambda raw, where: _limit(raw, where)),
]
"""Likewise a limit; null where there is none."""

AccountId = Annotated[str, Check(check_id)]
NewId = Annotated[str, Check(check_new_id)]
Metadata = Annotated[Mapping[str, str], Check(lambda metadata, _: check_metadata(metadata))]
Reference = Annotated[str, Check(lambda reference, _: check_reference(reference))]


class OpenAccountRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /ledgers/{ledger}/accounts`."""

    asset: Annotated[str, Check(lambda asset, _: check_asset(asset))]
    normal_balance: Direction
    id: NewId | None = None
    min_balance: Limit | UnsetType = UNSET
    max_balance: Limit | UnsetType = UNSET
    metadata: Metadata = {}
    stripes: Annotated[int, Meta(ge=1, le=MAX_STRIPES)] = 1

    def command(self, ledger: str, new_id: str) -> OpenAccount:
        """The command this body asks for. Raises InvalidField, InvalidAmount."""
        # What is not striped holds at least nothing, unless it is said otherwise.
        least = 0 if self.stripes == 1 else None
        return OpenAccount(
            ledger=ledger,
            account=new_id if self.id is None else self.id,
            asset=self.asset,
            normal_balance=self.normal_balance,
            min_balance=least
            if self.min_balance is UNSET
            else _limit(self.min_balance, "min_balance"),
            max_balance=None
            if self.max_balance is UNSET
            else _limit(self.max_balance, "max_balance"),
            metadata=self.metadata,
            stripes=self.stripes,
        )


class ChangeAccountRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `PATCH …/accounts/{id}`. A field that is left out stays as it is."""

    min_balance: Limit | UnsetType = UNSET
    max_balance: Limit | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET

    def command(self, ledger: str, account: str, if_version: int | None) -> ChangeAccount:
        """The command this body asks for. Raises InvalidField, also where it asks for nothing, and
        InvalidAmount.
        """
        if self == ChangeAccountRequest():
            raise InvalidField("body", "nothing is asked for: give a limit or metadata")
        return ChangeAccount(
            ledger=ledger,
            account=account,
            min_balance=_limit_or_keep(self.min_balance, "min_balance"),
            max_balance=_limit_or_keep(self.max_balance, "max_balance"),
            metadata=None if self.metadata is UNSET else self.metadata,
            if_version=if_version,
        )


class DirectionsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/accounts/{id}/freeze` and `/unfreeze`; an empty one means both."""

    debits: bool | UnsetType = UNSET
    credits: bool | UnsetType = UNSET

    def freeze(self, ledger: str, account: str) -> FreezeAccount:
        """The command this body asks for. Raises InvalidField."""
        debits, credits = self._asked()
        return FreezeAccount(ledger=ledger, account=account, debits=debits, credits=credits)

    def unfreeze(self, ledger: str, account: str) -> UnfreezeAccount:
        """The command this body asks for. Raises InvalidField."""
        debits, credits = self._asked()
        return UnfreezeAccount(ledger=ledger, account=account, debits=debits, credits=credits)

    def _asked(self) -> tuple[bool, bool]:
        both = self.debits is UNSET and self.credits is UNSET
        if not both and True not in (self.debits, self.credits):
            raise InvalidField("body", "nothing is asked for: give a direction that is true")
        return both or self.debits is True, both or self.credits is True


class CloseAccountRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/accounts/{id}/close`, which says nothing."""

    def command(self, ledger: str, account: str) -> CloseAccount:
        """The command this body asks for. Raises InvalidField."""
        return CloseAccount(ledger=ledger, account=account)


class EntryRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a transaction."""

    account: AccountId
    direction: Direction
    amount: Amount
    asset: str | None = None


class PendingRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Says that a transaction is to be held, for so many seconds or until it is resolved."""

    timeout_seconds: Annotated[int, Check(check_timeout)] | None = None


class NewTransactionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /ledgers/{ledger}/transactions`."""

    entries: Annotated[tuple[EntryRequest, ...], Check(check_entries)]
    id: NewId | None = None
    reference: Reference | None = None
    effective_at: Instant | None = None
    metadata: Metadata = {}
    pending: PendingRequest | None = None

    def command(
        self, ledger: str, *, key: str | None, new_id: str
    ) -> PostTransaction | HoldTransaction:
        """The command this body asks for, with `key` for its id where it names none.

        Raises InvalidField, InvalidAmount, TooManyEntries.
        """
        transaction = _id(self.id, key, new_id)
        entries = tuple(
            Entry(
                account=entry.account,
                direction=entry.direction,
                amount=_amount(entry.amount, f"entries[{place}].amount"),
                asset=entry.asset,
            )
            for place, entry in enumerate(self.entries)
        )
        effective_at = _instant(self.effective_at, "effective_at")
        if self.pending is None:
            return PostTransaction(
                ledger=ledger,
                transaction=transaction,
                entries=entries,
                reference=self.reference,
                effective_at=effective_at,
                metadata=self.metadata,
            )
        return HoldTransaction(
            ledger=ledger,
            transaction=transaction,
            entries=entries,
            reference=self.reference,
            effective_at=effective_at,
            metadata=self.metadata,
            timeout_seconds=self.pending.timeout_seconds,
        )


class BatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/transactions/batch`. Its transactions are read one by one, so that what
    is wrong with one is said of that one.
    """

    transactions: Annotated[
        list[Raw],
        Meta(
            extra_json_schema={
                "items": {"$ref": "#/components/schemas/NewTransactionRequest"},
                "minItems": 1,
                "maxItems": 100,
            }
        ),
    ]
    atomic: bool = True


class AccountBatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/accounts/batch`. Its accounts are read one by one, likewise."""

    accounts: Annotated[
        list[Raw],
        Meta(
            extra_json_schema={
                "items": {"$ref": "#/components/schemas/OpenAccountRequest"},
                "minItems": 1,
                "maxItems": 100,
            }
        ),
    ]


class PostHoldRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/transactions/{id}/post`."""

    amount: Amount | UnsetType = UNSET

    def command(self, ledger: str, transaction: str, key: str | None) -> PostHold:
        """The command this body asks for. Raises InvalidField, InvalidAmount."""
        amount = None if self.amount is UNSET else _amount(self.amount, "amount")
        return PostHold(ledger=ledger, transaction=transaction, key=key, amount=amount)


class VoidHoldRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/transactions/{id}/void`."""

    reason: Annotated[str, Check(lambda reason, _: check_reason(reason))] | None = None

    def command(self, ledger: str, transaction: str, key: str | None) -> VoidHold:
        """The command this body asks for. Raises InvalidField."""
        return VoidHold(ledger=ledger, transaction=transaction, key=key, reason=self.reason)


class ReverseTransactionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/transactions/{id}/reverse`."""

    id: NewId | None = None
    effective_at: Instant | None = None
    reference: Reference | None = None
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
    return next(one for one in (id, key, new_id) if one is not None)


def _instant(text: str | None, where: str) -> datetime | None:
    return None if text is None else instant(text, where)


def _amount(raw: Raw, where: str) -> int:
    return parse_amount(_json(raw, where), where)


def _limit(raw: Raw, where: str) -> int | None:
    return parse_limit(_json(raw, where), where)


def _limit_or_keep(raw: Raw | UnsetType, where: str) -> int | Literal[Keep.KEEP] | None:
    return KEEP if raw is UNSET else _limit(raw, where)


def _json(raw: Raw, where: str) -> int | str | None:
    try:
        return msgspec.json.decode(raw, type=int | str | None)
    except msgspec.ValidationError:
        raise InvalidAmount(where, NOT_WHOLE) from None
