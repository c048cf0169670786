"""What a read model declares of itself, and the group of read models that one projector feeds.

Wiring, policies, templates, audit, rebuild and the API's description derive from this declaration.
A read model is a folder that exports one `READ_MODEL`, and a line in its group.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from chalicelib.events.recorded import Recorded, Stream
from chalicelib.settings import READ_APIS
from chalicelib.tables import Table

if TYPE_CHECKING:
    from chalicelib.events.dead_letters import DeadLetterRow

Item = Mapping[str, Mapping[str, Any]]
"""A row's attributes, or those of its key, as DynamoDB writes them: `{"version": {"N": "1"}}`."""

Earlier = Callable[[int], Recorded | None]
"""The event with this version, of the same stream. Raises UnknownEvent."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """The DynamoDB actions that Lambdas need on a read model's table.

    The query Lambda may also read its indexes. `sweep` names the index that lists holds to expire.
    """

    projector: Sequence[str] = ()
    query: Sequence[str] = ("GetItem", "Query")
    sweep: str | None = None


@dataclass(frozen=True, kw_only=True)
class SharedRows:
    """Rows that several streams ask for, such as a row per day. They have no version.

    `row` is the row that must stand in a row's place, None if its key is none of this read model.
    `is_asked_for` says whether a stream asks for a row; it is given what reads the newest event of
    a stream. `may_come` says whether a stream may be about to ask for it. `lists` and `orphan` are
    words for a finding: "a day", "a day without transactions".
    """

    is_shared: Callable[[Item], bool]
    row: Callable[[Item], Any]
    ledger: Callable[[Item], str]
    is_asked_for: Callable[[Item, Callable[[Stream], Recorded | None]], bool]
    may_come: Callable[[Item], bool] = lambda _: False
    lists: str
    orphan: str


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Rows that add up accounts' rows of the same table, each written in one transaction with them.

    `of` is the key of the sum that an account adds to: by its stream and asset. `counts` are the
    attributes that add up, and `newest` is the one of which the greatest counts.
    """

    is_sum: Callable[[Item], bool]
    of: Callable[[Stream, str], tuple[str, str]]
    counts: Sequence[str] = ("version", "debits", "credits")
    newest: str = "as_of"


@dataclass(frozen=True, kw_only=True)
class Projection:
    """How a read model is made of the events of streams of one `kind`.

    `rows` are the rows of an event, by which audit and rebuild judge what is stored. Where a row
    also says what an earlier event of the stream set, that event is read; without a way to do so,
    the row is what the event alone writes. `origin` is the stream that a row is of, and for a
    row of a `history` the version; None of other rows, and where it is given the hash key alone. It
    raises ValueError, KeyError or UnknownEvent for a row that is of none.

    A `history` keeps the rows of earlier events too: all rows of a partition are of one stream, in
    the order of its events, and of events with the same key the last one counts. `forget` empties
    what the process remembers to have written. `holds` says whether an account of this ledger and
    asset has a row. `heads` are the newest versions of a ledger's accounts, or of the stripes of
    the account that is named.
    """

    kind: str
    project: Callable[[Sequence[Recorded]], None]
    rows: Callable[[Recorded, Earlier | None], Sequence[Any]]
    origin: Callable[[Item], tuple[Stream, int | None]]
    history: bool = False
    shared: SharedRows | None = None
    sums: Sums | None = None
    forget: Callable[[], None] = lambda: None
    holds: Callable[[str, str], bool] | None = None
    heads: Callable[[str, str | None], Iterator[tuple[Stream, int]]] | None = None


@dataclass(frozen=True)
class ReadModel:
    """A read model: where its parts are, loaded by whoever needs them, and what its Lambdas may do.

    Parts are named `module:object`, relative to the package: a projector Lambda loads no routes,
    and a query Lambda no projector. A read model without a projection is written by the operator. A
    `derived` one is judged by the rows of others; it is fed before them.
    """

    package: str
    table_at: str
    access: Access
    projection_at: str | None = "projector:PROJECTION"
    routes_at: str | None = None
    named: str = ""
    derived: bool = False

    @property
    def name(self) -> str:
        """Its name, which is also the short name of its table."""
        return self.named or self.package.rpartition(".")[2]

    @cached_property
    def table(self) -> type[Table]:
        """The model of its table."""
        table: type[Table] = self._load(self.table_at)
        return table

    @cached_property
    def routes(self) -> Any:
        """The blueprint of its routes; None if it has none."""
        return self.routes_at and self._load(self.routes_at)

    @cached_property
    def projection(self) -> Projection:
        """How it is made of events."""
        assert self.projection_at is not None, f"{self.name} is not made of events"
        projection = self._load(self.projection_at)
        assert isinstance(projection, Projection)
        return projection

    def project(self, events: Sequence[Recorded]) -> None:
        """Brings its rows up to these events, in each of its tables that is to be written."""
        from chalicelib.read_models.blue_green import into_each_written

        into_each_written(self.name, lambda: self.projection.project(events))

    def _load(self, part: str) -> Any:
        module, _, name = part.partition(":")
        return getattr(import_module(f"{self.package}.{module}"), name)


@dataclass(frozen=True)
class ProjectionGroup:
    """Read models that one projector feeds, and one Read API serves.

    They are listed by folder, of which each exports a READ_MODEL, or as `module:object`.
    """

    name: str
    listed: tuple[str, ...]

    @cached_property
    def read_models(self) -> tuple[ReadModel, ...]:
        """The read models in the order of the list."""
        return tuple(_read_model(each) for each in self.listed)

    @cached_property
    def projected(self) -> tuple[ReadModel, ...]:
        """Those that are made of events."""
        return tuple(each for each in self._derived_first() if each.projection_at)

    @cached_property
    def dead_letters(self) -> "type[DeadLetterRow]":
        """The table of what could not be projected."""
        from chalicelib.events.dead_letters import table_of_group

        return table_of_group(self.name)

    @property
    def tables(self) -> tuple[type[Table], ...]:
        """All tables of the group."""
        return (*(each.table for each in self.read_models), self.dead_letters)

    @property
    def routes(self) -> list[Any]:
        """The blueprints of the Read API, without repetition."""
        return list(dict.fromkeys(each.routes for each in self._derived_first() if each.routes_at))

    def _derived_first(self) -> list[ReadModel]:
        return sorted(self.read_models, key=lambda each: not each.derived)

    def holds(self, ledger: str, asset: str) -> bool:
        """Whether an account of this ledger and asset has a row; True where nothing can tell."""
        tellers = [each.projection.holds for each in self.projected if each.projection.holds]
        return not tellers or any(holds(ledger, asset) for holds in tellers)

    def function(self, name: str) -> Any:
        """The Lambda `project_{group}` or `watch_{group}`, or their blueprint, `projector`.

        Raises AttributeError for any other name.
        """
        from chalicelib.read_models.feeding import functions_of

        if name not in ("projector", f"project_{self.name}", f"watch_{self.name}"):
            raise AttributeError(name)
        return functions_of(self)[name]


def _read_model(listed: str) -> ReadModel:
    module, _, name = listed.partition(":")
    read_model = getattr(import_module(f"chalicelib.read_models.{module}"), name or "READ_MODEL")
    assert isinstance(read_model, ReadModel)
    return read_model


def group_named(name: str) -> ProjectionGroup:
    """The projection group that serves this Read API."""
    group = import_module(f"chalicelib.read_models.{name}").GROUP
    assert isinstance(group, ProjectionGroup)
    return group


def groups() -> list[ProjectionGroup]:
    """All projection groups."""
    return [group_named(name) for name in READ_APIS]
