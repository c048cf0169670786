"""Pagination: limits, and cursors that only open the listing they were made for.

A cursor is a position in an ordered, growing listing, so following it visits every row that was
there at the start exactly once. It carries a checksum over the query it belongs to; it grants
nothing, since the keys come from the path.
"""

import base64
import binascii
import hashlib

import msgspec

from chalicelib.http.problems import Problem

DEFAULT_LIMIT, MAX_LIMIT = 50, 200

_CHECKSUM_BYTES = 9


def make_cursor(*position: str, of: tuple[str, ...]) -> str:
    """An opaque cursor to a position in the listing `of`."""
    payload = msgspec.json.encode(position)
    return base64.urlsafe_b64encode(_checksum(payload, of) + payload).decode().rstrip("=")


def read_cursor(cursor: str, *, of: tuple[str, ...], parts: int) -> list[str]:
    """The position in the listing `of`, which has this many parts.

    Raises Problem invalid_cursor for what that listing, as this build makes it, did not make.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise not_ours() from None
    checksum, payload = raw[:_CHECKSUM_BYTES], raw[_CHECKSUM_BYTES:]
    if checksum != _checksum(payload, of):
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
    """A number in a cursor. Raises Problem invalid_cursor for what no cursor of ours says."""
    try:
        return int(pinned)
    except ValueError:
        raise not_ours() from None


def _checksum(payload: bytes, of: tuple[str, ...]) -> bytes:
    listing = msgspec.json.encode(of)
    return hashlib.sha256(listing + b"\0" + payload).digest()[:_CHECKSUM_BYTES]


def not_ours() -> Problem:
    """What is said of a cursor that no listing of ours has made."""
    return Problem("invalid_cursor", "the cursor was not made by this listing")
