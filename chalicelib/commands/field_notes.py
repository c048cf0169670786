"""Field notes: what `openapi.json` says of the fields of requests. They check nothing."""

from typing import Annotated

from msgspec import Meta, Raw

from chalicelib.domain.fields import MAX_AMOUNT
from chalicelib.domain.transaction.commands import MAX_ENTRIES, MAX_TIMEOUT_SECONDS, MIN_ENTRIES
from chalicelib.http.field_types import described

_DIGITS = "[1-9][0-9]{0,30}"

LIMIT = Meta(
    extra_json_schema={
        "oneOf": [
            {"type": "string", "pattern": f"^(0|-?{_DIGITS})$"},
            {"type": "integer", "minimum": -MAX_AMOUNT, "maximum": MAX_AMOUNT},
            {"type": "null"},
        ]
    }
)
AMOUNT = described(
    "How much, in the asset's smallest unit, as a string of digits or an integer: 10.50 in "
    "`USD/2` is `1050`. It is never negative; `direction` says the side.",
    "1000",
    oneOf=[
        {"type": "string", "pattern": f"^{_DIGITS}$"},
        {"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT},
    ],
)
METADATA = described(
    "Names and values of your own, all of them strings, at most 4096 bytes of JSON. Default: none."
)


def _part(request: str) -> Meta:
    """A part of a batch, which is read on its own."""
    return Meta(extra_json_schema={"$ref": f"#/components/schemas/{request}"})


NewAccountPart = Annotated[Raw, _part("OpenAccountRequest")]
NewTransactionPart = Annotated[Raw, _part("NewTransactionRequest")]

NEW_ACCOUNT_ID = described(
    "The id that the account shall have: the same id with the same content opens it once. "
    "Default: one that the server makes, or the `Idempotency-Key` gives.",
    "customers:alice",
)
MIN_BALANCE = described(
    "The least that may be available, as a string of digits or an integer. `null` = no limit, for "
    "accounts that may fall below 0, such as your bank in the books of a new ledger. "
    "Default: `0`, or `null` with `stripes`.",
    "0",
)
MAX_BALANCE = described(
    "The most that the account may hold, as a string of digits or an integer. `null`, which is the "
    "default, = no limit.",
    "1000000",
)
STRIPES = described(
    "Over how many streams its entries are spread, so that many can write it at once. With more "
    "than 1, it can have no limits. Default: 1.",
    1,
)
NEW_MIN_BALANCE = described("The new minimum; `null` = no limit. Default: as it is.", "0")
NEW_MAX_BALANCE = described("The new maximum; `null` = no limit. Default: as it is.", "1000000")
NEW_METADATA = described(
    "The new metadata, in the place of all that was there. Default: as it is.", {"name": "Bob"}
)
DEBIT_SIDE = described("The debit side. Default: false; true if the body is empty.", True)
CREDIT_SIDE = described("The credit side. Default: false; true if the body is empty.", True)
ACCOUNTS = described("The accounts to open, each on its own.", minItems=1, maxItems=100)

ENTRY_ACCOUNT = described("The account it is on.", "cash")
ENTRY_ASSET = described("The asset that the account must hold. Default: whichever it holds.")
TIMEOUT_RANGE = Meta(extra_json_schema={"minimum": 1, "maximum": MAX_TIMEOUT_SECONDS})
TIMEOUT = described(
    "Seconds after which the hold expires and its amounts are free again. `null`, which is the "
    "default, = never.",
    600,
)
ENTRIES = described(
    "2 to 96 entries. In each asset the debits equal the credits.",
    [
        {"account": "cash", "direction": "debit", "amount": "1000"},
        {"account": "customers:alice", "direction": "credit", "amount": "1000"},
    ],
    minItems=MIN_ENTRIES,
    maxItems=MAX_ENTRIES,
)
NEW_TRANSACTION_ID = described(
    "The id that the transaction shall have. It is done once: the same id with the same content "
    "is answered with the first answer. Default: the id that the `Idempotency-Key` gives, or one "
    "that the server makes.",
    "order-77",
)
REFERENCE = described("Your text for finding it, such as an invoice's number. Default: none.")
EFFECTIVE_AT = described(
    "When it counts for the business; may lie in the past. Default: when it is recorded, or for a "
    "hold, when it is posted."
)
PENDING = described(
    "Makes the transaction a hold, which reserves the amounts until it is posted or voided. "
    "Default: it is posted at once.",
    {"timeout_seconds": 600},
)
TRANSACTIONS = described(
    "The transactions; if atomic, with at most 99 events (one per transaction and entry).",
    minItems=1,
    maxItems=100,
)
ATOMIC = described("Whether all are done or none. False: each on its own. Default: true.", False)
POSTED_AMOUNT = described(
    "How much of a hold with two entries is posted; the rest is released. Default: all of it.",
    "300",
)
REASON = described("Why, for people. Default: none.", "out of stock", minLength=1, maxLength=256)
REVERSAL_ID = described(
    "The id that the reversal shall have. Default: the id that the `Idempotency-Key` gives, or "
    "one that the server makes.",
    "refund-1",
)
REVERSAL_EFFECTIVE_AT = described("When it counts for the business. Default: when it is recorded.")
REVERSAL_REFERENCE = described("Your text for finding it. Default: the original's.")
