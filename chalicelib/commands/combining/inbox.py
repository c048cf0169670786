"""The inbox of an account: rows with waiting commands, and the lease of the client that leads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from msgspec import Struct

from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Append, Place


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer of a leader to a row.

    - `refused`: the command with this `index` was. `refusal` is the refusal's class, `fields` are
      its fields.
    - `done`: the event that answers each command is at this version of its target stream.
    - `again`: a command was done before, or seems so. The client executes them directly.
    - `alone`: a leader cannot decide the commands. The client executes them directly.
    - `withdrawn`: the client has given up. It is the client's own mark.
    """

    kind: Literal["refused", "done", "again", "alone", "withdrawn"]
    refusal: str = ""
    fields: Mapping[str, Any] = {}
    index: int = 0
    versions: tuple[int, ...] = ()


class Row(Struct, frozen=True, kw_only=True):
    """The waiting commands of one request in an account's inbox, to be done together or not at all.

    `id` is a UUIDv7 of this submission, and identifies the client in leases. `commands` are encoded
    by `answers.encode`. `gives_up` is when the client will withdraw, in seconds since the epoch by
    its clock. `also` are other required accounts that had a leader, too. `leads` is a lease that a
    leader has handed over to this client.
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
    """Which client leads an account: `owner` is the id of its row, "" if none does.

    `epoch` rises with each new owner. `until` is in seconds since the epoch, by the owner's clock.
    """

    owner: str = ""
    epoch: int = 0
    until: float = 0.0


FREE = Lease()
"""The lease of an account that has had no leader yet."""


@dataclass(frozen=True)
class Polled:
    """What a poll has read: each is None if it does not exist, and `lease` if it was not read."""

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
    stream that has a newer event, with that event; None if DynamoDB did not return it.
    """

    def __init__(self, rows: Collection[str], heads: Mapping[Stream, Recorded | None]) -> None:
        super().__init__("the transaction has lost a race")
        self.rows = rows
        self.heads = heads


class Missing(Exception):
    """There is no inbox table: the environment was deployed before it existed."""


class Inbox(Protocol):
    """Stores rows and leases. Every method raises Busy; those that write also raise Unanswered."""

    def lease(self, account: Stream) -> Lease:
        """The lease as it was a moment ago (an eventually consistent read). Raises Missing."""

    def put(self, row: Row) -> None:
        """Adds a row; nothing happens if there is one with its id."""

    def take(self, account: Stream, seen: Lease, lease: Lease) -> bool:
        """Replaces the lease `seen` by another one, if it is still stored; whether it was."""

    def appoint(self, row: Row, lease: Lease) -> bool:
        """Writes a lease into the row of its new owner, if the row still waits; whether it does."""

    def rows(self, account: Stream) -> list[Row]:
        """The rows without an answer, in the order of their ids."""

    def poll(self, row: Row, event: Place | None, *, lease: bool) -> Polled:
        """Reads an event, the row and, with `lease`, the lease (eventually consistent)."""

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
