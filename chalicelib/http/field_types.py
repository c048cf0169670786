"""Field types: fields that several messages and parameters have, each described once.

The descriptions, examples and patterns are those of `openapi.json`. They check nothing: a message
checks a field by its type and its `Check`.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from chalicelib.domain.fields import ASSET_PATTERN, ID_PATTERN, Direction


def described(description: str, *examples: Any, **schema: Any) -> Meta:
    """The description and examples of a field, with further keywords of JSON Schema."""
    return Meta(
        description=description,
        examples=list(examples) or None,
        extra_json_schema=schema or None,
    )


_ID: dict[str, Any] = {"pattern": f"^{ID_PATTERN}$", "maxLength": 128}

LedgerId = Annotated[
    str,
    described(
        "The name of a ledger: separate books, such as those of one tenant. A ledger exists from "
        "its first account on.",
        "acme",
        **_ID,
    ),
]
AccountId = Annotated[
    str, described("The id of an account, unique in its ledger.", "customers:alice", **_ID)
]
TransactionId = Annotated[
    str, described("The id of a transaction, unique in its ledger.", "order-77", **_ID)
]

AssetCode = Annotated[
    str,
    described(
        "What is counted, and in which unit: a code and a number of decimal places. In `USD/2` "
        "amounts are cents (1050 is 10.50 dollars), in `POINTS/0` whole points. An account holds "
        "one asset for ever.",
        "USD/2",
        pattern=f"^{ASSET_PATTERN}$",
    ),
]

NormalBalance = Annotated[
    Direction,
    described(
        "The side on which the account grows: `credit` for what you owe (a customer's wallet) and "
        "what you earn (revenue), `debit` for what you own (your bank account, stock) and what "
        "you spend.",
        "credit",
    ),
]
Side = Annotated[
    Direction,
    described(
        "The side of the entry. On an account whose `normal_balance` is the same side it adds the "
        "amount, on any other it takes it away.",
        "credit",
    ),
]

_DIGITS = "^(0|-?[1-9][0-9]*)$"

Units = Annotated[
    str,
    described(
        "A number of the asset's smallest unit, as a string of digits, since it may be larger "
        "than what JSON numbers keep exactly.",
        "1000",
        pattern=_DIGITS,
    ),
]

Time = Annotated[
    str,
    described(
        "A time in UTC with microseconds (RFC 3339).",
        "2026-11-01T12:00:00.000000Z",
        format="date-time",
    ),
]
EffectiveAt = Annotated[
    Time,
    described(
        "The time at which the transaction counts for the business, which may lie in the past.",
        "2026-11-01T00:00:00.000000Z",
    ),
]

AccountVersion = Annotated[
    int,
    described(
        "The account's version after this entry. Send it as `min_version` with a read of the "
        "account to read at least this state.",
        3,
        minimum=1,
    ),
]
TransactionVersion = Annotated[
    int,
    described(
        "The transaction's version: 1 when it is made, and one more when it is posted, voided, "
        "expired or reversed. Send it as `min_version` to read at least this state.",
        1,
        minimum=1,
    ),
]

TextMap = Annotated[
    Mapping[str, str],
    described(
        "Names and values of your own, all of them strings, at most 4096 bytes of JSON. Empty "
        "when none was given.",
        {"channel": "web"},
    ),
]
ReferenceText = Annotated[
    str,
    described(
        "A text of your own, by which transactions can be found, such as an invoice's number. "
        "Several transactions may have the same.",
        "invoice 1009",
        minLength=1,
        maxLength=256,
    ),
]

NextCursor = Annotated[
    str | None,
    described(
        "Send it as `cursor` for the next page; null on the last page.",
        "sEnTAnDkEpTaSiTwAs",
    ),
]
