"""Takedown: one stage taken down, with its tables, but for the books."""

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
    """What to take down of a stage. `client_of` makes a client of a service in a region.

    `with_books` deletes the event table and the keys, `with_copies` the copies of its tables in
    other regions; without it they are named.
    """

    stage: Stage
    region: str
    client_of: Callable[[str, str], Any]
    with_books: bool
    with_copies: bool

    def plan(self) -> Iterator[str]:
        """What `run` would do, in lines for people."""
        state = self.stack.state()
        yield f"{self.stage.name}: {self._stack_words(state.status)}"
        for name in self._names():
            table = described(self.dynamodb, name)
            if table is None:
                continue
            yield f"  {'kept' if self._is_kept(name) else 'deleted'}: the table {name}"
            for region in copies(self.dynamodb, table):
                verb = "deleted" if self.with_copies else "kept"
                yield f"  {verb}: its copy in {region}"

    def run(self) -> Iterator[str]:
        """Takes the stage down; what it did, in lines for people. Raises a click error."""
        state = self.stack.state()
        yield f"{self.stage.name}: {self._stack_words(state.status)}"
        for left in self.stack.delete():
            yield f"  left, since it could not be deleted: {left}"
        for name in self._names():
            table = described(self.dynamodb, name)
            if table is None:
                continue
            yield from self._copies_of(name, copies(self.dynamodb, table))
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

    def _copies_of(self, name: str, regions: list[str]) -> Iterator[str]:
        if not regions:
            return
        if self.with_copies:
            delete_copies(lambda region: self.client_of("dynamodb", region), self.region, name)
            yield f"  deleted: the copies of {name} in {', '.join(regions)}"
        else:
            yield (
                f"  kept: the copies of {name} in {', '.join(regions)}, protected and paid for "
                "(--replicas deletes them)"
            )

    def _names(self) -> list[str]:
        return [*self.tables.others, *self.tables.books]

    def _is_kept(self, name: str) -> bool:
        return name in self.tables.books and not self.with_books

    def _stack_words(self, status: str | None) -> str:
        if status in (None, "DELETE_COMPLETE"):
            return f"there is no stack {self.stack.name}"
        return f"the stack {self.stack.name} ({status}) is deleted"
