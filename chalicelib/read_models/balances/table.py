"""One row per account with its newest state. A ledger's accounts are spread over hash buckets.

The rows of an account's stripes have their own partition: one query reads them, and listings of
accounts do not include them.
"""

from collections.abc import Iterator

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from chalicelib.domain.stripes import is_stripe, whole_of
from chalicelib.read_models.blue_green import BlueGreen
from chalicelib.tables import Integer, Table, bucket_of

BUCKETS = 8
"""Partitions of one ledger. A listing queries all; a change needs a rebuild."""


class BalanceRow(Table):
    """The newest state of an account or a stripe.

    `body` is the API's JSON without metadata, with every open hold. `expiring` lists the holds that
    expire, which readers subtract once they have. `metadata` is as of the event
    `metadata_version`; it is current if that equals `metadata_set_by`, the event in the state.
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
    """The row of an account or a stripe, with its key only."""
    return BalanceRow(_partition_of(ledger, account), account)


def find(ledger: str, account: str) -> BalanceRow | None:
    """The stored row of an account, if any."""
    try:
        return BalanceRow.get(_partition_of(ledger, account), account)
    except DoesNotExist:
        return None


def stripe_rows(ledger: str, account: str) -> Iterator[BalanceRow]:
    """The stored rows of an account's stripes."""
    return BalanceRow.query(_stripes(ledger, account))


def _partition_of(ledger: str, account: str) -> str:
    if is_stripe(account):
        return _stripes(ledger, whole_of(account))
    return partition(ledger, bucket_of(account, BUCKETS))


def _stripes(ledger: str, account: str) -> str:
    return f"{ledger}/{account}"
