"""Requests: the bodies of the Write API, and the commands they ask for.

An amount is kept as the raw JSON it came as, so that `1.0`, `1e3` and `true` are seen for what
they are, and are refused as amounts.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Raw

from chalicelib.domain.account import OpenAccount
from chalicelib.domain.amounts import parse_amount, parse_limit
from chalicelib.domain.fields import Direction, utc
from chalicelib.domain.refusals import InvalidAmount
from chalicelib.domain.transaction import Entry, PostTransaction


class OpenAccountRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /ledgers/{ledger}/accounts`."""

    asset: str
    normal_balance: Direction
    id: str | None = None
    min_balance: Raw = Raw(b"0")
    max_balance: Raw = Raw(b"null")
    metadata: Mapping[str, str] = {}

    def command(self, ledger: str, new_id: str) -> OpenAccount:
        """The command this body asks for. Raises InvalidField, InvalidAmount."""
        return OpenAccount(
            ledger=ledger,
            account=new_id if self.id is None else self.id,
            asset=self.asset,
            normal_balance=self.normal_balance,
            min_balance=parse_limit(_json(self.min_balance, "min_balance"), "min_balance"),
            max_balance=parse_limit(_json(self.max_balance, "max_balance"), "max_balance"),
            metadata=self.metadata,
        )


class EntryRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a transaction."""

    account: str
    direction: Direction
    amount: Raw
    asset: str | None = None


class PostTransactionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /ledgers/{ledger}/transactions`."""

    entries: tuple[EntryRequest, ...]
    id: str | None = None
    reference: str | None = None
    effective_at: datetime | None = None
    metadata: Mapping[str, str] = {}

    def command(self, ledger: str, new_id: str) -> PostTransaction:
        """The command this body asks for. Raises InvalidField, InvalidAmount, TooManyEntries."""
        return PostTransaction(
            ledger=ledger,
            transaction=new_id if self.id is None else self.id,
            entries=tuple(
                Entry(
                    account=entry.account,
                    direction=entry.direction,
                    amount=_amount(entry.amount, f"entries[{place}].amount"),
                    asset=entry.asset,
                )
                for place, entry in enumerate(self.entries)
            ),
            reference=self.reference,
            effective_at=self.effective_at and utc(self.effective_at, "effective_at"),
            metadata=self.metadata,
        )


def _amount(raw: Raw, where: str) -> int:
    return parse_amount(_json(raw, where), where)


def _json(raw: Raw, where: str) -> int | str | None:
    try:
        return msgspec.json.decode(raw, type=int | str | None)
    except msgspec.ValidationError:
        raise InvalidAmount(where, "an amount is an integer or a string of digits") from None
