"""Dead letters: what the projectors could not project, and projecting it when the cause is gone."""

from collections.abc import Iterator
from typing import Any

import click

from chalicelib.events import dead_letters as letters
from chalicelib.events.dead_letters import DeadLetterRow
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Stream
from chalicelib.events.table import EventItem
from chalicelib.read_models.read_model import group_named
from chalicelib.settings import READ_APIS
from ops.answers import Answer, answers, counted, dry_run

GROUPS = click.Choice(READ_APIS)


@click.group("dead-letters")
def dead_letters() -> None:
    """Shows the events that could not be projected."""


parked = dead_letters
"""The command's former name."""


@dead_letters.command("list")
@click.argument("groups", nargs=-1, type=GROUPS)
@answers
def list_(groups: tuple[str, ...]) -> Answer:
    """Lists the dead letters, each stream's events in their order."""
    found = [(name, row) for name in _named(groups) for row in _stored(name)]
    lines = [
        f"{name}  {row.place}  {row.parked_at}\n    {row.rooms}: {row.error}" for name, row in found
    ]
    document = {"dead_letters": [_document(name, row) for name, row in found]}
    return Answer(document, [*lines, counted(len(found), "dead letter")])


@dead_letters.command()
@click.argument("group", type=GROUPS)
@click.argument("place")
@answers
def show(group: str, place: str) -> Answer:
    """Shows one dead letter, and the event that it is about."""
    row = _row(group, place)
    letter, event = _document(group, row), _event_of(row)
    texts = {**letter, "read_models": row.rooms}
    texts |= event or {"event": "is not in the event table"}
    lines = [f"{name:<12}  {value}" for name, value in texts.items()]
    return Answer({"dead_letter": letter, "event": event}, lines)


@dead_letters.command()
@click.argument("group", type=GROUPS)
@click.argument("place")
@dry_run()
def forget(group: str, place: str, dry_run: bool) -> None:
    """Deletes one dead letter.

    For one that names no event, or whose event a rebuild has projected.
    """
    row = _row(group, place)
    if dry_run:
        click.echo(f"1 dead letter would be forgotten: {place}")
        return
    row.delete()
    click.echo(f"{place} is forgotten")


@click.command()
@click.argument("groups", nargs=-1, type=GROUPS)
@click.option("--stream", default="", help="Only the events of this stream.")
@dry_run()
@answers
def redrive(groups: tuple[str, ...], stream: str, dry_run: bool) -> Answer:
    """Projects dead letters from the event table, in order. Safe to repeat.

    A dry run says which events can be read; whether they can be projected is not known before.
    """
    done, failed = 0, []
    for name in _named(groups):
        tried = _readable(name, stream) if dry_run else _projected(name, stream)
        for row, error in tried:
            if error is None:
                done += 1
                continue
            failed.append({**_document(name, row), "error": f"{type(error).__name__}: {error}"})
            click.echo(f"{name} {row.place}: {failed[-1]['error']}", err=True)
    words = ("would be projected", "cannot be read") if dry_run else _DONE
    document = {"dry_run": dry_run, "projected": done, "failed": failed}
    return Answer(document, [f"{done} {words[0]}, {len(failed)} {words[1]}"], int(bool(failed)))


_DONE = ("projected", "still dead letters")

Tried = Iterator[tuple[DeadLetterRow, Exception | None]]
"""Dead letters, each with the error that remains, if any."""


def _projected(group: str, stream: str) -> Tried:
    found, read = group_named(group), DynamoStore().read
    return letters.redrive(found.dead_letters, found.projected, read, stream)


def _readable(group: str, stream: str) -> Tried:
    """Reads the events of dead letters and changes nothing."""
    for row in _stored(group, stream):
        try:
            DynamoStore().read(Stream.parse(row.stream), row.version)
        except Exception as error:  # noqa: BLE001  # Any error is reported, as by a redrive.
            yield row, error
        else:
            yield row, None


def _named(groups: tuple[str, ...]) -> tuple[str, ...]:
    return groups or tuple(GROUPS.choices)


def _stored(group: str, stream: str = "") -> Iterator[DeadLetterRow]:
    return letters.stored(group_named(group).dead_letters, stream)


def _row(group: str, place: str) -> DeadLetterRow:
    for row in _stored(group, place.rpartition("#")[0]):
        if row.place == place:
            return row
    raise click.ClickException(f"there is no dead letter {place}")


def _document(group: str, row: DeadLetterRow) -> dict[str, Any]:
    return {
        "group": group,
        "place": row.place,
        "stream": row.stream,
        "version": row.version,
        "read_models": row.rooms.split(", ") if row.rooms else [],
        "error": row.error,
        "parked_at": row.parked_at,
        "newest_at": row.newest_at,
    }


def _event_of(row: DeadLetterRow) -> dict[str, str] | None:
    """The event of a dead letter as the event table has it, if it has."""
    if not row.stream:
        return None
    try:
        item = EventItem.get(row.stream, row.version, consistent_read=True)
    except EventItem.DoesNotExist:
        return None
    names = ("type", "recorded_at", "command_id", "actor", "data", "state")
    return {name: getattr(item, name) for name in names}
