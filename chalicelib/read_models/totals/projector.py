"""Adds what each account gained since it was last seen, exactly once.

An event carries its account's totals, so the difference to what was last seen is right whatever
was missed, repeated or late in between. The account's row moves on in the same transaction as the
sum, on the condition that it is still where it was read: nothing is added twice.
"""

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.domain.fields import rfc3339
from chalicelib.events.recorded import Recorded
from chalicelib.events.stream import newest
from chalicelib.read_models.generations import into_each
from chalicelib.read_models.totals.table import TotalRow, account_key, shard_key, shard_of
from chalicelib.tables import connection, together

_GROUP = 25
"""Accounts per transaction: with a sum per asset, at most half of what DynamoDB takes."""

_ATTEMPTS = 8
_LOST = {"ConditionalCheckFailed", "TransactionConflict"}


@dataclass(frozen=True)
class Gain:
    """What one account adds to the sums, and the account's row before and after."""

    asset: str
    debits: int
    credits: int
    seen: int
    row: TotalRow


def gain(event: Recorded, seen: TotalRow | None) -> Gain | None:
    """What the account added since it was last seen; None if this is no news."""
    if seen is not None and event.version <= seen.version:
        return None
    account = event.account
    key, of = account_key(event.stream.ledger, event.stream.id)
    return Gain(
        asset=account.asset,
        debits=account.debits - (seen.debits if seen else 0),
        credits=account.credits - (seen.credits if seen else 0),
        seen=seen.version if seen else 0,
        row=TotalRow(
            key,
            of,
            version=event.version,
            debits=account.debits,
            credits=account.credits,
            as_of=rfc3339(event.recorded_at),
        ),
    )


@into_each("totals")
def project(events: Sequence[Recorded]) -> None:
    """One transaction per shard of a ledger and group of accounts that the batch touches."""
    shards: dict[str, list[Recorded]] = {}
    for event in newest("account", events).values():
        shard = shard_key(event.stream.ledger, shard_of(event.stream.id))
        shards.setdefault(shard, []).append(event)
    groups = [
        (shard, members[start : start + _GROUP])
        for shard, members in shards.items()
        for start in range(0, len(members), _GROUP)
    ]
    together(lambda group: _add(*group), groups)


def _add(shard: str, events: Sequence[Recorded]) -> None:
    for attempt in range(_ATTEMPTS):
        keys = [account_key(event.stream.ledger, event.stream.id) for event in events]
        sums = {(shard, event.account.asset) for event in events}
        rows = TotalRow.batch_get([*keys, *sums], consistent_read=True)
        seen = {(row.key, row.of): row for row in rows}
        gains = [
            gained
            for event, key in zip(events, keys, strict=True)
            if (gained := gain(event, seen.get(key)))
        ]
        if not gains:
            return
        try:
            _write(shard, gains, {of: row.as_of for (key, of), row in seen.items() if key == shard})
            return
        except TransactWriteError as error:
            # Another invocation was at the same account or sum: look again at what it left.
            codes = {reason.code for reason in error.cancellation_reasons if reason}
            if not codes or not codes <= _LOST or attempt == _ATTEMPTS - 1:
                raise
        time.sleep(random.uniform(0, 0.01 * 2**attempt))


def _write(shard: str, gains: Sequence[Gain], as_of: Mapping[str, str]) -> None:
    debits: Counter[str] = Counter()
    credits: Counter[str] = Counter()
    events: Counter[str] = Counter()
    newest = dict(as_of)
    with TransactWrite(connection=connection()) as transaction:
        for gained in gains:
            still = (
                TotalRow.version == gained.seen
                if gained.seen
                else TotalRow.version.does_not_exist()
            )
            transaction.save(gained.row, still)
            debits[gained.asset] += gained.debits
            credits[gained.asset] += gained.credits
            events[gained.asset] += gained.row.version - gained.seen
            newest[gained.asset] = max(newest.get(gained.asset, ""), gained.row.as_of)
        for asset in debits:
            actions: list[Action] = [
                TotalRow.version.add(events[asset]),
                TotalRow.debits.add(debits[asset]),
                TotalRow.credits.add(credits[asset]),
            ]
            later = TotalRow.as_of.does_not_exist() | (TotalRow.as_of < newest[asset])
            if newest[asset] == as_of.get(asset):
                # Late news: it says nothing new of how far the sums have come.
                transaction.update(TotalRow(shard, asset), actions)
            else:
                actions.append(TotalRow.as_of.set(newest[asset]))
                transaction.update(TotalRow(shard, asset), actions, condition=later)
