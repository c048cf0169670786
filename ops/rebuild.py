"""Rebuild: a projection group's read models made right from the events, while all goes on."""

import click

from chalicelib.settings import ACCOUNTS, JOURNAL, settings
from ops.rebuilding.bluegreen import replace
from ops.rebuilding.inplace import repair
from ops.rebuilding.passes import PAGE, Passes
from ops.rebuilding.progress import Progress
from ops.stages import Stage
from ops.verifying.read_models import GROUPS
from ops.verifying.scanning import RateLimiter, Scanner, progress_bars


@click.command()
@click.argument("group", type=click.Choice([ACCOUNTS, JOURNAL]))
@click.option("--read-model", "--room", "only", help="Only this read model of the group.")
@click.option("--segments", type=click.IntRange(1, 1000), default=4, show_default=True)
@click.option("--rate", type=click.FloatRange(1), help="Events or rows a second; else no limit.")
@click.option("--blue-green", is_flag=True, help="By new tables, which then replace the old ones.")
@click.pass_obj
def rebuild(
    stage: Stage | None,
    group: str,
    only: str | None,
    segments: int,
    rate: float | None,
    blue_green: bool,
) -> None:
    """Makes every row of a projection group's read models what the events say.

    Projectors and readers go on meanwhile. Interrupted, it goes on where it was.
    """
    if blue_green and not settings().generations:
        raise click.UsageError("this stage looks for no other tables: set TWOFOLD_GENERATIONS=1")
    models = [each for each in GROUPS[group] if only in (None, each.name)]
    if not models:
        names = ", ".join(each.name for each in GROUPS[group])
        raise click.BadParameter(f"{group} has the read models {names}", param_hint="--read-model")
    name = settings().read_table_name(only or group) + ("-blue-green" if blue_green else "")
    progress = Progress(settings().home / "rebuilds" / f"{name}.json", segments)
    if progress.resumed:
        click.echo(f"going on with what began at {progress.began}")
    with progress_bars(quiet=False) as bars:
        scanner = Scanner(progress.segments, RateLimiter(rate), bars, page=PAGE)
        passes = Passes(scanner, progress)
        if blue_green:
            try:
                replace(passes, models, stage.tags if stage else {})
            except ValueError as error:
                raise click.ClickException(str(error)) from error
        else:
            repair(passes, models)
    for what, count in progress.counts.items():
        click.echo(f"{count:>12,} {what}")
    for complaint in progress.complaints:
        click.echo(f"not rebuilt: {complaint}", err=True)
    progress.forget()
    if progress.complaints:
        raise SystemExit(1)
