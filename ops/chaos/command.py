"""The command `chaos`: a workload written and projected among faults, on an engine of its own."""

import logging
import random
from pathlib import Path

import click

from chalicelib import tables
from chalicelib.commands.execute import Executor
from chalicelib.commands.memory import Memory
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.local import environment
from ops.chaos.engine import fresh_engine
from ops.chaos.run import run
from ops.chaos.verify import verify
from ops.chaos.workload import Client
from ops.demo import read
from ops.stages import PROJECT
from simulator.chaos import Chaos

_SAMPLE = PROJECT / "tests" / "data" / "berka-sample.csv"


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
        client = Client(Executor(DynamoStore(), memory=Memory()))
        discarded = run(faults, client, rounds, bank)
        problems = verify(client, bank, discarded)
    _print(faults, client)
    for problem in problems:
        click.echo(f"WRONG {problem}")
    if problems:
        raise SystemExit(1)
    click.echo("\nsurvived: every row is what the events say, and the audit is clean")


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
