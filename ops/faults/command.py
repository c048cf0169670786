"""The command `faults`: rounds of clients that write among faults, on an engine of their own."""

import logging
import random
from collections import Counter

import click

from chalicelib import tables
from chalicelib.local import environment
from chalicelib.settings import settings
from ops.chaos.engine import connected, fresh_engine
from ops.faults.proxy import between
from ops.faults.run import Storm, impatient, run

CLIENTS = 6


@click.command()
@click.option("--seed", type=int, help="What to draw the faults from; one is made up otherwise.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--requests", type=click.IntRange(1), default=100, show_default=True)
def faults(seed: int | None, rounds: int, requests: int) -> None:
    """Writes through a proxy with every fault, and holds every answer against the books."""
    seed = random.SystemRandom().randrange(2**31) if seed is None else seed
    click.echo(f"again: python -m ops faults --seed {seed} --rounds {rounds}\n")
    logging.disable(logging.CRITICAL)  # Each fault is logged by whom it strikes.
    said, injected, wrong = Counter[str](), Counter[str](), list[str]()
    with fresh_engine():
        tables.create(environment.TABLES)
        upstream = str(settings().endpoint)
        for number in range(rounds):
            storm = Storm(seed + number)
            with (
                between(upstream, storm.choose, storm.seed) as (address, proxy),
                connected(address),
                impatient(),
            ):
                outcome = run(storm, proxy.settle, f"faults-{number}", CLIENTS, requests)
            said += outcome.said
            injected += storm.injected
            wrong += [f"round {number + 1}: {each}" for each in outcome.wrong]
    for title, counts in (("what was said", said), ("what became of requests", injected)):
        click.echo(f"{title}")
        for name, many in counts.most_common():
            click.echo(f"  {name:60} {many:>7,}")
    for each in wrong:
        click.echo(f"WRONG {each}")
    if wrong:
        raise SystemExit(1)
    click.echo("\nevery answer was true")
