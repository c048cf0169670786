"""What tests feed: all read models, or stand-ins for a group of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.events.dead_letters import DeadLetterRow
from chalicelib.events.recorded import Recorded
from chalicelib.read_models.read_model import groups

READ_MODELS = [each for group in groups() for each in group.projected]

Project = Callable[[Sequence[Recorded]], None]


@dataclass(frozen=True)
class StandIn:
    """A read model that only has a projector."""

    name: str
    project: Project


@dataclass(frozen=True)
class StandInGroup:
    """A group of such, and where its dead letters go."""

    projected: Sequence[StandIn]
    dead_letters: type[DeadLetterRow]


def group_of(*projects: Project, dead_letters: type[DeadLetterRow], name: str) -> StandInGroup:
    """A group of projectors, all of which have this name."""
    return StandInGroup([StandIn(name, project) for project in projects], dead_letters)


def project_all(events: Sequence[Recorded]) -> None:
    """Projects events into all read models."""
    for each in READ_MODELS:
        each.project(events)


def forget_written() -> None:
    """Lets this process write rows again that it has written once: of tables that are gone."""
    for each in READ_MODELS:
        each.projection.forget()
