"""Fields: what ids, assets, texts, metadata and instants may look like.

Every command checks its fields when it is made, so that a command which exists is well formed,
whether it came over HTTP, from a script or from a test.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from chalicelib.domain.errors import InvalidField

Direction = Literal["debit", "credit"]

MAX_METADATA_BYTES = 4096
MAX_REFERENCE = 256

ID_PATTERN = "[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}"

RESERVED_ID = "batch"
"""What would be an id, but is a path of the API where ids are."""

_ID = re.compile(ID_PATTERN, re.ASCII)
_ASSET = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,31}/(0|[1-9][0-9]?)", re.ASCII)


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
    if not all(isinstance(text, str) for pair in value.items() for text in pair):
        raise InvalidField("metadata", "metadata is an object of strings")
    content = json.dumps(dict(value), ensure_ascii=False, separators=(",", ":"))
    size = len(content.encode(errors="replace"))
    if size > MAX_METADATA_BYTES:
        raise InvalidField("metadata", f"metadata is at most {MAX_METADATA_BYTES} bytes of JSON")


def utc(value: datetime, where: str) -> datetime:
    """The same instant in UTC. Raises InvalidField for a time without an offset."""
    if value.tzinfo is None:
        raise InvalidField(where, "a time needs Z or an offset")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise InvalidField(where, "the time is out of range") from None


def rfc3339(instant: datetime) -> str:
    """An instant as the API writes it: UTC, microseconds, Z; so text order is time order."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def fingerprint(*content: object) -> str:
    """32 hex digits that tell one request's content from another's: 128 bits of SHA-256."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
