"""Part 5, projectors: how fast each stack takes events, against bare writes of the same rows.

Two bare writes: by `BatchWriteItem`, which takes no condition, and with the conditions that keep a
late or repeated event from harming, one call for each row that has one.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any

from benchmarks import lag, results
from benchmarks.counting import Meter, Tally
from benchmarks.engine import dynamodb_local, ministack
from chalicelib.events.recorded import Recorded
from chalicelib.events.stream import newest
from chalicelib.read_models import accounts, journal
from chalicelib.read_models.balances import projector as balances
from chalicelib.read_models.balances.table import BalanceRow, row_of
from chalicelib.read_models.statements import projector as statements
from chalicelib.read_models.statements.table import StatementRow
from chalicelib.read_models.totals import projector as totals
from chalicelib.read_models.totals.table import TotalRow, shard_key, shard_of
from chalicelib.read_models.transactions import projector as transactions
from chalicelib.tables import Table, connection, together
from tests.books import Bookkeeper, record_of
from tests.domain.books import credit, debit

SPREADS = {"1,000 accounts": 1_000, "10 accounts": 10}
"""Among how many accounts the transfers go: how many events of a batch share a row."""

DELAY_MILLISECONDS = 5
"""Added to every call where a network is played: without one, all that is compared is how much
an emulator on the same two cores has to do for many small writes and for few large ones."""

_BATCH, _PUTS = 100, 25

Batch = Sequence[Recorded]
_ledgers = count(1)


def run(*, quick: bool) -> None:
    """Rates and lag on DynamoDB Local, units on ministack."""
    transfers, rounds = (150, 1) if quick else (1_000, 3)
    rows = []
    for spread, number in SPREADS.items():
        results.say(f"projectors: transfers among {spread}")
        with ministack():
            units = _units(_batches(number, 200))
        with dynamodb_local():
            _rates(number, min(transfers, 300))  # A fresh engine is slow at first.
            near = [_rates(number, transfers) for _ in range(rounds)]
            with _delayed():
                far = [_rates(number, transfers) for _ in range(rounds)]
        rows += [
            {
                "stack": stack,
                "spread": spread,
                "delay_ms": delay,
                "events_per_second": results.median([one[stack][0] for one in found]),
                "bare_events_per_second": results.median([one[stack][1] for one in found]),
                "conditional_events_per_second": results.median([one[stack][2] for one in found]),
                "of_bare": results.median([one[stack][0] / one[stack][1] for one in found]),
                "of_conditional": results.median([one[stack][0] / one[stack][2] for one in found]),
                **units[stack],
            }
            for delay, found in ((0, near), (DELAY_MILLISECONDS, far))
            for stack in STACKS
        ]
    results.say("projectors: lag")
    found_lag = lag.measure(quick=quick)
    results.save("projectors", quick=quick, engine="DynamoDB Local", rows=rows, lag=found_lag)


@contextmanager
def _delayed() -> Iterator[None]:
    events = connection().client.meta.events
    events.register("request-created.dynamodb", _wait)
    try:
        yield
    finally:
        events.unregister("request-created.dynamodb", _wait)


def _wait(**_: Any) -> None:
    time.sleep(DELAY_MILLISECONDS / 1000)


def _accounts_rows(events: Batch) -> list[Table]:
    """What a batch leaves in the accounts stack: a row per event, and one per account."""
    return [*map(statements.row, events), *map(_balance, newest("account", events).values())]


def _balance(event: Recorded) -> BalanceRow:
    row = row_of(event.stream.ledger, event.stream.id)
    row.version = event.version
    row.body = balances.body_of(event)
    row.metadata_set_by = row.metadata_version = 1
    row.metadata = "{}"
    return row


def _journal_rows(events: Batch) -> list[Table]:
    """What a batch leaves in the journal stack: a row per transaction, per account and per sum."""
    told = [transactions.row(event) for event in newest("transaction", events).values()]
    moved = newest("account", events).values()
    seen = [gain.row for event in moved if (gain := totals.gain(event, None))]
    sums = {
        (shard_key(event.stream.ledger, shard_of(event.stream.id)), event.account.asset)
        for event in moved
    }
    summed = [
        TotalRow(*key, version=1, debits=10**6, credits=10**6, as_of=seen[0].as_of) for key in sums
    ]
    return [*told, *seen, *summed]


STACKS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Batch], list[Table]], bool]] = {
    "accounts": (accounts.project_accounts, _accounts_rows, False),
    "journal": (journal.project_journal, _journal_rows, True),
}
"""Of each stack its Lambda, what it writes, and whether it is fed the events of transactions."""


def _batches(number: int, transfers: int) -> dict[str, list[Batch]]:
    """The events of some transfers, as each stack's event source would cut them up."""
    books = Bookkeeper(f"bench-{next(_ledgers)}")
    names = [f"customers:{place}" for place in range(number)]
    for name in names:
        books.open(name)
    opened = len(books.recorded)
    for place in range(transfers):
        first = names[2 * place % number]
        second = names[(2 * place + 1) % number]
        books.post(f"transfer-{place}", debit(first, 10), credit(second, 10))
    events = books.recorded[opened:]
    return {
        stack: [
            wanted[start : start + _BATCH]
            for wanted in ([one for one in events if all_kinds or one.stream.kind == "account"],)
            for start in range(0, len(wanted), _BATCH)
        ]
        for stack, (_, _, all_kinds) in STACKS.items()
    }


