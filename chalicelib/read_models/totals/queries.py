"""The query of this read model, and its answer."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from chalicelib.domain.errors import LedgerNotFound
from chalicelib.domain.fields import check_id
from chalicelib.read_models.reading import now, prefetched
from chalicelib.read_models.totals.table import SHARDS, TotalRow, shard_key
from chalicelib.tables import in_parallel

LAG = timedelta(seconds=60)
"""What a projection takes at most from an event to its sums, if nothing holds it up."""

_WAITS = (0.25, 0.5, 1.0)
"""Seconds for which sums must stand still, read again after each, to be more than late."""


class TrialBalance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Do debits equal credits, per asset?"""

    ledger: str

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")


class AssetTotals(msgspec.Struct, frozen=True, kw_only=True):
    """All that was ever posted in one asset, on either side.

    `balanced` is null where the sums differ while transactions are on their way into them.
    """

    asset: str
    debits: str
    credits: str
    balanced: bool | None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The trial balance as far as it has been projected.

    `events` is how many events of accounts it counts, and `as_of` when the newest of them was
    recorded; null if there is none. `settled` is false while sums differ because the entries of a
    transaction arrive one by one.
    """

    ledger: str
    as_of: str | None
    events: int
    settled: bool
    assets: list[AssetTotals]


class _Sums(msgspec.Struct, frozen=True):
    """What the shards add up to, and how far they have come."""

    debits: Counter[str]
    credits: Counter[str]
    as_of: str
    events: int

    @property
    def agree(self) -> bool:
        """Whether debits equal credits, for every asset."""
        return all(self.debits[asset] == self.credits[asset] for asset in self.debits)


def trial_balance(query: TrialBalance, *, sleep: Callable[[float], None] = time.sleep) -> Totals:
    """The sums over all shards. Sums that differ are read again for up to two seconds, if nothing
    has come for longer than LAG: only where they stand still does it say that they differ.

    Raises LedgerNotFound where there are none.
    """
    sums = _read(query.ledger)
    if not sums.debits:
        # Every account has a part in a sum from its opening on.
        raise LedgerNotFound(query.ledger)
    settled = sums.agree
    if not settled and _is_late(sums):
        still = True
        for wait in _WAITS:
            sleep(wait)
            before, sums = sums, _read(query.ledger)
            still = still and sums.events == before.events
            if sums.agree or not still:
                break
        settled = sums.agree or still
    return Totals(
        ledger=query.ledger,
        as_of=sums.as_of or None,
        events=sums.events,
        settled=settled,
        assets=[
            AssetTotals(
                asset=asset,
                debits=str(sums.debits[asset]),
                credits=str(sums.credits[asset]),
                balanced=_balanced(sums.debits[asset] - sums.credits[asset], settled),
            )
            for asset in sorted(sums.debits)
        ],
    )


def _balanced(difference: int, settled: bool) -> bool | None:
    return True if not difference else False if settled else None


def _is_late(sums: _Sums) -> bool:
    return datetime.fromisoformat(sums.as_of) + LAG < now()


def _read(ledger: str) -> _Sums:
    debits: Counter[str] = Counter()
    credits: Counter[str] = Counter()
    as_of, events = "", 0
    shards = [TotalRow.query(shard_key(ledger, shard)) for shard in range(SHARDS)]
    for rows in in_parallel(prefetched, shards):
        for row in rows:
            debits[row.of] += row.debits
            credits[row.of] += row.credits
            as_of, events = max(as_of, row.as_of), events + row.version
    return _Sums(debits, credits, as_of, events)
