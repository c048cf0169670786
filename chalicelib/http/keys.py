"""API keys, their scopes and ledgers. Only the SHA-256 of a key is stored."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pynamodb.attributes import UnicodeAttribute, UnicodeSetAttribute
from pynamodb.exceptions import DoesNotExist

from chalicelib.tables import Named, Table

READ, WRITE = "read", "write"
ALL_LEDGERS = "*"

_PREFIX = "tf_"  # So that secret scanners recognize keys.

PATTERN = r"tf_[A-Za-z0-9_-]{43}"
"""A regular expression, for Python and API Gateway: the prefix, and 256 random bits in URL-safe
base64 (RFC 4648) without padding."""


class KeyItem(Table):
    """A stored key."""

    class Meta(metaclass=Named):
        name = "keys"

    hash = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute()
    scopes = UnicodeSetAttribute()
    ledgers = UnicodeSetAttribute()
    created_at = UnicodeAttribute()
    revoked_at = UnicodeAttribute(null=True)


@dataclass(frozen=True)
class Key:
    """A key's scopes and ledgers. `id` is the beginning of its hash."""

    id: str
    name: str
    scopes: frozenset[str]
    ledgers: frozenset[str]
    created_at: str
    revoked_at: str | None


def create(name: str, scopes: Collection[str], ledgers: Collection[str]) -> tuple[str, Key]:
    """A new secret, and its stored key."""
    secret = _PREFIX + secrets.token_urlsafe(32)
    item = KeyItem(
        _hash(secret),
        name=name,
        scopes=set(scopes),
        ledgers=set(ledgers),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    item.save(KeyItem.hash.does_not_exist())
    return secret, _key(item)


def find(secret: str) -> Key | None:
    """The key of a secret, by one read; None if it is unknown or revoked."""
    if not re.fullmatch(PATTERN, secret):
        return None
    hash = _hash(secret)
    try:
        item = KeyItem.get(hash, consistent_read=True)
    except DoesNotExist:
        return None
    if item.revoked_at or not hmac.compare_digest(item.hash, hash):
        return None
    return _key(item)


def every() -> Iterator[Key]:
    """All keys, by a scan."""
    return map(_key, _rows())


def revoke(id: str) -> Key | None:
    """Revokes the key with this id, if any. API Gateway may accept it for another minute."""
    for item in _rows():
        if _key(item).id == id:
            if item.revoked_at is None:
                now = datetime.now(UTC).isoformat(timespec="seconds")
                item.update([KeyItem.revoked_at.set(now)])
            return _key(item)
    return None


def _rows() -> Iterator[KeyItem]:
    # The table also has the row of `http/sealing.py`, which has no name.
    return KeyItem.scan(KeyItem.name.exists())


def _key(item: KeyItem) -> Key:
    return Key(
        id=item.hash[:12],
        name=item.name,
        scopes=frozenset(item.scopes),
        ledgers=frozenset(item.ledgers),
        created_at=item.created_at,
        revoked_at=item.revoked_at,
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
