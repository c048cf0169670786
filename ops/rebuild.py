"""Rebuild: corrects a projection group's read models from the events, under live traffic."""

from collections.abc import Mapping, Sequence

import click

from chalicelib.events.table import EventItem
from chalicelib.read_models.read_model import ReadModel
from chalicelib.settings import ACCOUNTS, JOURNAL, settings
from ops.answers import Answer, answers, dry_run
from ops.bars import progress_bars
from ops.rebuilding import inplace
from ops.rebuilding.bluegreen import replace
from ops.rebuilding.passes import Passes
from ops.rebuilding.progress import Progress
from ops.stages import Stage
from ops.verifying.raw import name_of
from ops.verifying.read_models import GROUPS
from ops.verifying.scanning import MOST_SEGMENTS, items_of
from ops.workers import processes_for, processes_option, workers
from ops.workplace import workplace

_COUNTS = {
    "rows": "rows",
    "rows_corrected": "rows corrected",
    "rows_proved": "rows proved",
    "events": "events",
    "events_projected": "events projected into a read model",
    "sums_corrected": "sums corrected",
}
"""What is counted, by its key in the document."""


@click.command()
@click.argument("group", type=click.Choice([ACCOUNTS, JOURNAL]))
@click.option("--read-model", "--room", "only", help="Only this read model of the group.")
@processes_option
@click.option(
    "--segments",
    type=click.IntRange(1, MOST_SEGMENTS),
    help="Parts of a scan, which processes share. Default: one for each 50,000 items.",
)
@click.option("--rate", type=click.FloatRange(1), help="Events or rows a second; else no limit.")
@click.option("--blue-green", is_flag=True, help="By new tables, which then replace the old ones.")
@dry_run()
@answers
@click.pass_obj
def rebuild(
    stage: Stage | None,
    group: str,
    only: str | None,
    processes: int | None,
    segments: int | None,
    rate: float | None,
    blue_green: bool,
    dry_run: bool,
) -> Answer:
    """Makes every row of a projection group's read models what the events say.

    Projectors and readers go on meanwhile. If it is interrupted, the same command continues it
    within a day. A dry run reads as much as a rebuild, and counts what is wrong now.
    """
    if blue_green and not settings().generations:
        raise click.UsageError("this stage looks for no other tables: set TWOFOLD_GENERATIONS=1")
    models = [each for each in GROUPS[group] if only in (None, each.name)]
    if not models:
        names = ", ".join(each.name for each in GROUPS[group])
        raise click.BadParameter(f"{group} has the read models {names}", param_hint="--read-model")
    name = settings().read_table_name(only or group) + ("-blue-green" if blue_green else "")
    path = None if dry_run else settings().home / "rebuilds" / name
    number = processes or processes_for(items_of(name_of(EventItem)))
    with (
        workplace(path, shared=False) as folder,
        progress_bars() as bars,
        workers(number) as crew,
    ):
        progress = Progress(folder)
        if progress.resumed:
            click.echo(f"continuing the rebuild that began at {progress.began}")
        passes = Passes(crew, progress, bars, number, segments, rate and rate / number)
        if blue_green and not dry_run:
            try:
                replace(passes, models, stage.tags if stage else {})
            except ValueError as error:
                raise click.ClickException(str(error)) from error
        else:
            (inplace.count if dry_run else inplace.repair)(passes, models)
        counts, complaints = progress.counts, progress.complaints
    for complaint in complaints:
        click.echo(f"not rebuilt: {complaint}", err=True)
    return _answer(group, models, counts, complaints, dry_run=dry_run)


def _answer(
    group: str,
    models: Sequence[ReadModel],
    counts: Mapping[str, int],
    complaints: Sequence[str],
    *,
    dry_run: bool,
) -> Answer:
    document = {
        "group": group,
        "read_models": [model.name for model in models],
        "dry_run": dry_run,
        **{key: counts.get(what, 0) for key, what in _COUNTS.items()},
        "complaints": complaints,
    }
    lines = [
        f"{counts[what]:>12,} {_in_words(what, dry_run=dry_run)}"
        for what in _COUNTS.values()
        if what in counts
    ]
    return Answer(document, lines, int(bool(complaints)))


def _in_words(what: str, *, dry_run: bool) -> str:
    things, _, done = what.partition(" ")
    return f"{things} would be {done}" if dry_run and done else what
