"""The declaration of a read model, and of the projection group that it belongs to.

Wiring, policies, templates, audit, rebuild and the API's description derive from it. To add a read
model, add a folder that exports one `READ_MODEL`, and list it in its group.
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
class SharedRows:
    """Rows that several streams share, such as a row per day. They have no version.

    `row` is the expected row for a stored one, or None. `is_asked_for` says whether any stream
    needs a row; its second argument reads the newest event of a stream. `may_come` says whether
    such an event may arrive at any moment. `lists` and `orphan` are words for findings.
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
    """Rows that sum accounts' rows of the same table, written in one transaction with them.

    `of` returns the key of the sum for an account's stream and asset. `counts` are the attributes
    that are added; `newest` is the attribute whose maximum is kept.
    """

    is_sum: Callable[[Item], bool]
    of: Callable[[Stream, str], tuple[str, str]]
    counts: Sequence[str] = ("version", "debits", "credits")
    newest: str = "as_of"


@dataclass(frozen=True, kw_only=True)
class Projection:
    """How a read model is derived from the events of streams of one `kind`.

    `rows` returns the expected rows after an event; without a reader of earlier events, only what
    the event itself writes. `origin` returns the stream of a row and, for a `history`, its version
    if the range key is given; it raises ValueError, KeyError or UnknownEvent if there is none.

    A `history` keeps a row per event; a partition has one stream, in the order of its events. Of
    events with the same key the last one is kept. `forget` clears the process's cache of written
    rows. `holds` says whether an account of a ledger and asset has a row. `heads` returns the
    stored versions of a ledger's accounts, or of an account's stripes.
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
    """A read model: the names of its parts, and the DynamoDB actions that its Lambdas need.

    Parts are named `module:object`, relative to the package, and loaded when used: a projector
    Lambda loads no routes, a query Lambda no projector. Without a projection, `ops` writes the
    table. A `derived` read model is verified against the rows of others, and fed before them.

    The query Lambda may also query indexes, and the sweep the `sweep_index`, which lists holds.

    For the status of a ledger, `progress_at` says how far its rows have come, as a Progress, and
    `audit_at` what the last audit found, as a LastAudit or None.
    """

    package: str
    table_at: str
    projection_at: str | None = "projector:PROJECTION"
    routes_at: str | None = "routes:routes"
    projector_actions: Sequence[str] = ()
    query_actions: Sequence[str] = ("GetItem", "Query")
    sweep_index: str | None = None
    progress_at: str | None = None
    audit_at: str | None = None
    named: str = ""
    derived: bool = False

    @property
    def name(self) -> str:
        """The name, which is also the short name of the table."""
        return self.named or self.package.rpartition(".")[2]

    @cached_property
    def table(self) -> type[Table]:
        """The model of the table."""
        table: type[Table] = self._load(self.table_at)
        return table

    @cached_property
    def routes(self) -> Any:
        """The blueprint of the routes, if any."""
        return self.routes_at and self._load(self.routes_at)

    @cached_property
    def projection(self) -> Projection:
        """The projection. Only for read models that have one."""
        assert self.projection_at is not None, f"{self.name} has no projection"
        projection = self._load(self.projection_at)
        assert isinstance(projection, Projection)
        return projection

    def progress(self, ledger: str) -> Any:
        """How far the rows of a ledger have come. Only with `progress_at`."""
        assert self.progress_at is not None
        return self._load(self.progress_at)(ledger)

    def last_audit(self, ledger: str) -> Any:
        """What the last audit of a ledger found, if any. Only with `audit_at`."""
        assert self.audit_at is not None
        return self._load(self.audit_at)(ledger)

    def project(self, events: Sequence[Recorded]) -> None:
        """Applies events to the rows, in each of the tables that are in use for writing."""
        from chalicelib.read_models.blue_green import into_each_written

        into_each_written(self.name, lambda: self.projection.project(events))

    def _load(self, part: str) -> Any:
        module, _, name = part.partition(":")
        return getattr(import_module(f"{self.package}.{module}"), name)


@dataclass(frozen=True)
class ProjectionGroup:
    """Read models that one projector feeds and one Read API serves.

    They are `listed` by the folder that exports a READ_MODEL, or as `module:object`.
    """

    name: str
    listed: tuple[str, ...]

    @cached_property
    def read_models(self) -> tuple[ReadModel, ...]:
        """The read models in the order of the list."""
        return tuple(map(_read_model, self.listed))

    @cached_property
    def projected(self) -> tuple[ReadModel, ...]:
        """The read models that have a projection, in the order of feeding."""
        return tuple(each for each in self._derived_first() if each.projection_at)

    @cached_property
    def dead_letters(self) -> "type[DeadLetterRow]":
        """The table of dead letters."""
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
        """Whether an account of this ledger and asset has a row; True if no read model can say."""
        known = [each.projection.holds for each in self.projected if each.projection.holds]
        return not known or any(holds(ledger, asset) for holds in known)

    def function(self, name: str) -> Any:
        """A Lambda of the group, or their blueprint, `projector`. Raises AttributeError."""
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
