"""Blue-green tables: a second table of a read model is filled, and replaces the active one.

A read model has up to two tables: `a`, with the table's own name, and `b`. An ActiveRow says which
one is active, and which ones are written: both, during a replacement. Projectors read that row for
every batch, readers cache it for CACHE_SECONDS, and a stage without the setting `generations` does
not read it.
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
    """The tables of a read model that are in use. The first replacement creates this table."""

    class Meta(metaclass=ReadNamed):
        name = "generations"

    room = UnicodeAttribute(hash_key=True)
    serving = UnicodeAttribute()
    written = UnicodeAttribute()


@dataclass(frozen=True)
class InUse:
    """The table that readers use, and those that projectors write, in order."""

    active: str = FIRST
    written: tuple[str, ...] = (FIRST,)


class BlueGreen(ReadNamed):
    """The metaclass of `Meta` for a table that can be replaced: resolves to the active table."""

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
    except (DoesNotExist, GetError) as error:
        if isinstance(error, GetError) and response_code(error) != "ResourceNotFoundException":
            raise
        return InUse()
    return InUse(row.serving, tuple(row.written.split()))


def use(name: str, tables: InUse) -> None:
    """Stores which tables of a read model are in use."""
    ActiveRow(name, serving=tables.active, written=" ".join(tables.written)).save()


def at_table(name: str, which: str) -> AbstractContextManager[None]:
    """Inside the block a read model's table is this one of its two, `a` or `b`."""
    return renamed(name, table_of(name, which))


def into_each_written(name: str, project: Callable[[], None]) -> None:
    """Calls `project` once for every table of the read model that is in use for writing."""
    if not settings().generations or is_renamed(name):
        project()
        return
    for which in in_use(name).written:
        with at_table(name, which):
            project()


@lru_cache(maxsize=16)
def _active(name: str, _: int) -> str:
    return in_use(name).active
