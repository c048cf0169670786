"""Refusals: what one reads is the same at any length of history, whatever holds there were."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from chalicelib.backoff import Backoff
from chalicelib.commands.executor import Executor
from chalicelib.domain.account.events import EntryPosted
from chalicelib.domain.errors import Contention, InsufficientFunds
from chalicelib.domain.holds import MOST_LISTED
from chalicelib.domain.transaction.commands import ExpireHold, HoldTransaction, PostHold, VoidHold
from chalicelib.events.recorded import Origin, Recorded, Stream, follow
from chalicelib.events.store import Append, Place
from chalicelib.ledger.aggregates import account_state, account_stream
from tests.domain.books import NOW, Command, credit, debit, opening, posting
from tests.memory_store import MemoryStore

ALICE = account_stream("acme", "alice")
TOO_MUCH = posting("too-much", debit("alice", 10_000), credit("cash", 10_000))
MANY = 3 * MOST_LISTED


class Counting(MemoryStore):
    """A store that counts the events that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def load(self, streams: Collection[Stream]) -> dict[Stream, Recorded]:
        self.reads += len(streams)
        return super().load(streams)

    def snapshot(self, places: Collection[Place]) -> dict[Place, Recorded]:
        self.reads += len(places)
        return super().snapshot(places)

    def history(self, stream: Stream, *, newest_first: bool = False) -> Iterator[Recorded]:
        for event in super().history(stream, newest_first=newest_first):
            self.reads += 1
            yield event


@dataclass
class Holder:
    """Alice has 100, and all kinds of holds were made of it, some of which are still open."""

    store: Counting
    now = NOW
    time = 0.0

    def do(self, command: Command) -> None:
        """Executes a command, in a process that remembers nothing."""
        self.executor().execute(command, actor="key-1")

    def executor(self, backoff: Backoff | None = None) -> Executor:
        """The process."""
        return Executor(
            self.store,
            clock=lambda: self.now,
            sleep=lambda _: None,
            monotonic=lambda: self.time,
            backoff=backoff or Backoff(),
        )

    def hold(self, id: str, seconds: int | None) -> None:
        """Sets 1 of it aside."""
        lines = (debit("alice", 1), credit("cash", 1))
        self.do(
            HoldTransaction(ledger="acme", transaction=id, entries=lines, timeout_seconds=seconds)
        )

    def entries(self, count: int) -> None:
        """Alice is given nothing but history: entries that come and go."""
        for start in range(0, count, 100):
            head = self.store.load([ALICE])[ALICE]
            events = [
                EntryPosted(
                    transaction=f"e{start + number}",
                    direction="debit" if number % 2 else "credit",
                    amount=1,
                    effective_at=self.now,
                    reference=None,
                )
                for number in range(100)
            ]
            origin = Origin(recorded_at=head.recorded_at, command_id="c", actor="key-1")
            recorded = follow(head, ALICE, events, origin)
            self.store.append(Append(stream=ALICE, expected_version=head.version, events=recorded))

    def refusal(self) -> int:
        """How many events are read for a refusal."""
        self.store.reads = 0
        with pytest.raises(InsufficientFunds):
            self.do(TOO_MUCH)
        return self.store.reads


@pytest.fixture
def holder() -> Holder:
    """Alice has 100."""
    made = Holder(Counting())
    made.do(opening("cash"))
    made.do(opening("alice", normal_balance="credit"))
    made.do(posting("funds", debit("cash", 100), credit("alice", 100)))
    return made


def one_for_ever_and_one_that_has_expired(holder: Holder) -> None:
    """The least that made every refusal read the whole history once."""
    holder.hold("for-ever", None)
    holder.hold("short", 1)
    holder.now += timedelta(seconds=5)
    holder.do(ExpireHold(ledger="acme", transaction="short"))


def many_that_were_resolved_in_every_way(holder: Holder) -> None:
    """More at once than a state lists; those that are left are far from expiring."""
    holder.hold("for-ever", None)
    for number in range(MANY):
        holder.hold(f"h{number}", 10 + number)
    for number in range(MANY // 2):
        command = PostHold if number % 2 else VoidHold
        holder.do(command(ledger="acme", transaction=f"h{number}"))
    holder.now += timedelta(hours=1)
    for number in range(MANY // 2, MANY):
        holder.do(ExpireHold(ledger="acme", transaction=f"h{number}"))
    for number in range(MOST_LISTED // 2):
        holder.hold(f"late{number}", 7 * 86_400)


@pytest.mark.parametrize(
    "holds", [one_for_ever_and_one_that_has_expired, many_that_were_resolved_in_every_way]
)
def test_a_refusal_reads_the_same_after_any_number_of_entries(
    holder: Holder, holds: object
) -> None:
    plain = holder.refusal()
    assert callable(holds)
    holds(holder)
    reads = {0: holder.refusal()}
    for count, more in ((1_000, 1_000), (10_000, 9_000)):
        holder.entries(more)
        reads[count] = holder.refusal()

    assert reads == {0: plain, 1_000: plain, 10_000: plain}


def test_what_has_expired_is_found_without_a_look_at_the_history(holder: Holder) -> None:
    for number in range(MOST_LISTED):
        holder.hold(f"h{number}", 10 + number)
    holder.entries(1_000)
    holder.now += timedelta(seconds=12.5)
    few = holder.refusal()
    holder.entries(1_000)
    holder.now += timedelta(seconds=3)

    # Each of these times three holds are released; the rest of the history is not looked at.
    assert holder.refusal() == few < 100


def test_more_holds_at_once_than_are_listed_are_still_free_at_their_instant(
    holder: Holder,
) -> None:
    for number in range(100):
        holder.hold(f"h{number}", 10 + number)
    holder.now += timedelta(seconds=10 + 100)

    holder.do(posting("all", debit("alice", 100), credit("cash", 100)))

    account = account_state(holder.store.load([ALICE])[ALICE])
    assert (account.posted, account.pending_out, account.unlisted) == (0, 0, 0)


def test_a_look_at_the_history_ends_with_the_time_of_its_command(holder: Holder) -> None:
    for number in range(MOST_LISTED + 1):
        holder.hold(f"h{number}", 10)
    for number in range(MOST_LISTED):
        holder.do(VoidHold(ledger="acme", transaction=f"h{number}"))
    holder.entries(1_000)
    holder.now += timedelta(seconds=60)
    history = holder.store.history

    def slow(stream: Stream, *, newest_first: bool = False) -> Iterator[Recorded]:
        for event in history(stream, newest_first=newest_first):
            holder.time += 0.1
            yield event

    holder.store.history = slow  # type: ignore[method-assign]  # A slower one of this store's.
    holder.store.reads = 0

    with pytest.raises(Contention):
        holder.do(TOO_MUCH)

    assert holder.store.reads < 100
