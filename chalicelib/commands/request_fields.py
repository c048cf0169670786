"""Request fields: what requests to the Write API have in common: fields, and `Idempotency-Key`.

An amount or a limit is kept as the raw JSON it came as, so that `1.0`, `1e3` and `true` are seen
for what they are, and are refused as amounts.

A transaction's id is its idempotency key: a key that could be an id is the id, and from any other
key an id is made, the same each time.
"""

import hashlib
import re
from typing import Annotated

from chalicelib.commands import field_notes as note
from chalicelib.domain.errors import InvalidField
from chalicelib.domain.fields import ID_PATTERN, RESERVED_ID, check_metadata, check_new_id
from chalicelib.http.faults import Check
from chalicelib.http.field_types import AccountId, TextMap
from chalicelib.http.signature import Header

KEY_HEADER = "Idempotency-Key"

REPLAYED = {"Idempotency-Replayed": "true"}
"""The header of a response to a request that was done before."""

MAX_KEY = 255

_KEY = re.compile(rf"[!-~]{{1,{MAX_KEY}}}")
_ID = re.compile(ID_PATTERN, re.ASCII)

NewId = Annotated[AccountId, Check(check_new_id)]
Metadata = Annotated[TextMap, Check(lambda metadata, _: check_metadata(metadata)), note.METADATA]


def key_of(header: str) -> str:
    """The key that a header names, with or without double quotes around it.

    Raises InvalidField for what is no key.
    """
    key = header.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not _KEY.fullmatch(key):
        raise InvalidField(KEY_HEADER, f"a key is 1 to {MAX_KEY} visible ASCII characters")
    return key


def id_of(key: str) -> str:
    """The id that a key gives: the key itself, or one made from its SHA-256."""
    if _ID.fullmatch(key) and key != RESERVED_ID:
        return key
    return f"key-{hashlib.sha256(key.encode()).hexdigest()}"


IdempotencyKey = Annotated[str | None, Header(KEY_HEADER, key_of)]
"""The key of a request that makes several things."""

IdOfKey = Annotated[str | None, Header(KEY_HEADER, lambda header: id_of(key_of(header)))]
"""The id that the key of a request gives to what the request makes."""
