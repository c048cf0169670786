"""The query of this read model, and its result."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from chalicelib.domain.errors import LedgerNotFound
from chalicelib.domain.fields import check_id
from chalicelib.http.field_types import AssetCode, LedgerId, Time, Units, described
from chalicelib.read_models.reading import now, prefetched
from chalicelib.read_models.status_queries import Progress
from chalicelib.read_models.totals.table import SHARDS, TotalRow, shard_key
from chalicelib.tables import in_parallel

LAG = timedelta(seconds=60)
"""The longest normal time from an event to its projection."""

_WAITS = (0.25, 0.5, 1.0)
"""Seconds between reads of sums that differ: they must not change meanwhile."""


class TrialBalance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Do debits equal credits, per asset?"""

    ledger: LedgerId

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")


class AssetTotals(msgspec.Struct, frozen=True, kw_only=True):
    """All that was ever posted in one asset, on either side.

    `balanced` is null where the sums differ while transactions are on their way into them.
    """

    asset: AssetCode
    debits: Annotated[Units, described("The sum of all entries on the debit side.", "1000")]
    credits: Annotated[Units, described("The sum of all entries on the credit side.", "1000")]
    balanced: Annotated[
        bool | None,
        described("Whether both are equal; null while entries are on their way.", True),
    ]


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The trial balance as far as it has been projected.

    `events` is how many events of accounts it counts, and `as_of` when the newest of them was
    recorded; null if there is none. `settled` is false while sums differ because the entries of a
    transaction arrive one by one.
    """

    ledger: LedgerId
    as_of: Annotated[
        Time | None, described("When the newest event in the sums was recorded; null for none.")
    ]
    events: Annotated[int, described("How many events of accounts the sums contain.", 12)]
    settled: Annotated[
        bool,
        described("False while sums differ since entries of a transaction are on their way.", True),
    ]
    assets: Annotated[list[AssetTotals], described("The sums of each asset.")]


class _Sums(msgspec.Struct, frozen=True):
    """The sums over all shards, with the time and the number of the events."""

    debits: Counter[str]
    credits: Counter[str]
    as_of: str
    events: int

    @property
    def agree(self) -> bool:
        """Whether debits equal credits, for every asset."""
        return all(self.debits[asset] == self.credits[asset] for asset in self.debits)


def trial_balance(query: TrialBalance, *, sleep: Callable[[float], None] = time.sleep) -> Totals:
    """The sums over all shards. Raises LedgerNotFound if there are none.

    Sums that differ, though no event was projected for longer than LAG, are read again for up to
    two seconds: they are reported as settled if they do not change.
    """
    sums = _read(query.ledger)
    if not sums.debits:
        raise LedgerNotFound(query.ledger)
    settled = sums.agree
    if not settled and datetime.fromisoformat(sums.as_of) + LAG < now():
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


def progress(ledger: str) -> Progress:
    """The newest event in a ledger's sums, and the number of events in them."""
    sums = _read(ledger)
    return Progress(sums.as_of or None, sums.events)


def _balanced(difference: int, settled: bool) -> bool | None:
    return True if not difference else False if settled else None


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
