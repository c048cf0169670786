"""The inbox of an account: rows with commands that wait, and the lease of the client that leads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from msgspec import Struct

from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Append, Place


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a leader tells the client of a row.

    - `refused`: `refusal` is its class, `fields` are its figures, `index` is the command's.
    - `done`: the event that answers each command is at this version of its target stream.
    - `again`: it was done before, or seems so: the client looks.
    - `alone`: no leader can decide it: the client does it as if there were no inbox.
    - `withdrawn`: its client has given it up.
    """

    kind: Literal["refused", "done", "again", "alone", "withdrawn"]
    refusal: str = ""
    fields: Mapping[str, Any] = {}
    index: int = 0
    versions: tuple[int, ...] = ()


class Row(Struct, frozen=True, kw_only=True):
    """Commands of one request that wait in an account's inbox, to be done together or not at all.

    `id` is a UUIDv7 of this submission, and names the client in leases. `commands` are encoded.
    `gives_up` is when its client will withdraw, in seconds since the epoch by the client's clock.
    `also` are other accounts that they require and that had a leader, too. `leads` is a lease that
    was handed over to the client, which it learns from its own row.
    """

    account: Stream
    id: str
    commands: bytes
    command_id: str
    actor: str
    gives_up: float
    also: tuple[Stream, ...] = ()
    answer: Answer | None = None
    leads: "Lease | None" = None


class Lease(Struct, frozen=True, kw_only=True):
    """Who leads an account: `owner` is the id of the client's row; "" is nobody.

    `epoch` rises with each new owner. `until` is in seconds since the epoch, by the owner's clock.
    """

    owner: str = ""
    epoch: int = 0
    until: float = 0.0


FREE = Lease()
"""The lease of an account that nobody has led yet."""


@dataclass(frozen=True)
class Polled:
    """What a waiting client has read: `lease` is None where it was not read."""

    event: Recorded | None
    row: Row | None
    lease: Lease | None = None


@dataclass(frozen=True)
class Commit:
    """A leader's transaction: events, rows that it settles, and events that must not exist.

    A row whose answer is None is deleted: its events say that it was done.
    """

    appends: Sequence[Append]
    settled: Sequence[tuple[Row, Answer | None]]
    absent: Collection[Place] = field(default_factory=list)


class Lost(Exception):
    """A leader's transaction failed, and nothing was written.

    `rows` are the ids of rows that were settled or withdrawn, or are being so. `heads` has each
    stream that has moved on, with the event that took the version; None if that was not returned.
    """

    def __init__(self, rows: Collection[str], heads: Mapping[Stream, Recorded | None]) -> None:
        super().__init__("the transaction has lost a race")
        self.rows = rows
        self.heads = heads


class Missing(Exception):
    """There is no inbox: this environment's tables are from before it."""


class Inbox(Protocol):
    """Stores rows and leases. Every method raises Busy; those that write also raise Unanswered."""

    def lease(self, account: Stream) -> Lease:
        """The lease as it was a moment ago (an eventually consistent read). Raises Missing."""

    def put(self, row: Row) -> None:
        """Adds a row; nothing happens if there is one with its id."""

    def take(self, account: Stream, seen: Lease, lease: Lease) -> bool:
        """Replaces the lease `seen` by another one; whether it still was the present one."""

    def appoint(self, row: Row, lease: Lease) -> bool:
        """Says in a row that its client has a lease; whether the row waits."""

    def rows(self, account: Stream) -> list[Row]:
        """The rows without an answer, in the order of their ids."""

    def poll(self, row: Row, event: Place | None, *, lease: bool) -> Polled:
        """Reads an event, the row and perhaps the lease, as they were a moment ago."""

    def outcome(
        self, row: Row, places: Sequence[Place]
    ) -> tuple[Row | None, dict[Place, Recorded]]:
        """The row and events, all at the same instant. Raises Busy while one is being written."""

    def withdraw(self, row: Row, *, leave_mark: bool = False) -> bool:
        """Deletes a row unless it has an answer; whether it did. Raises Busy while it is settled.

        With `leave_mark` the row is answered `withdrawn` instead, also if it does not exist, so
        that no earlier put can arrive after this.
        """

    def delete(self, row: Row) -> None:
        """Deletes a row that has an answer."""

    def commit(self, commit: Commit) -> None:
        """Writes all of it or nothing. Raises Lost, and ValueError for an invalid transaction."""
