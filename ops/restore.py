"""Restore: the event table back to a past moment, and the read side rebuilt from it."""

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from subprocess import PIPE

import click

from chalicelib.events.table import EventItem
from chalicelib.settings import WRITE, read_again, settings
from ops.answers import Answer, answers, dry_run
from ops.packaging import chosen
from ops.processes import region_variables, run_ops
from ops.restoring import readside, record
from ops.restoring.cloud import Cloud
from ops.restoring.steps import Restore, RunIn
from ops.schema import definition
from ops.stages import Stage, required
from ops.template import tables_of

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def moment(_: click.Context, __: click.Parameter, text: str | None) -> datetime | None:
    """The instant in UTC, to the second, that a text names. Raises a click error."""
    if text is None:
        return None
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError(text)
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise click.BadParameter(f"{text} is not like 2026-11-25T12:00:00Z") from None


@click.command()
@click.option("--environment", default="prod", show_default=True)
@click.option("--at", callback=moment, help="The moment, in UTC: 2026-11-25T12:00:00Z.")
@dry_run("--plan")
@click.option("--keep-copy", is_flag=True, help="Keeps the table that the moment is restored into.")
@click.option(
    "--abandon", is_flag=True, help="Opens the writers as they were; nothing is restored."
)
@answers
def restore(
    environment: str, at: datetime | None, dry_run: bool, keep_copy: bool, abandon: bool
) -> Answer:
    """Restores an environment's event table to a past moment.

    Stops the writers, restores, cuts torn commits, audits, replaces the table, rebuilds the read
    side, audits, and opens again. Interrupted, the same command goes on where it was.
    """
    found = chosen(environment)
    run_in = runner(dict(os.environ))
    writer = next((stage for stage in found if WRITE in stage.serves), found[0])
    os.environ.update({**writer.variables, **region_variables(writer.region)})
    read_again()
    cloud, home = Cloud(), settings().home
    under_way = record.found(environment, home)
    if at is None and under_way is None and not abandon:
        raise click.UsageError("say to which moment: --at 2026-11-25T12:00:00Z")
    if at is None or abandon:
        if under_way is None:
            raise click.ClickException(f"no restore of {environment} is under way")
        now = under_way
    else:
        now = record.begun(environment, at, home, cloud.now())
    work = Restore(
        cloud=cloud,
        stages=found,
        record=now,
        definition=definition(EventItem, writer.tags, writer.kms_key),
        run_in=run_in,
        keep_copy=keep_copy,
    )
    if dry_run:
        work.plan()
    elif abandon:
        work.abandon()
    else:
        work.run()
    steps = [
        {"name": step.name, "words": step.words, "done": now.is_done(step.name)}
        for step in work.steps()
    ]
    return Answer({"environment": environment, "at": now.at, "dry_run": dry_run, "steps": steps})


@click.command(hidden=True)
@click.pass_obj
def empty(stage: Stage | None) -> None:
    """Empties the read tables of a stage, which `rebuild` fills again."""
    stage = required(stage)
    readside.empty(Cloud(), stage, tables_of(stage))


def runner(environment: Mapping[str, str]) -> RunIn:
    """Runs commands of `ops` for a stage, in processes with this environment; their output.

    Raises a click error with the output where a command fails, except an audit with findings.
    """

    def run(stage: Stage, arguments: Sequence[str]) -> str:
        done = run_ops(stage, *arguments, environment=environment, stdout=PIPE)
        if done.returncode and not (arguments[0] == "audit" and done.stdout.startswith("{")):
            raise click.ClickException(f"ops {' '.join(arguments)} of {stage.name}: {done.stdout}")
        return str(done.stdout)

    return run
