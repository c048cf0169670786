"""Parked: what the projectors could not project, and projecting it when the cause is gone."""

from collections.abc import Iterator
from importlib import import_module

import click

from chalicelib.events.dead_letters import ParkedRow
from chalicelib.events.dead_letters import parked as rows_of
from chalicelib.events.dead_letters import redrive as redriven
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.stream import Stack
from chalicelib.events.table import EventItem
from chalicelib.settings import ACCOUNTS, JOURNAL

STACKS = click.Choice([ACCOUNTS, JOURNAL])


def stack_named(name: str) -> Stack:
    """The rooms of a stack, and where it parks."""
    stack = import_module(f"chalicelib.read_models.{name}").STACK
    assert isinstance(stack, Stack)
    return stack


@click.group()
def parked() -> None:
    """Shows what could not be projected."""


@parked.command("list")
@click.argument("stacks", nargs=-1, type=STACKS)
def list_(stacks: tuple[str, ...]) -> None:
    """Lists what is parked, each stream's events in their order."""
    count = 0
    for name in stacks or STACKS.choices:
        for row in rows_of(stack_named(name).parked):
            count += 1
            click.echo(f"{name} {row.place} {row.parked_at} {row.rooms}: {row.error}")
    click.echo(f"{count} parked")


@parked.command()
@click.argument("stack", type=STACKS)
@click.argument("place")
def show(stack: str, place: str) -> None:
    """Shows one parked record, and the event that it is about."""
    row = _row(stack, place)
    for name, value in row.to_simple_dict().items():
        click.echo(f"{name:10} {value}")
    for label, value in _event_of(row):
        click.echo(f"{label:10} {value}")


@parked.command()
@click.argument("stack", type=STACKS)
@click.argument("place")
def forget(stack: str, place: str) -> None:
    """Forgets a parked record: one that names no event, or whose event a rebuild has projected."""
    _row(stack, place).delete()
    click.echo(f"{place} is forgotten")


@click.command()
@click.argument("stacks", nargs=-1, type=STACKS)
@click.option("--stream", default="", help="Only the events of this stream.")
def redrive(stacks: tuple[str, ...], stream: str) -> None:
    """Projects what is parked, from the event table, in order. Safe to repeat."""
    done = 0
    left = 0
    for name in stacks or STACKS.choices:
        stack = stack_named(name)
        for row, error in redriven(stack.parked, stack.rooms, DynamoStore().read, stream):
            if error is None:
                done += 1
            else:
                left += 1
                click.echo(f"{name} {row.place}: {type(error).__name__}: {error}", err=True)
    click.echo(f"{done} projected, {left} still parked")
    if left:
        raise SystemExit(1)


def _row(stack: str, place: str) -> ParkedRow:
    stream = place.rpartition("#")[0]
    for row in rows_of(stack_named(stack).parked, stream):
        if row.place == place:
            return row
    raise click.ClickException(f"nothing is parked at {place}")


def _event_of(row: ParkedRow) -> Iterator[tuple[str, object]]:
    """What the event table says at that place."""
    try:
        item = EventItem.get(row.stream, row.version, consistent_read=True)
    except EventItem.DoesNotExist:
        yield "event", "is not in the event table"
        return
    for name in ("type", "recorded_at", "command_id", "actor", "data", "state"):
        yield name, getattr(item, name)
