"""`python -m benchmarks.simulation`: clients of hot accounts, with combining and without."""

import click

from benchmarks.simulation.clients import Outcome, combining, direct, simulate
from benchmarks.simulation.part import CLIENTS


@click.command(help=__doc__)
@click.option("--seconds", default=10.0, help="Of virtual time.")
@click.option("--seed", default=1)
@click.option("--hot", default=1, help="How many hot accounts there are.")
@click.option("--between", default=0.3, help="The share of transfers between two of them.")
@click.option("--clients", type=int, multiple=True, default=CLIENTS)
def main(seconds: float, seed: int, hot: int, between: float, clients: tuple[int, ...]) -> None:
    """Prints a line for each kind of executor and number of clients."""
    for name, executor in (("direct", direct), ("combined", combining)):
        for number in clients:
            outcome = simulate(
                number, seconds=seconds, seed=seed, hot=hot, between=between, executor=executor
            )
            click.echo(f"{name:>8} {number:>4} clients: {in_words(outcome, seconds)}")


def in_words(outcome: Outcome, seconds: float) -> str:
    """The line that is printed for an outcome."""
    done = len(outcome.seconds)
    p99 = sorted(outcome.seconds)[int(0.99 * done)]
    refused = outcome.refused / (done + outcome.refused)
    return (
        f"{done / seconds:.0f}/s, p99 {1000 * p99:.0f} ms, {refused:.1%} contention, "
        f"{outcome.units.get('write', 0) / done:.1f} write and "
        f"{outcome.units.get('read', 0) / done:.1f} read units a transfer"
    )


if __name__ == "__main__":
    main()