def _rates(number: int, transfers: int) -> dict[str, tuple[float, float, float]]:
    """Events per second of each stack's projector, and of bare writes of other ledgers' rows:
    without their conditions, and with them.
    """
    ours, bare, others = (_batches(number, transfers) for _ in range(3))
    found = {}
    for stack, (project, rows_of, _) in STACKS.items():
        events = sum(len(batch) for batch in ours[stack])
        deliveries = [{"Records": [record_of(event) for event in batch]} for batch in ours[stack]]
        requests = [request for batch in bare[stack] for request in _puts(rows_of(batch))]
        projected = _seconds([partial(project, batch, None) for batch in deliveries])
        written = _seconds([partial(_write, request) for request in requests])
        works = [_conditional(rows_of(batch)) for batch in others[stack]]
        kept = _seconds([partial(together, _call, work) for work in works])
        found[stack] = (events / projected, events / written, events / kept)
    return found


def _units(batches: dict[str, list[Batch]]) -> dict[str, dict[str, Any]]:
    """What each stack writes, as the engine reports it."""
    found = {}
    with Meter().attached() as meter:
        for stack, (project, rows_of, _) in STACKS.items():
            deliveries = [{"Records": [record_of(one) for one in b]} for b in batches[stack]]
            tally = meter.tally(partial(_feed, project, deliveries))
            reads, writes = _known(tally)
            events = sum(len(batch) for batch in batches[stack])
            touched = sum(len(rows_of(batch)) for batch in batches[stack])
            found[stack] = {
                "rows_per_event": touched / events,
                "write_units_per_event": writes / events,
                "read_units_per_event": reads / events,
                "write_units_per_row": writes / touched,
            }
    return found


def _feed(project: Callable[[Any, Any], Any], deliveries: Sequence[Any]) -> None:
    for delivery in deliveries:
        project(delivery, None)


def _known(tally: Tally) -> tuple[float, float]:
    if tally.units is None:
        raise RuntimeError("the engine reported no units, and sizes do not tell")
    return tally.units


def _puts(rows: Sequence[Table]) -> list[dict[str, Any]]:
    """The BatchWriteItem requests that put these rows."""
    puts = [(row.Meta.table_name, {"PutRequest": {"Item": dict(row.serialize())}}) for row in rows]
    requests: list[dict[str, Any]] = []
    for start in range(0, len(puts), _PUTS):
        tables: dict[str, list[Any]] = {}
        for table, put in puts[start : start + _PUTS]:
            tables.setdefault(table, []).append(put)
        requests.append(tables)
    return requests


def _conditional(rows: Sequence[Table]) -> list[Callable[[], object]]:
    """The calls that write these rows as the projectors must: each that is not the same for ever
    on the condition that no newer one is there.
    """
    client: Any = connection().client
    lines = [row for row in rows if isinstance(row, StatementRow)]
    calls: list[Callable[[], object]] = [partial(_write, request) for request in _puts(lines)]
    for row in rows:
        if not isinstance(row, StatementRow):
            item = dict(row.serialize())
            put = partial(
                client.put_item,
                TableName=row.Meta.table_name,
                Item=item,
                ConditionExpression="attribute_not_exists(version) OR version <= :version",
                ExpressionAttributeValues={":version": item["version"]},
            )
            calls.append(put)
    return calls


def _call(work: Callable[[], object]) -> None:
    work()


def _write(request: dict[str, Any]) -> None:
    client: Any = connection().client
    if client.batch_write_item(RequestItems=request)["UnprocessedItems"]:
        raise RuntimeError("the engine did not take everything")


def _seconds(works: Sequence[Callable[[], object]]) -> float:
    began = time.perf_counter()
    for work in works:
        work()
    return time.perf_counter() - began
