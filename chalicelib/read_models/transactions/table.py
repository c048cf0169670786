"""One row per transaction, and indexes that list them: by reference, by day, and while pending.

An index key ends with a hash bucket, so that a ledger is spread over several partitions. The days
on which a ledger has transactions have rows in the index by day, so that a listing queries only
these days.
"""

from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.read_models.blue_green import BlueGreen
from chalicelib.tables import Integer, Table, bucket_of

BUCKETS = 4
"""Partitions of one day, or of one reference. A change needs a rebuild."""

DAY = len("2026-11-23")
"""The characters of a time that name its day."""

EXPIRY_BUCKETS = [f"expiring#{bucket}" for bucket in range(BUCKETS)]
"""The index keys of expiring transactions of all ledgers."""


def _index(
    name: str, hash_key: str, range_key: str = "place", *, keys_only: bool = False
) -> GlobalSecondaryIndex[Any]:
    """An index of transactions that have its hash key, in the order of its range key."""
    projection = KeysOnlyProjection() if keys_only else AllProjection()
    members = {
        "Meta": type("Meta", (), {"index_name": name, "projection": projection}),
        hash_key: UnicodeAttribute(hash_key=True),
        range_key: UnicodeAttribute(range_key=True),
    }
    index: GlobalSecondaryIndex[Any] = type(name, (GlobalSecondaryIndex,), members)()
    return index


class TransactionRow(Table):
    """A transaction as the API shows it. `place` is its position in a listing: time, then id."""

    class Meta(metaclass=BlueGreen):
        name = "transactions"

    key = UnicodeAttribute(hash_key=True)
    version = Integer()
    body = UnicodeAttribute()
    place = UnicodeAttribute()
    day_bucket = UnicodeAttribute()
    reference_bucket = UnicodeAttribute(null=True)
    pending_bucket = UnicodeAttribute(null=True)
    expiry_bucket = UnicodeAttribute(null=True)
    expires_at = UnicodeAttribute(null=True)
    by_reference = _index("by_reference", "reference_bucket")
    by_day = _index("by_day", "day_bucket")
    pending = _index("pending", "pending_bucket")
    expiring = _index("expiring", "expiry_bucket", "expires_at", keys_only=True)  # Of all ledgers.


def key_of(ledger: str, transaction: str) -> str:
    """The hash key of a transaction."""
    return f"{ledger}/{transaction}"


def place_of(recorded_at: str, transaction: str) -> str:
    """The position of a transaction in a listing."""
    return f"{recorded_at}#{transaction}"


def day_buckets(ledger: str, day: str) -> list[str]:
    """The index keys of a day, such as 2026-11-23."""
    return [f"{ledger}/{day}#{bucket}" for bucket in range(BUCKETS)]


def days_of(ledger: str) -> str:
    """The index key of a ledger's days."""
    return f"{ledger}#days"


def day_row(ledger: str, day: str) -> TransactionRow:
    """The row of a day on which a ledger has transactions."""
    return TransactionRow(
        f"{ledger}#{day}", version=0, body="{}", place=day, day_bucket=days_of(ledger)
    )


def reference_buckets(ledger: str, reference: str) -> list[str]:
    """The index keys of a reference."""
    return [f"{ledger}/{reference}#{bucket}" for bucket in range(BUCKETS)]


def pending_buckets(ledger: str) -> list[str]:
    """The index keys of a ledger's pending transactions."""
    return [f"{ledger}#{bucket}" for bucket in range(BUCKETS)]


def bucket(keys: list[str], transaction: str) -> str:
    """The index key of a transaction, out of these."""
    return keys[bucket_of(transaction, len(keys))]


def find(ledger: str, transaction: str) -> TransactionRow | None:
    """The stored row of a transaction, if any."""
    try:
        return TransactionRow.get(key_of(ledger, transaction))
    except DoesNotExist:
        return None
