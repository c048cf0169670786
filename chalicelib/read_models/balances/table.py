"""One row per account: its newest state. A ledger's accounts are spread over hash buckets."""

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from chalicelib.read_models.generations import Generations
from chalicelib.tables import Integer, Table, bucket_of

BUCKETS = 8
"""Partitions of one ledger. A listing asks all of them; changing the number needs a rebuild."""


class BalanceRow(Table):
    """An account now, as the API shows it but for its metadata.

    `metadata` is that of the event `metadata_version`. It may trail: the account itself says that
    it is of the event `metadata_set_by`.
    """

    class Meta(metaclass=Generations):
        room = "balances"
        billing_mode = "PAY_PER_REQUEST"

    partition = UnicodeAttribute(hash_key=True)
    account = UnicodeAttribute(range_key=True)
    version = Integer()
    body = UnicodeAttribute()
    metadata_set_by = Integer()
    metadata_version = Integer(default=0)
    metadata = UnicodeAttribute(null=True)


def partition(ledger: str, bucket: int) -> str:
    """The hash key of one bucket of a ledger."""
    return f"{ledger}#{bucket}"


def row_of(ledger: str, account: str) -> BalanceRow:
    """The row of an account, holding nothing but its key."""
    return BalanceRow(partition(ledger, bucket_of(account, BUCKETS)), account)


def find(ledger: str, account: str) -> BalanceRow | None:
    """The row of an account as it is now."""
    try:
        return BalanceRow.get(partition(ledger, bucket_of(account, BUCKETS)), account)
    except DoesNotExist:
        return None
