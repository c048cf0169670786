"""Executed: what became of a command, and the event that answers it."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.commands.attempt import Run, UnitOfWork
from chalicelib.commands.deciding import Command, subject
from chalicelib.domain.transaction.commands import NewTransaction, Resolving
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import EventStore


@dataclass(frozen=True)
class Executed:
    """What became of a command: the event that answers it, on the stream that it was about.

    `stripes` has the newest events of the account's stripes, if it was about one that has any.
    `replayed` says that it was done before, and that this is the answer again.
    """

    recorded: Recorded
    stripes: Sequence[Recorded] = ()
    replayed: bool = False


def answers_of(run: Run, unit: UnitOfWork, store: EventStore) -> list[Executed]:
    """What became of each command of a run, once this unit is written. Raises Busy."""
    return [
        Executed(
            recorded or _first_answer(command, unit, store),
            unit.stripes(subject(command)),
            replayed=recorded is None,
        )
        for command, recorded in zip(run.commands, unit.done, strict=True)
    ]


def _first_answer(command: Command, unit: UnitOfWork, store: EventStore) -> Recorded:
    """What answered the command when it was done: an account answers as it is now, a new
    transaction with its first event, for ever, and a hold with the one that resolved it.
    """
    head = unit.heads[subject(command)]
    then = head.version
    if isinstance(command, NewTransaction):
        then = 1
    elif isinstance(command, Resolving):
        then = min(2, head.version)
    return head if then == head.version else store.read(head.stream, then)
