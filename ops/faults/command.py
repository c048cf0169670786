"""The command `faults`: rounds of clients that send commands among faults, on a fresh engine."""

import logging
import random
from collections import Counter

import click

from chalicelib import tables
from chalicelib.local import environment
from chalicelib.settings import settings
from ops.chaos.engine import connected, fresh_engine
from ops.faults.proxy import proxied
from ops.faults.run import RandomFaults, run, short_timeouts

CLIENTS = 6


@click.command()
@click.option("--seed", type=int, help="What to draw the faults from; one is made up otherwise.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--requests", type=click.IntRange(1), default=100, show_default=True)
def faults(seed: int | None, rounds: int, requests: int) -> None:
    """Writes through a proxy with every fault, and compares every answer with the stored events."""
    seed = random.SystemRandom().randrange(2**31) if seed is None else seed
    click.echo(f"again: python -m ops faults --seed {seed} --rounds {rounds}\n")
    logging.disable(logging.CRITICAL)  # Each fault would be logged.
    codes, injected, wrong = Counter[str](), Counter[str](), list[str]()
    with fresh_engine():
        tables.create(environment.TABLES)
        upstream = str(settings().endpoint)
        for number in range(rounds):
            drawn = RandomFaults(seed + number)
            with (
                proxied(upstream, drawn.choose, drawn.seed) as (address, proxy),
                connected(address),
                short_timeouts(),
            ):
                outcome = run(drawn, proxy.settle, f"faults-{number}", CLIENTS, requests)
            codes += outcome.codes
            injected += drawn.injected
            wrong += [f"round {number + 1}: {each}" for each in outcome.wrong]
    for title, counts in (("answers", codes), ("faults of requests", injected)):
        click.echo(title)
        for name, many in counts.most_common():
            click.echo(f"  {name:60} {many:>7,}")
    for each in wrong:
        click.echo(f"WRONG {each}")
    if wrong:
        raise SystemExit(1)
    click.echo("\nevery answer was true")
