"""Idempotency keys: what a client may call a request, and the id that the call gives.

A transaction's id is its key: an `Idempotency-Key` that could be an id is the id, and any other
gives one, the same each time.
"""

import hashlib
import re
from typing import Annotated

from chalicelib.domain.errors import InvalidField
from chalicelib.domain.fields import ID_PATTERN, RESERVED_ID
from chalicelib.http.signature import Header

HEADER = "Idempotency-Key"

MAX_KEY = 255

_KEY = re.compile(rf"[!-~]{{1,{MAX_KEY}}}")
_ID = re.compile(ID_PATTERN, re.ASCII)


def key_of(header: str) -> str:
    """The key that a header names, with or without double quotes around it.

    Raises InvalidField for what is no key.
    """
    key = header.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not _KEY.fullmatch(key):
        raise InvalidField(HEADER, f"a key is 1 to {MAX_KEY} visible ASCII characters")
    return key


def id_of(key: str) -> str:
    """The id that a key gives: the key itself, or one made from its SHA-256."""
    if _ID.fullmatch(key) and key != RESERVED_ID:
        return key
    return f"key-{hashlib.sha256(key.encode()).hexdigest()}"


IdempotencyKey = Annotated[str | None, Header(HEADER, key_of)]
"""The key of a request that makes several things."""

IdOfKey = Annotated[str | None, Header(HEADER, lambda header: id_of(key_of(header)))]
"""The id that the key of a request gives to what the request makes."""
