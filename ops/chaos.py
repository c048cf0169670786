"""Chaos: books written and projected while everything fails that may, on an engine of its own."""

import json
import logging
import os
import random
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
import psutil

from chalicelib import sweep, tables
from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import HeadCache
from chalicelib.events.dead_letters import parked
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Recorded
from chalicelib.events.table import EventItem
from chalicelib.local import engine, stack
from chalicelib.local.chaos import Chaos
from chalicelib.local.chaos_dynamodb import trouble
from chalicelib.local.chaos_streams import SplitStreams
from chalicelib.local.checkpoints import Checkpoints
from chalicelib.local.mapping import SourceMapping
from chalicelib.local.stream_pump import Pump
from chalicelib.read_models import accounts, journal
from chalicelib.read_models.statements.table import StatementRow, partition
from chalicelib.settings import settings
from ops.auditing.auditor import Auditor
from ops.auditing.examining import Examination
from ops.chaos_books import BERKA, Client, Writer, open_accounts, open_bank, pay
from ops.demo import Row, read
from ops.independent import check
from ops.mappings import feeding
from ops.stages import PROJECT
from ops.verifying.events import stored
from ops.verifying.raw import all_items
from ops.verifying.read_models import stored_rows

WRITERS = 3
COMMANDS = 60
"""Of each writer in a round."""

_SAMPLE = PROJECT / "tests" / "data" / "berka-sample.csv"
_RETRY_SECONDS = (0.005, 0.1)


@click.command()
@click.option("--seed", type=int, help="What to draw the faults from; one is made up otherwise.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=_SAMPLE,
    help="A bank's transactions, as `demo` takes them.",
)
def chaos(seed: int | None, rounds: int, data: Path) -> None:
    """Writes and projects books among faults, and holds every row against the events."""
    seed = random.SystemRandom().randrange(2**31) if seed is None else seed
    click.echo(f"again: make chaos SEED={seed} ROUNDS={rounds}\n")
    logging.disable(logging.CRITICAL)  # Each fault is logged by whom it strikes.
    with fresh_engine():
        tables.create(stack.TABLES)
        storm = Chaos(seed)
        client = Client(Executor(DynamoStore(), head_cache=HeadCache()))
        discarded = run(storm, client, rounds, read(data))
        problems = verify(client, read(data), discarded)
    _print(storm, client)
    for problem in problems:
        click.echo(f"WRONG {problem}")
    if problems:
        raise SystemExit(1)
    click.echo("\nsurvived: every row is what the events say, and the audit is clean")


