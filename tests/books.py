"""Books: a ledger written on a clock of the test's own, and told to the rooms as the test likes."""

import base64
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalicelib.commands.executor import Executor
from chalicelib.commands.routing import Command
from chalicelib.domain.fields import Direction
from chalicelib.domain.transaction.commands import Entry
from chalicelib.events.dynamodb import to_item
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Append, EventStore, Place
from chalicelib.read_models import accounts, journal
from tests.domain.books import NOW, credit, debit, opening, posting
from tests.memory_store import MemoryStore

PROJECTORS = (accounts.project_accounts, journal.project_journal)


def record_of(event: Recorded) -> Any:
    """The stream record of an event, as Lambda sends it: JSON, in which bytes are base64."""
    image = to_item(event).serialize()
    image["hash"] = {"B": base64.b64encode(event.hash).decode()}
    keys = {name: image[name] for name in ("stream", "version")}
    change = {"Keys": keys, "NewImage": image, "SequenceNumber": f"{event.version:021d}"}
    return json.loads(json.dumps({"eventName": "INSERT", "dynamodb": change}))


def deliver(events: Iterable[Recorded]) -> None:
    """One batch of the event table's stream, to the projector Lambda of each stack."""
    records = [record_of(event) for event in events]
    for projector in PROJECTORS:
        assert projector({"Records": records}, None) == {"batchItemFailures": []}


@dataclass
class WatchedStore:
    """A store that tells what was appended to it, in the order of the appends."""

    inner: EventStore
    appended: list[Recorded] = field(default_factory=list)

    def load(self, streams: Collection[Stream]) -> dict[Stream, Recorded]:
        return self.inner.load(streams)

    def append(self, *appends: Append) -> None:
        self.inner.append(*appends)
        for append in appends:
            self.appended += append.events

    def snapshot(self, places: Collection[Place]) -> dict[Place, Recorded]:
        return self.inner.snapshot(places)

    def read(self, stream: Stream, version: int) -> Recorded:
        return self.inner.read(stream, version)

    def history(self, stream: Stream, *, newest_first: bool = False) -> Iterator[Recorded]:
        return self.inner.history(stream, newest_first=newest_first)


class Bookkeeper:
    """Keeps one ledger. What happens there is told to the rooms when the test says so.

    `now` is when the next thing will be recorded; after it, time goes on by a second.
    """

    def __init__(self, ledger: str, store: EventStore | None = None) -> None:
        self.ledger = ledger
        self.now = NOW
        self._store = WatchedStore(MemoryStore() if store is None else store)
        self._executor = Executor(self._store, clock=lambda: self.now)
        self._told = 0

    @property
    def recorded(self) -> Sequence[Recorded]:
        """All that was recorded, in order."""
        return self._store.appended

    def of(self, account: str) -> list[Recorded]:
        """What was recorded on the stream of one account."""
        stream = Stream(self.ledger, "account", account)
        return [event for event in self.recorded if event.stream == stream]

    def open(
        self,
        account: str,
        normal_balance: Direction = "debit",
        *,
        asset: str = "USD/2",
        metadata: Mapping[str, str] | None = None,
    ) -> Recorded:
        """Opens an account without a lower limit."""
        return self._do(
            opening(
                account,
                asset=asset,
                normal_balance=normal_balance,
                min_balance=None,
                metadata=metadata,
                ledger=self.ledger,
            )
        )

    def post(
        self,
        transaction: str,
        *entries: Entry,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Recorded:
        """Posts a transaction."""
        return self._do(
            posting(
                transaction, *entries, reference=reference, metadata=metadata, ledger=self.ledger
            )
        )

    def pay_in(self, transaction: str, amount: int, *, reference: str | None = None) -> Recorded:
        """Posts a payment: into the till, `cash`, for a customer, `alice`."""
        return self.post(
            transaction, debit("cash", amount), credit("alice", amount), reference=reference
        )

    def open_till(self) -> None:
        """Opens `cash` and `alice`, a customer."""
        self.open("cash")
        self.open("alice", "credit", metadata={"name": "Alice"})

    def tell(self) -> None:
        """Delivers all that was recorded since the last time, in order."""
        told, self._told = self._told, len(self.recorded)
        deliver(self.recorded[told:])

    def tell_all_but(self, *withheld: Recorded) -> None:
        """Likewise, without some events that will be late."""
        told, self._told = self._told, len(self.recorded)
        deliver(event for event in self.recorded[told:] if event not in withheld)

    def _do(self, command: Command) -> Recorded:
        executed = self._executor.execute(command, actor="key-1")
        assert not executed.replayed
        self.now += timedelta(seconds=1)
        return executed.recorded


def later(**by: float) -> datetime:
    """So much after the instant at which the clock of the books starts."""
    return NOW + timedelta(**by)
