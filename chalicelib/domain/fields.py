"""Fields: what ids, assets, amounts, texts, metadata and instants may look like.

An amount is a whole number of an asset's smallest unit.

Every command checks its fields when it is made, so that a command which exists is well formed,
whether it came over HTTP, from a script or from a test.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from chalicelib.domain.errors import InvalidAmount, InvalidField

Direction = Literal["debit", "credit"]

MAX_AMOUNT = 10**30
"""The largest amount of one entry, and the largest size of a limit."""

NOT_WHOLE = (
    "an amount is a whole number of the asset's smallest unit (10.50 in USD/2 is 1050), "
    "as an integer or a string of digits"
)
"""The message for anything else."""

MAX_METADATA_BYTES = 4096
MAX_REFERENCE = 256

ID_PATTERN = "[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}"
ASSET_PATTERN = "[A-Za-z][A-Za-z0-9_.-]{0,31}/(0|[1-9][0-9]?)"

RESERVED_ID = "batch"
"""What would be an id, but is a path of the API where ids are."""

_ID = re.compile(ID_PATTERN, re.ASCII)
_DIGITS = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_LONGEST = len(str(-10 * MAX_AMOUNT))
_ASSET = re.compile(ASSET_PATTERN, re.ASCII)


def check_id(value: str, where: str) -> None:
    """Raises InvalidField unless `value` can name a ledger, an account or a transaction."""
    if not _ID.fullmatch(value):
        raise InvalidField(where, "an id matches [A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")


def check_new_id(value: str, where: str) -> None:
    """Raises InvalidField unless `value` can name a new account or transaction."""
    check_id(value, where)
    if value == RESERVED_ID:
        raise InvalidField(where, f"{RESERVED_ID} is the name of a route, and no id")


def check_direction(value: str, where: str) -> None:
    """Raises InvalidField unless `value` is a side of the books."""
    if value not in ("debit", "credit"):
        raise InvalidField(where, "a direction is debit or credit")


def check_asset(value: str) -> None:
    """Raises InvalidField unless `value` is a code and a scale, such as USD/2 or POINTS/0."""
    if not _ASSET.fullmatch(value):
        raise InvalidField("asset", "an asset is a code and a scale, such as USD/2 or POINTS/0")


def check_content(
    reference: str | None, metadata: Mapping[str, str], effective_at: datetime | None
) -> None:
    """Raises InvalidField unless a new transaction can have all of these."""
    check_reference(reference)
    check_metadata(metadata)
    if effective_at is not None:
        utc(effective_at, "effective_at")


def check_reference(value: str | None) -> None:
    """Raises InvalidField unless `value` is absent or 1 to 256 characters."""
    if value is not None and not 1 <= len(value) <= MAX_REFERENCE:
        raise InvalidField("reference", f"a reference has 1 to {MAX_REFERENCE} characters")


def check_reason(value: str | None) -> None:
    """Raises InvalidField unless `value` is absent or 1 to 256 characters."""
    if value is not None and not 1 <= len(value) <= MAX_REFERENCE:
        raise InvalidField("reason", f"a reason has 1 to {MAX_REFERENCE} characters")


def check_metadata(value: Mapping[str, str]) -> None:
    """Raises InvalidField unless `value` holds strings only and is at most 4 KB as JSON."""
    if not value:
        return
    if not all(isinstance(text, str) for pair in value.items() for text in pair):
        raise InvalidField("metadata", "metadata is an object of strings")
    content = json.dumps(dict(value), ensure_ascii=False, separators=(",", ":"))
    size = len(content.encode(errors="replace"))
    if size > MAX_METADATA_BYTES:
        raise InvalidField("metadata", f"metadata is at most {MAX_METADATA_BYTES} bytes of JSON")


def whole_number(value: object, where: str) -> int:
    """A whole number, from an integer or a string of digits.

    Floats, booleans, exponents, a plus sign, leading zeros, spaces and non-ASCII digits are
    refused: each is a way in which two systems come to disagree about money. A text that is longer
    than any amount or limit may be is cut, and is still too large. Raises InvalidAmount.
    """
    if type(value) is int:
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value) and value != "-0":
        return int(value[:_LONGEST])  # int() itself refuses more than 4300 digits.
    raise InvalidAmount(where, NOT_WHOLE)


def parse_limit(value: object, where: str) -> int | None:
    """A limit, -10^30 to 10^30, likewise; or None, which is no limit. Raises InvalidAmount."""
    limit = None if value is None else whole_number(value, where)
    check_limit(limit, where)
    return limit


def check_amount(amount: int, where: str) -> None:
    """Raises InvalidAmount unless this is a whole number from 1 to `MAX_AMOUNT`."""
    if type(amount) is not int:
        raise InvalidAmount(where, NOT_WHOLE)
    if not 0 < amount <= MAX_AMOUNT:
        raise InvalidAmount(where, "an amount is at least 1 and at most 10^30")


def check_limit(limit: int | None, where: str) -> None:
    """Raises InvalidAmount unless this is None or a whole number between -10^30 and 10^30."""
    if limit is None:
        return
    if type(limit) is not int:
        raise InvalidAmount(where, NOT_WHOLE)
    if abs(limit) > MAX_AMOUNT:
        raise InvalidAmount(where, "a limit lies between -10^30 and 10^30")


def utc(value: datetime, where: str) -> datetime:
    """The same instant in UTC. Raises InvalidField for a time without an offset."""
    if value.tzinfo is None:
        raise InvalidField(where, "a time needs Z or an offset")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise InvalidField(where, "the time is out of range") from None


@lru_cache(maxsize=256)
def rfc3339(instant: datetime) -> str:
    """An instant as the API writes it: UTC, microseconds, Z; so text order is time order.

    Cached, since all events of a commit and the answer to it share one instant.
    """
    return instant.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def fingerprint(*content: object) -> str:
    """32 hex digits that tell one request's content from another's: 128 bits of SHA-256."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
