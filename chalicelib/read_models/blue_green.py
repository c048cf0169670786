"""Blue-green tables: a read model's table is filled anew beside the active one, and replaces it.

A read model has up to two tables: `a`, with the table's own name, and `b`. A row says which one is
active, and which ones are written: both, while one is being replaced. Projectors read that row for
every batch; readers cache it for CACHE_SECONDS. A stage that never replaces its tables does not
read it: see `generations` in the settings.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, GetError

from chalicelib.settings import settings
from chalicelib.tables import ReadNamed, Table, is_renamed, renamed, response_code

FIRST, SECOND = "a", "b"

CACHE_SECONDS = 30.0
"""Readers cache the active table for up to this time."""


class ActiveRow(Table):
    """Which tables of a read model are in use. The table is made with the first replacement."""

    class Meta(metaclass=ReadNamed):
        name = "generations"

    room = UnicodeAttribute(hash_key=True)
    serving = UnicodeAttribute()
    written = UnicodeAttribute()


@dataclass(frozen=True)
class InUse:
    """The table that readers use, and those that projectors write, in their order."""

    active: str = FIRST
    written: tuple[str, ...] = (FIRST,)


class BlueGreen(ReadNamed):
    """The metaclass of the `Meta` of a table that can be replaced: its name is the active one's."""

    def current(self) -> str:
        """The real name of the active table."""
        if not settings().generations:
            return table_of(self.name, FIRST)
        return table_of(self.name, _active(self.name, int(time.time() / CACHE_SECONDS)))


def table_of(name: str, which: str) -> str:
    """The real name of one of a read model's two tables."""
    first = settings().read_table_name(name)
    return first if which == FIRST else f"{first}_{which}"


def in_use(name: str) -> InUse:
    """The tables of a read model that are in use now."""
    try:
        row = ActiveRow.get(name, consistent_read=True)
    except DoesNotExist:
        return InUse()
    except GetError as error:
        if response_code(error) != "ResourceNotFoundException":
            raise
        return InUse()
    return InUse(row.serving, tuple(row.written.split()))


def use(name: str, tables: InUse) -> None:
    """From now on these tables of a read model are in use."""
    ActiveRow(name, serving=tables.active, written=" ".join(tables.written)).save()


def at_table(name: str, which: str) -> AbstractContextManager[None]:
    """Inside the block a read model's table is this one of its two."""
    return renamed(name, table_of(name, which))


def into_each_written(name: str, project: Callable[[], None]) -> None:
    """Calls a projector once for every table of its read model that is to be written."""
    if not settings().generations or is_renamed(name):
        project()
        return
    for which in in_use(name).written:
        with at_table(name, which):
            project()


@lru_cache(maxsize=16)
def _active(name: str, _: int) -> str:
    return in_use(name).active
