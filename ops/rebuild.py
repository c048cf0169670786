"""Rebuild: the rooms of a stack made right from the event table, while all goes on."""

import click

from chalicelib.settings import ACCOUNTS, JOURNAL, settings
from ops.rebuilding.bluegreen import replace
from ops.rebuilding.inplace import repair
from ops.rebuilding.progress import Progress
from ops.rebuilding.rooms import ROOMS
from ops.rebuilding.scanning import Rate, Scan
from ops.stages import Stage


@click.command()
@click.argument("stack", type=click.Choice([ACCOUNTS, JOURNAL]))
@click.option("--room", help="Only this room of the stack.")
@click.option("--segments", type=click.IntRange(1, 1000), default=4, show_default=True)
@click.option("--rate", type=click.FloatRange(1), help="Events or rows a second; else no limit.")
@click.option("--blue-green", is_flag=True, help="By new tables, which then replace the old ones.")
@click.pass_obj
def rebuild(
    stage: Stage | None,
    stack: str,
    room: str | None,
    segments: int,
    rate: float | None,
    blue_green: bool,
) -> None:
    """Makes every row of a stack's rooms what the events say.

    Projectors and readers go on meanwhile. Interrupted, it goes on where it was.
    """
    if blue_green and not settings().generations:
        raise click.UsageError("this stage looks for no other tables: set TWOFOLD_GENERATIONS=1")
    rooms = [each for each in ROOMS[stack] if room in (None, each.name)]
    if not rooms:
        names = ", ".join(each.name for each in ROOMS[stack])
        raise click.BadParameter(f"{stack} has the rooms {names}", param_hint="--room")
    name = settings().read_table_name(room or stack) + ("-blue-green" if blue_green else "")
    progress = Progress(settings().home / "rebuilds" / f"{name}.json", segments)
    if progress.resumed:
        click.echo(f"going on with what began at {progress.began}")
    scan = Scan(progress, Rate(rate))
    if blue_green:
        try:
            replace(scan, rooms, stage.tags if stage else {})
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    else:
        repair(scan, rooms)
    for what, count in progress.counts.items():
        click.echo(f"{count:>12,} {what}")
    for complaint in progress.complaints:
        click.echo(f"not rebuilt: {complaint}", err=True)
    progress.forget()
    if progress.complaints:
        raise SystemExit(1)
