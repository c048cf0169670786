"""Adds the change of each account since its row to the sum of its shard, exactly once.

An event carries its account's totals, so the change is correct even if events were missed, repeated
or late. The account's row is updated in the same transaction as the sum, on the condition that it
is unchanged since it was read.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

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
"""DynamoDB's limit of one transaction, and of one BatchGetItem."""

_ATTEMPTS = 8
_BACKOFF = Backoff(base=0.01)
_LOST = {"ConditionalCheckFailed", "TransactionConflict"}

Key = tuple[str, str]
"""The hash key and range key of a row."""

Accounts = Mapping[Key, Recorded]
"""The newest event of each account, by the key of its row."""

Rows = Mapping[Key, TotalRow]


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
    """One transaction per sum and up to 99 of its accounts, whose rows are all read together.

    A transaction with several sums of a ledger would conflict with those of other shards more
    often, and cost the same.
    """
    sums: dict[Key, dict[Key, Recorded]] = {}
    for event in newest("account", events).values():
        account = account_key(event.stream.ledger, event.stream.id)
        sums.setdefault(_key_of(event), {})[account] = event
    parts = [
        (key, dict(islice(accounts.items(), start, start + _ACTIONS - 1)))
        for key, accounts in sums.items()
        for start in range(0, len(accounts), _ACTIONS - 1)
    ]
    seen = _read([*sums, *(account for _, accounts in parts for account in accounts)])
    in_parallel(lambda part: _add(*part, seen), parts)


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


def _read(keys: Sequence[Key]) -> Rows:
    pages = [keys[start : start + _ACTIONS] for start in range(0, len(keys), _ACTIONS)]
    read = in_parallel(lambda page: list(TotalRow.batch_get(page, consistent_read=True)), pages)
    return {(row.key, row.of): row for page in read for row in page}


def _add(key: Key, accounts: Accounts, seen: Rows) -> None:
    """Adds the changes of some accounts to their sum. Raises TransactWriteError."""
    for attempt in range(_ATTEMPTS):
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
        seen = _read([*accounts, key])


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
