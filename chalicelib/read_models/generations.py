"""Generations: a room's table can be filled anew beside the one that serves, and take its place.

There are two, `a` with the table's own name and `b`. A room's pointer says which one serves, and
into which ones is projected: both, while one is being replaced. Projectors look it up for every
batch; readers at least twice a minute. A stage that never replaces its tables looks nothing up:
see `generations` in the settings.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, GetError

from chalicelib.settings import settings
from chalicelib.tables import Table, response_code

FIRST, SECOND = "a", "b"

Project = Callable[[Sequence[Any]], None]
"""A room's projector, which takes recorded events."""

LOOK_SECONDS = 30.0
"""For so long may a reader be of the opinion that a generation serves."""

_name = settings().read_table_name
"""As for every table, fixed when its module is imported."""

_pinned: ContextVar[Mapping[str, str]] = ContextVar("_pinned")


class GenerationRow(Table):
    """The pointer of one room. The table is made when a room is replaced for the first time."""

    class Meta:
        table_name = settings().read_table_name("generations")
        billing_mode = "PAY_PER_REQUEST"

    room = UnicodeAttribute(hash_key=True)
    serving = UnicodeAttribute()
    written = UnicodeAttribute()


@dataclass(frozen=True)
class Pointer:
    """Which generation serves, and which are written, in their order."""

    serving: str = FIRST
    written: tuple[str, ...] = (FIRST,)


class Generations(type):
    """The metaclass of a `Meta` that names a `room` instead of a table."""

    room: str

    @property
    def table_name(cls) -> str:
        """The table of the generation that this code works on."""
        return table_of(cls.room, _generation_of(cls.room))


def table_of(room: str, generation: str) -> str:
    """The name of a room's table in a generation."""
    name = _name(room)
    return name if generation == FIRST else f"{name}_{generation}"


def pointer(room: str) -> Pointer:
    """A room's pointer as it is now."""
    try:
        row = GenerationRow.get(room, consistent_read=True)
    except DoesNotExist:
        return Pointer()
    except GetError as error:
        if response_code(error) != "ResourceNotFoundException":
            raise
        return Pointer()
    return Pointer(row.serving, tuple(row.written.split()))


def point(room: str, to: Pointer) -> None:
    """Lets a room's pointer say this from now on."""
    GenerationRow(room, serving=to.serving, written=" ".join(to.written)).save()


@contextmanager
def pinned(room: str, generation: str) -> Iterator[None]:
    """What is done to a room inside is done to this generation."""
    token = _pinned.set({**_pinned.get({}), room: generation})
    try:
        yield
    finally:
        _pinned.reset(token)


def into_each(room: str) -> Callable[[Project], Project]:
    """Lets a room's projector write every generation that is to be written."""

    def decorate(project: Project) -> Project:
        @wraps(project)
        def project_into_each(events: Sequence[Any]) -> None:
            if not settings().generations or room in _pinned.get({}):
                project(events)
                return
            for generation in pointer(room).written:
                with pinned(room, generation):
                    project(events)

        return project_into_each

    return decorate


def _generation_of(room: str) -> str:
    if not settings().generations:
        return _pinned.get({}).get(room, FIRST)
    return _pinned.get({}).get(room) or _serving(room, int(time.time() / LOOK_SECONDS))


@lru_cache(maxsize=8)
def _serving(room: str, _: int) -> str:
    return pointer(room).serving
