"""One row per account: its newest state. A ledger's accounts are spread over hash buckets.

The stripes of an account have rows too, together under a key of their own, so that one query sums
them up and no listing comes upon them.
"""

from collections.abc import Iterator

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from chalicelib.domain.stripes import is_stripe, whole_of
from chalicelib.read_models.blue_green import BlueGreen
from chalicelib.tables import Integer, Table, bucket_of

BUCKETS = 8
"""Partitions of one ledger. A listing asks all of them; changing the number needs a rebuild."""


class BalanceRow(Table):
    """An account now, as the API shows it but for its metadata.

    `metadata` is that of the event `metadata_version`. It may trail: the account itself says that
    it is of the event `metadata_set_by`. `body` counts every open hold; `expiring`, where there are
    any, has those of which a reader takes off what has expired when it reads.
    """

    class Meta(metaclass=BlueGreen):
        name = "balances"

    partition = UnicodeAttribute(hash_key=True)
    account = UnicodeAttribute(range_key=True)
    version = Integer()
    body = UnicodeAttribute()
    expiring = UnicodeAttribute(null=True)
    metadata_set_by = Integer()
    metadata_version = Integer(default=0)
    metadata = UnicodeAttribute(null=True)


def partition(ledger: str, bucket: int) -> str:
    """The hash key of one bucket of a ledger."""
    return f"{ledger}#{bucket}"


def row_of(ledger: str, account: str) -> BalanceRow:
    """The row of an account or a stripe, holding nothing but its key."""
    return BalanceRow(_partition_of(ledger, account), account)


def find(ledger: str, account: str) -> BalanceRow | None:
    """The row of an account as it is now."""
    try:
        return BalanceRow.get(_partition_of(ledger, account), account)
    except DoesNotExist:
        return None


def stripe_rows(ledger: str, account: str) -> Iterator[BalanceRow]:
    """The rows of a striped account's stripes as they are now."""
    return BalanceRow.query(_stripes(ledger, account))


def _partition_of(ledger: str, account: str) -> str:
    if is_stripe(account):
        return _stripes(ledger, whole_of(account))
    return partition(ledger, bucket_of(account, BUCKETS))


def _stripes(ledger: str, account: str) -> str:
    return f"{ledger}/{account}"
