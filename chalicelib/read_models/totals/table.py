"""What each account last added, and the sums of a ledger, spread over shards.

An account's row and the shard it adds to are written in one transaction, so that each event counts
exactly once. A shard holds a row per asset, which makes a ledger's assets listable by key.
"""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.read_models.blue_green import BlueGreen
from chalicelib.tables import Integer, Table, bucket_of

SHARDS = 8
"""Partitions of one ledger's sums. Changing the number needs a rebuild."""

ACCOUNT = "account"
"""The range key of an account's row; an asset's contains a slash."""


class TotalRow(Table):
    """Posted debits and credits: of one account as last seen, or summed over a shard's accounts.

    `version` is the account's, or counts a sum's account events; `as_of` is when the newest of them
    was recorded.
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
