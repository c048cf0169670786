"""The command `chaos`: a workload written and projected among faults, on an engine of its own."""

import logging
import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from chalicelib import sweep, tables
from chalicelib.commands.combining.hot import combiner
from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import HeadCache
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.local import environment
from ops.chaos.engine import fresh_engine
from ops.chaos.verify import verify
from ops.chaos.workload import RANDOM, Client, open_accounts, open_bank, pay
from ops.demo import Row, by_customer, read
from ops.mappings import feeding
from ops.stages import PROJECT
from ops.workload import RandomWriter
from simulator.chaos import Chaos
from simulator.chaos_dynamodb import inject
from simulator.chaos_streams import SplitStreams
from simulator.checkpoints import Checkpoints
from simulator.mapping import SourceMapping
from simulator.poller import Poller

EXECUTORS = 3
"""As of so many Lambdas: each has its own cached heads, and they lose races to each other."""

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
    """Writes and projects transactions among faults, and compares every row with the events."""
    seed = random.SystemRandom().randrange(2**31) if seed is None else seed
    click.echo(f"again: make chaos SEED={seed} ROUNDS={rounds}\n")
    logging.disable(logging.CRITICAL)  # Each fault would be logged.
    with fresh_engine():
        tables.create(environment.TABLES)
        faults, bank = Chaos(seed), read(data)
        client = clients()
        discarded = run(faults, client, rounds, bank)
        problems = verify(client, bank, discarded)
    _print(faults, client)
    for problem in problems:
        click.echo(f"WRONG {problem}")
    if problems:
        raise SystemExit(1)
    click.echo("\nsurvived: every row is what the events say, and the audit is clean")


def clients() -> Client:
    """Clients of EXECUTORS Lambdas, which combine their commands as deployed ones do."""
    store = DynamoStore()
    return Client(
        [
            Executor(store, head_cache=HeadCache(), combiner=combiner(store))
            for _ in range(EXECUTORS)
        ]
    )


def run(faults: Chaos, client: Client, rounds: int, bank: Sequence[Row]) -> list[dict[str, Any]]:
    """Writes and projects concurrently; what the event source mappings discarded.

    At the end the faults are stopped and everything is projected.
    """
    inject(faults, tables.connection().client)
    arn = environment.stream_arn()
    streams = SplitStreams(faults, environment.streams_client(), arn)
    discarded: list[dict[str, Any]] = []
    begins = {
        name: partial(
            Poller,
            name,
            streams,
            arn,
            faults.function(name, projector),
            SourceMapping.of(feeding(f"project_{name}"), _RETRY_SECONDS),
            Checkpoints(),
            on_failure=discarded.append,
        )
        for name, projector in environment.PROJECTORS.items()
    }
    written = threading.Event()
    with ThreadPoolExecutor(len(begins)) as pollers:
        polling = [pollers.submit(faults.poll, *begin, written.is_set) for begin in begins.items()]
        try:
            _write(faults.seed, client, rounds, bank)
        finally:
            written.set()
        for polled in polling:
            polled.result()
    faults.stopped = True
    for begin in begins.values():
        begin().drain()
    return discarded


def _write(seed: int, client: Client, rounds: int, bank: Sequence[Row]) -> None:
    customers = by_customer(bank)
    open_bank(client, customers)
    open_accounts(client)
    with ThreadPoolExecutor(WRITERS + 2) as clients:
        payments = [clients.submit(pay, client, rows) for rows in customers.values()]
        for number in range(1, rounds + 1):
            names = [f"r{number}w{each}" for each in range(WRITERS)]
            writers = [RandomWriter(client.send, RANDOM, seed, name) for name in names]
            for done in [clients.submit(writer.write, COMMANDS) for writer in writers]:
                done.result()
            client.until_answered(lambda: sweep.expire(datetime.now(UTC)))
        for payment in payments:
            payment.result()


def _print(faults: Chaos, client: Client) -> None:
    transactions = {
        answer.stream for answer in client.acknowledged if answer.stream.kind == "transaction"
    }
    click.echo(
        f"{len(client.acknowledged):,} commands acknowledged and found,"
        f" {len(transactions):,} transactions among them;"
        f" {client.refused.total():,} refused;"
        f" {client.unanswered.total():,} times sent again without an answer;"
        f" up to {faults.max_concurrency} invocations at a time\n"
    )
    for fault, count in sorted(faults.injected.items()):
        click.echo(f"  {fault:48} {count:>7,}")
    click.echo(f"  {'faults injected':48} {faults.injected.total():>7,}")
