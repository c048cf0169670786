"""Pagination: limits, and cursors that only open the listing they were made for.

A cursor is a position in an ordered, growing listing, so following it visits every row that was
there at the start exactly once. It is authenticated, not encrypted: an HMAC-SHA256 (RFC 2104) over
the listing and the position proves that what it carries, such as filters and the balances of a
statement, is unchanged.
"""

import base64
import binascii
import hmac

import msgspec

from chalicelib.http.problems import Problem
from chalicelib.http.sealing import sealing_key

DEFAULT_LIMIT, MAX_LIMIT = 50, 200

_SEAL_BYTES = 16
"""Of the 32 bytes of SHA-256: 2^128 codes are too many to try."""


def make_cursor(*position: str, of: tuple[str, ...]) -> str:
    """An opaque cursor to a position in the listing `of`. Raises Problem unavailable."""
    payload = msgspec.json.encode(position)
    return _text(_seal(payload, of) + payload)


def read_cursor(cursor: str, *, of: tuple[str, ...], parts: int) -> list[str]:
    """The position in the listing `of`, which has this many parts.

    Raises Problem: invalid_cursor for one that was not made for this listing by this build, and
    unavailable.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise not_ours() from None
    seal, payload = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
    # Several texts decode to the same bytes; only the one that we write is valid.
    if not hmac.compare_digest(seal, _seal(payload, of)) or cursor != _text(raw):
        raise not_ours()
    position = msgspec.json.decode(payload, type=list[str])
    if len(position) != parts:
        raise not_ours()
    return position


def must_agree(parameter: str | None, pinned: str) -> None:
    """Raises Problem invalid_cursor for a parameter that is repeated with another value."""
    if parameter is not None and parameter != pinned:
        raise Problem("invalid_cursor", "the cursor was made for other parameters")


def whole_number(pinned: str) -> int:
    """A number in a cursor. Raises Problem invalid_cursor for any other text."""
    try:
        return int(pinned)
    except ValueError:
        raise not_ours() from None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _seal(payload: bytes, of: tuple[str, ...]) -> bytes:
    # JSON has no zero byte, so that no other listing and position make the same message.
    message = msgspec.json.encode(of) + b"\0" + payload
    return hmac.digest(sealing_key(), message, "sha256")[:_SEAL_BYTES]


def not_ours() -> Problem:
    """The problem of a cursor that was not made by this listing."""
    return Problem("invalid_cursor", "the cursor was not made by this listing")