@contextmanager
def fresh_engine() -> Iterator[None]:
    """An embedded engine of this run's own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="twofold-chaos-") as home:
        os.environ.update(
            TWOFOLD_HOME=home,
            AWS_ACCESS_KEY_ID="local",
            AWS_SECRET_ACCESS_KEY="local",  # noqa: S106  # No secret to anyone.
        )
        settings.cache_clear()
        running = engine.ensure(owner=psutil.Process())
        _point_at(running.endpoint)
        try:
            yield
        finally:
            keeper = json.loads((engine.home() / "engine.json").read_text())
            process = psutil.Process(keeper["pid"])
            process.terminate()
            process.wait()


@contextmanager
def pointed_at(endpoint: str) -> Iterator[None]:
    """Another way to the engine, which connections take from here on."""
    before = os.environ["AWS_ENDPOINT_URL_DYNAMODB"]
    _point_at(endpoint)
    try:
        yield
    finally:
        _point_at(before)


def _point_at(endpoint: str) -> None:
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = endpoint
    settings.cache_clear()
    tables.connection.cache_clear()


def run(storm: Chaos, client: Client, rounds: int, bank: Sequence[Row]) -> list[dict[str, Any]]:
    """Writes and projects at the same time; what the event source mappings gave up.

    Leaves the storm calm and everything projected.
    """
    trouble(storm, tables.connection().client)
    arn = stack.stream_arn()
    streams = SplitStreams(storm, stack.streams_client(), arn)
    discarded: list[dict[str, Any]] = []
    begins = {
        name: partial(
            Pump,
            name,
            streams,
            arn,
            storm.function(name, partial(_invoke, projector)),
            Checkpoints(None, engine=""),
            SourceMapping.of(feeding(f"project_{name}"), _RETRY_SECONDS),
            on_failure=discarded.append,
        )
        for name, projector in stack.PROJECTORS.items()
    }
    written = threading.Event()
    with ThreadPoolExecutor(len(begins)) as pumps:
        pumping = [pumps.submit(storm.pump, *begin, written.is_set) for begin in begins.items()]
        try:
            _write(storm, client, rounds, bank)
        finally:
            written.set()
        for pumped in pumping:
            pumped.result()
    storm.calm = True
    for begin in begins.values():
        begin().drain()
    return discarded


def verify(client: Client, bank: Sequence[Row], discarded: Sequence[object]) -> list[str]:
    """All that is wrong with what was written and projected; nothing, one hopes.

    Rows and events are held against an independent fold, and audited: the two share no builder.
    """
    events, items, rows = list(stored()), list(all_items(EventItem)), stored_rows()
    problems = [f"given up: {each}" for each in discarded]
    problems += [
        f"parked: {row.place}: {row.error}"
        for table in (accounts.Parked, journal.Parked)
        for row in parked(table)
    ]
    problems += [*_unlike_the_answers(client, events), *check.wrong_events(items)]
    problems += [*check.wrong_rows(items, rows), *_unlike_the_bank(bank)]
    audited = Examination(Auditor(segments=4, rate=0, patience=5.0)).run()
    problems += [str(finding) for finding in audited.found]
    problems += [f"not settled: {what}" for what in audited.unsettled]
    click.echo(f"{len(events):,} events, {sum(map(len, rows.values())):,} rows compared")
    click.echo(f"audited {audited.events:,} events: {audited.count} findings")
    return problems


def _write(storm: Chaos, client: Client, rounds: int, bank: Sequence[Row]) -> None:
    customers: dict[str, list[Row]] = defaultdict(list)
    for row in bank:
        customers[row.account].append(row)
    open_bank(client, customers)
    open_accounts(client)
    with ThreadPoolExecutor(WRITERS + 2) as clients:
        payments = [clients.submit(pay, client, rows) for rows in customers.values()]
        for number in range(1, rounds + 1):
            writers = [Writer(client, storm.seed, f"r{number}w{each}") for each in range(WRITERS)]
            _all(clients, [partial(writer.write, COMMANDS) for writer in writers])
            client.until_answered(lambda: sweep.expire(datetime.now(UTC)))
        for payment in payments:
            payment.result()


def _all(clients: ThreadPoolExecutor, work: Sequence[Callable[[], None]]) -> None:
    for done in [clients.submit(each) for each in work]:
        done.result()


def _invoke(projector: Callable[[Any, Any], Any], event: dict[str, Any]) -> Any:
    return projector(event, None)


def _unlike_the_answers(client: Client, events: Sequence[Recorded]) -> Iterator[str]:
    """Every event that was an answer stands there, and no transaction that was none."""
    found = {(event.stream, event.version): event.hash for event in events}
    for answer in client.acknowledged:
        if found.get((answer.stream, answer.version)) != answer.hash:
            yield f"acknowledged, and not there: {answer.stream} {answer.version}"
    acknowledged = {answer.stream for answer in client.acknowledged}
    for event in events:
        made = event.stream.kind == "transaction" and event.version == 1
        if made and event.stream not in acknowledged:
            yield f"there, and never acknowledged: {event.stream}"


def _unlike_the_bank(bank: Sequence[Row]) -> Iterator[str]:
    """The bank's running balances that the statements do not show."""
    shown: dict[str, dict[str | None, int]] = {}
    balances: dict[str, int] = defaultdict(int)
    for row in bank:
        if row.account not in shown:
            rows = StatementRow.query(partition(BERKA, row.account))
            shown[row.account] = {each.transaction: each.balance for each in rows}
        balances[row.account] = shown[row.account].get(row.id, balances[row.account])
        if balances[row.account] != row.balance_after:
            yield f"the bank's balance after {row.id} is another one"


def _print(storm: Chaos, client: Client) -> None:
    transactions = {
        answer.stream for answer in client.acknowledged if answer.stream.kind == "transaction"
    }
    click.echo(
        f"{len(client.acknowledged):,} commands acknowledged and found,"
        f" {len(transactions):,} transactions among them;"
        f" {client.refused.total():,} refused;"
        f" {client.unanswered.total():,} times asked again for want of an answer;"
        f" up to {storm.at_once} invocations at a time\n"
    )
    for fault, count in sorted(storm.injected.items()):
        click.echo(f"  {fault:45} {count:>7,}")
    click.echo(f"  {'faults injected':45} {storm.injected.total():>7,}")
