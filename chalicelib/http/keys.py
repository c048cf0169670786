"""Keys: who may use which ledgers, and how. A key is known by its SHA-256 only."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pynamodb.attributes import UnicodeAttribute, UnicodeSetAttribute
from pynamodb.exceptions import DoesNotExist

from chalicelib.settings import settings
from chalicelib.tables import Table

READ, WRITE = "read", "write"
ALL_LEDGERS = "*"

_PREFIX = "tf_"  # Lets a scanner of repositories and logs know one when it sees one.

PATTERN = r"tf_[A-Za-z0-9_-]{43}"
"""Every key, as a regular expression that Python and API Gateway read alike: the prefix, and 256
random bits in the 64 characters of URL-safe base64 (RFC 4648), without padding."""


class KeyItem(Table):
    """A key as it is stored: its hash, and what it opens."""

    class Meta:
        table_name = settings().table_name("keys")
        billing_mode = "PAY_PER_REQUEST"

    hash = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute()
    scopes = UnicodeSetAttribute()
    ledgers = UnicodeSetAttribute()
    created_at = UnicodeAttribute()
    revoked_at = UnicodeAttribute(null=True)


@dataclass(frozen=True)
class Key:
    """What a key opens. `id` names it without giving it away: the first digits of its hash."""

    id: str
    name: str
    scopes: frozenset[str]
    ledgers: frozenset[str]
    created_at: str
    revoked_at: str | None


def create(name: str, scopes: Collection[str], ledgers: Collection[str]) -> tuple[str, Key]:
    """A new secret of 256 random bits, of which only the hash is stored, and its key."""
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
    """What this secret opens, by one read; None if it is unknown or revoked."""
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
    """All keys. For the operator, who has few: it reads the whole table."""
    return map(_key, _rows())


def revoke(id: str) -> Key | None:
    """Revokes the key of this id; None if there is none.

    An authorizer may let it in for a minute more.
    """
    for item in _rows():
        if _key(item).id == id:
            if item.revoked_at is None:
                now = datetime.now(UTC).isoformat(timespec="seconds")
                item.update([KeyItem.revoked_at.set(now)])
            return _key(item)
    return None


def _rows() -> Iterator[KeyItem]:
    """The rows of keys; the row of `http/sealing.py` in the same table is left out."""
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
