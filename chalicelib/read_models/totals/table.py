"""The debits and credits of each account, and their sums per asset, spread over shards.

An account's row and its sum are written in one transaction, so that each event counts once.
"""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.read_models.blue_green import BlueGreen
from chalicelib.tables import Integer, Table, bucket_of

SHARDS = 8
"""Partitions of one ledger's sums. A change needs a rebuild."""

ACCOUNT = "account"
"""The range key of an account's row; an asset's contains a slash."""


class TotalRow(Table):
    """Posted debits and credits of one account, or summed over the accounts of a shard.

    `version` is the number of events, `as_of` the recorded time of the newest one.
    """

    class Meta(metaclass=BlueGreen):
        name = "totals"

    key = UnicodeAttribute(hash_key=True)
    of = UnicodeAttribute(range_key=True)
    version = Integer()
    debits = Integer()
    credits = Integer()
    as_of = UnicodeAttribute()


def account_key(ledger: str, account: str) -> tuple[str, str]:
    """The keys of an account's row."""
    return f"{ledger}/{account}", ACCOUNT


def shard_key(ledger: str, shard: int) -> str:
    """The hash key of one shard of a ledger's sums."""
    return f"{ledger}#{shard}"


def shard_of(account: str) -> int:
    """The shard that an account adds to."""
    return bucket_of(account, SHARDS)
