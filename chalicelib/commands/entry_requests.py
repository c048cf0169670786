"""Entry requests: what the bodies about transactions consist of: amounts, entries, holds."""

from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from chalicelib.commands.request_fields import DIGITS
from chalicelib.domain.fields import MAX_AMOUNT, check_id, parse_amount
from chalicelib.domain.transaction.commands import MAX_TIMEOUT_SECONDS, check_timeout
from chalicelib.http.faults import Check
from chalicelib.http.field_types import AccountId, AssetCode, Side, described

Amount = Annotated[
    Raw,
    described(
        "How much, in the asset's smallest unit, as a string of digits or an integer: 10.50 in "
        "`USD/2` is `1050`. It is never negative; `direction` says the side.",
        "1000",
        oneOf=[
            {"type": "string", "pattern": f"^{DIGITS}$"},
            {"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT},
        ],
    ),
    Check(lambda raw, where: amount_of(raw, where)),
]
"""An amount as a request may write it; what it says is the domain's to judge."""

_Account = Annotated[AccountId, Check(check_id), described("The account it is on.", "cash")]


TRANSFER = [
    {"account": "cash", "direction": "debit", "amount": "1000"},
    {"account": "customers:alice", "direction": "credit", "amount": "1000"},
]
"""The example of entries."""


class EntryRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a transaction."""

    account: _Account
    direction: Side
    amount: Amount
    asset: Annotated[
        AssetCode | None,
        described("The asset that the account must hold. Default: whichever it holds.", "USD/2"),
    ] = None


class PendingRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Says that a transaction is to be held, for so many seconds or until it is resolved."""

    timeout_seconds: Annotated[
        Annotated[
            int, Check(check_timeout), Meta(extra_json_schema={"maximum": MAX_TIMEOUT_SECONDS})
        ]
        | None,
        described(
            "Seconds after which the hold expires and its amounts are free again. `null`, which "
            "is the default, = never.",
            600,
        ),
    ] = None


def amount_of(raw: Raw, where: str) -> int:
    """The amount that a field says. Raises InvalidAmount."""
    try:
        value = msgspec.json.decode(raw)
    except msgspec.ValidationError:
        value = None  # A number beyond all range, which is no amount either.
    return parse_amount(value, where)
