"""Registries of ledgers: a row is judged by the accounts that its projection group has."""

import msgspec

from chalicelib.http.bodies import AccountBody
from chalicelib.read_models.balances.table import BUCKETS, BalanceRow, partition
from chalicelib.read_models.totals.table import SHARDS, TotalRow, shard_key


def has_balance(ledger: str, asset: str) -> bool:
    """Whether an account of this ledger and asset has a row in the accounts group.

    Where there is one it is found soon; that there is none takes a look at all of the ledger's.
    """
    return any(
        _asset_of(row) == asset
        for bucket in range(BUCKETS)
        for row in BalanceRow.query(partition(ledger, bucket))
    )


def _asset_of(row: BalanceRow) -> str | None:
    """The asset that a row says; None of one that was altered so that it cannot be read."""
    try:
        return msgspec.json.decode(row.body or "", type=AccountBody).asset
    except msgspec.DecodeError:
        return None


def has_total(ledger: str, asset: str) -> bool:
    """Whether an account of this ledger and asset adds to a sum in the journal group."""
    return any(
        True
        for shard in range(SHARDS)
        for _ in TotalRow.query(shard_key(ledger, shard), TotalRow.of == asset, limit=1)
    )
