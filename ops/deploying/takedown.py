"""Takedown: one stage taken down with its tables, except the books."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ops.deploying.adoption import described
from ops.deploying.stacks import Stack
from ops.deploying.tables import (
    StageTables,
    copies,
    delete_copies,
    delete_table,
    forget_pointers,
    tables_of,
)
from ops.stages import Stage


@dataclass(frozen=True)
class Takedown:
    """The takedown of a stage. `client_of` makes a client of a service in a region.

    `with_books` deletes the event table and the keys, `with_copies` the copies of its tables in
    other regions; without it they are named.
    """

    stage: Stage
    region: str
    client_of: Callable[[str, str], Any]
    with_books: bool
    with_copies: bool

    def document(self) -> dict[str, Any]:
        """What `run` would do, as a JSON object: its stack, and the tables it deletes and keeps.

        A table is named with the regions of its copies.
        """
        status = self.stack.state().status
        tables = dict(self._tables())
        return {
            "stage": self.stage.name,
            "stack": self.stack.name,
            "status": None if status == "DELETE_COMPLETE" else status,
            "deleted": {name: tables[name] for name in tables if not self._is_kept(name)},
            "kept": {name: tables[name] for name in tables if self._is_kept(name)},
        }

    def plan(self) -> Iterator[str]:
        """What `run` would do, line by line."""
        yield self._stack_line()
        for name, regions in self._tables():
            yield f"  {'kept' if self._is_kept(name) else 'deleted'}: the table {name}"
            for region in regions:
                yield f"  {'deleted' if self.with_copies else 'kept'}: its copy in {region}"

    def run(self) -> Iterator[str]:
        """Takes the stage down; what it did, line by line. Raises a click error."""
        yield self._stack_line()
        for left in self.stack.delete():
            yield f"  left, since it could not be deleted: {left}"
        for name, regions in self._tables():
            yield from self._copies_of(name, regions)
            if self._is_kept(name):
                yield f"  kept: the table {name}"
            else:
                delete_table(self.dynamodb, name)
                yield f"  deleted: the table {name}"
        forget_pointers(self.dynamodb, self.tables)

    @cached_property
    def dynamodb(self) -> Any:
        """A client of DynamoDB in the stage's region."""
        return self.client_of("dynamodb", self.region)

    @cached_property
    def stack(self) -> Stack:
        """The stage's stack."""
        return Stack(self.stage.stack, self.client_of("cloudformation", self.region), self.dynamodb)

    @cached_property
    def tables(self) -> StageTables:
        """The names of its tables."""
        return tables_of(self.stage)

    def _tables(self) -> Iterator[tuple[str, list[str]]]:
        """The existing tables, and the other regions that hold a copy of each."""
        for name in (*self.tables.others, *self.tables.books):
            table = described(self.dynamodb, name)
            if table is not None:
                yield name, copies(self.dynamodb, table)

    def _copies_of(self, name: str, regions: list[str]) -> Iterator[str]:
        where = f"the copies of {name} in {', '.join(regions)}"
        if regions and self.with_copies:
            delete_copies(lambda region: self.client_of("dynamodb", region), self.region, name)
            yield f"  deleted: {where}"
        elif regions:
            yield f"  kept: {where}, protected and paid for (--replicas deletes them)"

    def _is_kept(self, name: str) -> bool:
        return name in self.tables.books and not self.with_books

    def _stack_line(self) -> str:
        status = self.stack.state().status
        if status in (None, "DELETE_COMPLETE"):
            return f"{self.stage.name}: there is no stack {self.stack.name}"
        return f"{self.stage.name}: the stack {self.stack.name} ({status}) is deleted"
