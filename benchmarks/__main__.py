"""`python -m benchmarks [PART ...]`: measures, and writes `docs/performance.md`."""

import importlib
import time
import traceback

import click

from benchmarks import results
from benchmarks.engine import Missing

PARTS = {
    "cost": "benchmarks.cost",
    "growth": "benchmarks.growth",
    "stores": "benchmarks.stores.compare",
    "contention": "benchmarks.contention",
    "simulation": "benchmarks.simulation.part",
    "projectors": "benchmarks.projectors",
    "cold": "benchmarks.cold",
    "cpu": "benchmarks.cpu",
    "auditing": "benchmarks.auditing",
    "laptop": "benchmarks.laptop",
    "report": "benchmarks.report",
}
"""The parts in the order in which they run, and the module of each, imported when it does."""


@click.command(help=__doc__)
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--quick", is_flag=True, help="A short run, whose results are kept apart.")
def main(parts: tuple[str, ...], *, quick: bool) -> None:
    """Runs the named parts, or all.

    A part that cannot run here is named and skipped. The others run after a failure too.
    """
    failed = []
    for part in parts or PARTS:
        began = time.monotonic()
        try:
            importlib.import_module(PARTS[part]).run(quick=quick)
        except Missing as missing:
            results.say(f"{part}: not measured: {missing}")
        except Exception:  # noqa: BLE001  # Said in full, and the exit code tells.
            results.say(f"{part}: failed\n{traceback.format_exc()}")
            failed.append(part)
        else:
            results.say(f"{part}: done in {time.monotonic() - began:.0f} s")
    if failed:
        raise click.ClickException(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
