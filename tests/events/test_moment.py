"""A striped account, read while it is written, is as it was at one moment."""

from collections.abc import Callable, Collection
from datetime import timedelta

import pytest

from chalicelib.commands.executor import Executor
from chalicelib.domain.account.events import EntryPosted
from chalicelib.domain.stripes import stripes_of, sum_of
from chalicelib.events.recorded import Origin, Recorded, Stream, follow
from chalicelib.events.store import Append
from chalicelib.ledger.accounts import TRIES, at_one_moment
from chalicelib.ledger.aggregates import account_state, account_stream
from tests.domain.books import NOW, opening
from tests.memory_store import MemoryStore

HOT = account_stream("acme", "hot")
STRIPES = [account_stream("acme", id) for id in stripes_of("hot", 3)]


class Torn(MemoryStore):
    """A store that reads one stream after the other; something happens before each."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[Stream], object] = lambda _: None
        self.reads = 0

    def load(self, streams: Collection[Stream]) -> dict[Stream, Recorded]:
        found: dict[Stream, Recorded] = {}
        for stream in streams:
            self.before(stream)
            self.reads += 1
            found |= super().load([stream])
        return found


class Hot:
    """An account in three stripes, of which a test writes the one that it likes.

    `balances` are those that the account had, from the first to the last.
    """

    def __init__(self) -> None:
        self.store, self.now, self.balances = Torn(), NOW, [0]
        opened = opening("hot", min_balance=None, stripes=3)
        Executor(self.store, clock=lambda: NOW).execute(opened, actor="key-1")

    def enter(self, stripe: int, amount: int) -> None:
        """Puts so much on a stripe, or takes it away."""
        self.now += timedelta(milliseconds=1)
        stream, side = STRIPES[stripe], "debit" if amount > 0 else "credit"
        [head] = MemoryStore.load(self.store, [stream]).values()
        entry = EntryPosted(
            transaction=f"t{len(self.balances)}",
            direction=side,  # type: ignore[arg-type]  # One of the two.
            amount=abs(amount),
            effective_at=self.now,
            reference=None,
        )
        origin = Origin(recorded_at=self.now, command_id="c", actor="key-1")
        events = follow(head, stream, [entry], origin)
        self.store.append(Append(stream=stream, expected_version=head.version, events=events))
        self.balances.append(self.balances[-1] + amount)

    def read(self) -> int:
        """What a reading says that the account is worth."""
        head, *stripes = at_one_moment(self.store, HOT)
        return sum_of(account_state(head), [account_state(one) for one in stripes]).posted


@pytest.fixture
def hot() -> Hot:
    """An account with something on each stripe."""
    made = Hot()
    for stripe, amount in enumerate((10, 20, 30)):
        made.enter(stripe, amount)
    return made


def test_what_is_moved_between_stripes_meanwhile_is_counted_once(hot: Hot) -> None:
    moves = iter([(0, -7), (2, 7)])

    def move(stream: Stream) -> None:
        # After the first stripe was read, what goes from it arrives at one that is read later.
        if stream == STRIPES[1]:
            for stripe, amount in moves:
                hot.enter(stripe, amount)

    hot.store.before = move

    assert hot.read() == 60 == hot.balances[-1]


def test_an_account_that_rests_is_read_twice_and_no_more(hot: Hot) -> None:
    hot.store.reads = 0

    assert hot.read() == 60
    assert hot.store.reads == 2 * (1 + len(STRIPES))


@pytest.mark.parametrize("every", [1, 2, 3, 4, 5, 7])
def test_however_often_it_is_written_it_is_worth_what_it_was_at_one_moment(
    hot: Hot, every: int
) -> None:
    count = 0
    least = len(hot.balances)

    def write(_: Stream) -> None:
        nonlocal count
        count += 1
        if count % every == 0:
            # Each balance is another one, and so is each sum of what was read at two moments.
            hot.enter(count % 3, 1000 * 2**count)

    hot.store.before = write

    shown = hot.read()

    assert shown in hot.balances[least - 1 :]
    assert hot.store.reads <= (TRIES + 2) * (1 + len(STRIPES))


def test_what_was_acknowledged_before_is_in_it(hot: Hot) -> None:
    for stripe in (2, 0, 1):
        hot.enter(stripe, 100)
    acknowledged = len(hot.balances) - 1
    hot.store.before = lambda _: hot.enter(0, 1)

    assert hot.read() in hot.balances[acknowledged:]


def test_an_account_without_stripes_is_read_once(hot: Hot) -> None:
    Executor(hot.store, clock=lambda: NOW).execute(opening("cash"), actor="key-1")
    hot.store.reads = 0

    [head] = at_one_moment(hot.store, account_stream("acme", "cash"))

    assert (head.version, hot.store.reads) == (1, 1)
    assert at_one_moment(hot.store, account_stream("acme", "nobody")) == []
