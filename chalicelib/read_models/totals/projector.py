"""Adds the change of each account since its row to the sum of its shard, exactly once.

An event carries its account's totals, so the change is correct even if events were missed, repeated
or late. The account's row is updated in the same transaction as the sum, on the condition that it
is unchanged since it was read.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.backoff import Backoff
from chalicelib.domain.fields import rfc3339
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.stream import newest
from chalicelib.ledger.aggregates import account_state
from chalicelib.read_models.read_model import Item, Projection, Sums
from chalicelib.read_models.totals.table import (
    ACCOUNT,
    SHARDS,
    TotalRow,
    account_key,
    shard_key,
    shard_of,
)
from chalicelib.tables import connection, in_parallel

_ACTIONS = 100
"""DynamoDB's limit of one transaction."""

_ATTEMPTS = 8
_BACKOFF = Backoff(base=0.01)
_LOST = {"ConditionalCheckFailed", "TransactionConflict"}

Key = tuple[str, str]
"""The hash key and range key of a row."""


@dataclass(frozen=True)
class Gain:
    """What an account adds to its sum, and its new row. `seen` is the version of its stored row."""

    debits: int
    credits: int
    seen: int | None
    row: TotalRow


def gain(event: Recorded, seen: TotalRow | None) -> Gain | None:
    """The change since the stored row; None if that is not older than the event."""
    if seen is not None and event.version <= seen.version:
        return None
    account = account_state(event)
    return Gain(
        debits=account.debits - (seen.debits if seen else 0),
        credits=account.credits - (seen.credits if seen else 0),
        seen=seen.version if seen else None,
        row=row(event),
    )


def row(event: Recorded) -> TotalRow:
    """The row of an account after an event."""
    account = account_state(event)
    return TotalRow(
        *account_key(event.stream.ledger, event.stream.id),
        version=event.version,
        debits=account.debits,
        credits=account.credits,
        as_of=rfc3339(event.recorded_at),
    )


def project(events: Sequence[Recorded]) -> None:
    """One transaction per sum and up to 99 of its accounts.

    A transaction with several sums of a ledger would conflict with those of other shards more
    often, and cost the same.
    """
    sums: dict[Key, list[Recorded]] = {}
    for event in newest("account", events).values():
        sums.setdefault(_key_of(event), []).append(event)

    def add_all(key: Key) -> None:
        for start in range(0, len(sums[key]), _ACTIONS - 1):
            _add(key, sums[key][start : start + _ACTIONS - 1])

    in_parallel(add_all, sums)


def _key_of(event: Recorded) -> Key:
    return sum_of(event.stream, account_state(event).asset)


def sum_of(account: Stream, asset: str) -> Key:
    """The key of the sum for an account and its asset."""
    return shard_key(account.ledger, shard_of(account.id)), asset


def origin(row: Item) -> tuple[Stream, None]:
    """The stream of an account's row."""
    ledger, _, account = row["key"]["S"].partition("/")
    return Stream.parse(f"{ledger}/account/{account}"), None


def holds(ledger: str, asset: str) -> bool:
    """Whether the ledger has a sum of this asset."""
    return any(
        True
        for shard in range(SHARDS)
        for _ in TotalRow.query(shard_key(ledger, shard), TotalRow.of == asset, limit=1)
    )


PROJECTION = Projection(
    kind="account",
    project=project,
    rows=lambda event, _: [row(event)],
    origin=origin,
    sums=Sums(is_sum=lambda row: row["of"]["S"] != ACCOUNT, of=sum_of),
    holds=holds,
)


def _add(key: Key, events: Sequence[Recorded]) -> None:
    """Adds the changes of some accounts to their sum. Raises TransactWriteError."""
    accounts = {account_key(one.stream.ledger, one.stream.id): one for one in events}
    for attempt in range(_ATTEMPTS):
        rows = TotalRow.batch_get([*accounts, key], consistent_read=True)
        seen: dict[Key, TotalRow] = {(row.key, row.of): row for row in rows}
        gains = [
            gained for one, event in accounts.items() if (gained := gain(event, seen.get(one)))
        ]
        if not gains:
            return
        try:
            _write(key, gains, seen[key].as_of if key in seen else "")
            return
        except TransactWriteError as error:
            # Another invocation updated the same account or sum: read them again.
            codes = {reason.code for reason in error.cancellation_reasons if reason}
            if not codes or not codes <= _LOST or attempt == _ATTEMPTS - 1:
                raise
        time.sleep(_BACKOFF.delay(attempt))


def _write(key: Key, gains: Sequence[Gain], as_of: str) -> None:
    """Updates the rows of accounts and their sum, whose present value is `as_of`."""
    with TransactWrite(connection=connection()) as transaction:
        for gained in gains:
            still = (
                TotalRow.version.does_not_exist()
                if gained.seen is None
                else TotalRow.version == gained.seen
            )
            transaction.save(gained.row, still)
        actions: list[Action] = [
            TotalRow.version.add(sum(one.row.version - (one.seen or 0) for one in gains)),
            TotalRow.debits.add(sum(one.debits for one in gains)),
            TotalRow.credits.add(sum(one.credits for one in gains)),
        ]
        newest = max(gained.row.as_of for gained in gains)
        if newest <= as_of:
            transaction.update(TotalRow(*key), actions)
            return
        actions.append(TotalRow.as_of.set(newest))
        later = TotalRow.as_of.does_not_exist() | (TotalRow.as_of < newest)
        transaction.update(TotalRow(*key), actions, condition=later)
