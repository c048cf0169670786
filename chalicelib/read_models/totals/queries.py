"""The question of this room, and its answer."""

from collections import Counter

import msgspec

from chalicelib.domain.fields import check_id
from chalicelib.read_models.reading import primed
from chalicelib.read_models.totals.table import SHARDS, TotalRow, shard_key
from chalicelib.tables import together


class TrialBalance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Do debits equal credits, per asset?"""

    ledger: str

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")


class AssetTotals(msgspec.Struct, frozen=True, kw_only=True):
    """All that was ever posted in one asset, on either side."""

    asset: str
    debits: str
    credits: str
    balanced: bool


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The trial balance as far as it has been projected: events on their way may show as a
    difference, which a quiet ledger does not have.

    `events` is how many events of accounts it counts, and `as_of` when the newest of them was
    recorded; null if there is none.
    """

    ledger: str
    as_of: str | None
    events: int
    assets: list[AssetTotals]


def trial_balance(query: TrialBalance) -> Totals:
    """The sums over all shards."""
    debits: Counter[str] = Counter()
    credits: Counter[str] = Counter()
    as_of, events = "", 0
    shards = [TotalRow.query(shard_key(query.ledger, shard)) for shard in range(SHARDS)]
    for rows in together(primed, shards):
        for row in rows:
            debits[row.of] += row.debits
            credits[row.of] += row.credits
            as_of, events = max(as_of, row.as_of), events + row.version
    return Totals(
        ledger=query.ledger,
        as_of=as_of or None,
        events=events,
        assets=[
            AssetTotals(
                asset=asset,
                debits=str(debits[asset]),
                credits=str(credits[asset]),
                balanced=debits[asset] == credits[asset],
            )
            for asset in sorted(debits)
        ],
    )
