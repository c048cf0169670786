"""Dead letters: what the projectors could not project, and projecting it when the cause is gone."""

from collections.abc import Iterator

import click

from chalicelib.events import dead_letters as letters
from chalicelib.events.dead_letters import DeadLetterRow
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.table import EventItem
from chalicelib.read_models.read_model import group_named
from chalicelib.settings import READ_APIS

GROUPS = click.Choice(READ_APIS)


@click.group("dead-letters")
def dead_letters() -> None:
    """Shows what could not be projected."""


parked = dead_letters
"""The command's former name."""


@dead_letters.command("list")
@click.argument("groups", nargs=-1, type=GROUPS)
def list_(groups: tuple[str, ...]) -> None:
    """Lists the dead letters, each stream's events in their order."""
    count = 0
    for name in groups or GROUPS.choices:
        for row in letters.stored(group_named(name).dead_letters):
            count += 1
            click.echo(f"{name} {row.place} {row.parked_at} {row.rooms}: {row.error}")
    click.echo(f"{count} dead letters")


@dead_letters.command()
@click.argument("group", type=GROUPS)
@click.argument("place")
def show(group: str, place: str) -> None:
    """Shows one dead letter, and the event that it is about."""
    row = _row(group, place)
    for name, value in row.to_simple_dict().items():
        click.echo(f"{name:10} {value}")
    for label, value in _event_of(row):
        click.echo(f"{label:10} {value}")


@dead_letters.command()
@click.argument("group", type=GROUPS)
@click.argument("place")
def forget(group: str, place: str) -> None:
    """Deletes a dead letter: one that names no event, or whose event a rebuild has projected."""
    _row(group, place).delete()
    click.echo(f"{place} is forgotten")


@click.command()
@click.argument("groups", nargs=-1, type=GROUPS)
@click.option("--stream", default="", help="Only the events of this stream.")
def redrive(groups: tuple[str, ...], stream: str) -> None:
    """Projects dead letters from the event table, in order. Safe to repeat."""
    done = 0
    left = 0
    for name in groups or GROUPS.choices:
        group, read = group_named(name), DynamoStore().read
        for row, error in letters.redrive(group.dead_letters, group.projected, read, stream):
            if error is None:
                done += 1
            else:
                left += 1
                click.echo(f"{name} {row.place}: {type(error).__name__}: {error}", err=True)
    click.echo(f"{done} projected, {left} still dead letters")
    if left:
        raise SystemExit(1)


def _row(group: str, place: str) -> DeadLetterRow:
    stream = place.rpartition("#")[0]
    for row in letters.stored(group_named(group).dead_letters, stream):
        if row.place == place:
            return row
    raise click.ClickException(f"there is no dead letter {place}")


def _event_of(row: DeadLetterRow) -> Iterator[tuple[str, object]]:
    """What the event table says at that place."""
    try:
        item = EventItem.get(row.stream, row.version, consistent_read=True)
    except EventItem.DoesNotExist:
        yield "event", "is not in the event table"
        return
    for name in ("type", "recorded_at", "command_id", "actor", "data", "state"):
        yield name, getattr(item, name)
