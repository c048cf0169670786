"""Head cache: cached heads may accept a command, and never refuse it or call it done."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from chalicelib.commands import head_cache
from chalicelib.commands.executor import Executor
from chalicelib.commands.head_cache import COOL_DOWN_SECONDS, FRESH_SECONDS, HeadCache
from chalicelib.commands.routing import Command
from chalicelib.domain.account.commands import CloseAccount, FreezeAccount, UnfreezeAccount
from chalicelib.domain.errors import InsufficientFunds
from chalicelib.domain.stripes import stripes_of
from chalicelib.domain.transaction.commands import PostTransaction
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Busy
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_state, account_stream
from tests.commands.executor_fixture import ExecutorFixture
from tests.domain.books import credit, debit, opening, posting
from tests.events.recordings import OPENED, entered, recorded, streams_of

ALICE, BOB = account_stream("acme", "alice"), account_stream("acme", "bob")


class CachingFixture(ExecutorFixture):
    """With a head cache, and a count of loads."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = HeadCache(monotonic=lambda: 1000.0 + sum(self.slept))
        self.executor: Executor = replace(self.executor, head_cache=self.cache)
        self.loads = 0
        load = self.store.load

        def counted(streams: Collection[Stream]) -> dict[Stream, Recorded]:
            self.loads += 1
            return load(streams)

        self.store.load = counted  # type: ignore[method-assign]  # To watch it.

    def loads_for(self, *commands: Command) -> int:
        """How many loads these commands take."""
        before = self.loads
        for command in commands:
            self.do(command)
        return self.loads - before


@pytest.fixture
def fixture() -> CachingFixture:
    """A till, Alice with 100, and Bob, all written by this process."""
    fixture = CachingFixture()
    fixture.open_accounts(funds=100)
    return fixture


def payment(id: str, amount: int) -> PostTransaction:
    """Alice pays Bob."""
    return posting(id, debit("alice", amount), credit("bob", amount))


def test_what_this_process_wrote_is_not_loaded_again(fixture: CachingFixture) -> None:
    assert fixture.loads_for(*[payment(f"p{number}", 1) for number in range(10)]) == 0
    assert account_state(fixture.books.load([BOB])[BOB]).posted == 10


def test_only_what_is_not_cached_is_loaded(fixture: CachingFixture) -> None:
    fixture.do_elsewhere(opening("carol", normal_balance="credit"))

    command = posting("p", debit("alice", 1), credit("carol", 1))

    assert fixture.loads_for(command) == 1
    assert fixture.books.load([BOB])[BOB].version == 1


def test_a_stale_memory_costs_another_attempt_and_nothing_else(fixture: CachingFixture) -> None:
    fixture.do_elsewhere(posting("elsewhere", debit("alice", 60), credit("bob", 60)))

    fixture.do(posting("here", debit("alice", 40), credit("bob", 40)))

    assert account_state(fixture.books.load([BOB])[BOB]).posted == 100


def test_nothing_is_refused_on_a_cached_head_alone(fixture: CachingFixture) -> None:
    fixture.do_elsewhere(posting("more", debit("cash", 400), credit("alice", 400)))

    fixture.do(posting("p", debit("alice", 500), credit("bob", 500)))

    assert account_state(fixture.books.load([ALICE])[ALICE]).posted == 0
    with pytest.raises(InsufficientFunds):
        fixture.do(posting("q", debit("alice", 1), credit("bob", 1)))


def test_nothing_is_called_done_on_a_cached_head_alone(fixture: CachingFixture) -> None:
    freeze = FreezeAccount(ledger="acme", account="alice", debits=True, credits=True)
    fixture.do(freeze)
    fixture.do_elsewhere(UnfreezeAccount(ledger="acme", account="alice", debits=True, credits=True))

    fixture.do(freeze)

    assert account_state(fixture.books.load([ALICE])[ALICE]).frozen_debits
    assert fixture.do(freeze).replayed


def test_a_stream_that_others_write_too_is_loaded_for_a_while(fixture: CachingFixture) -> None:
    fixture.do_elsewhere(posting("elsewhere", debit("alice", 1), credit("bob", 1)))
    fixture.do(payment("lost", 1))

    assert fixture.loads_for(payment("p1", 1), payment("p2", 1)) == 2
    fixture.slept.append(COOL_DOWN_SECONDS)
    assert fixture.loads_for(payment("p3", 1), payment("p4", 1)) == 1


def test_a_memory_that_is_stale_too_often_is_not_used_until_it_would_have_been_right(
    fixture: CachingFixture,
) -> None:
    def write_elsewhere(number: int) -> None:
        fixture.do_elsewhere(posting(f"elsewhere{number}", debit("cash", 1), credit("alice", 1)))
        fixture.slept.append(COOL_DOWN_SECONDS)
        fixture.do(payment(f"here{number}", 1))
        fixture.slept.append(COOL_DOWN_SECONDS)
        fixture.do(payment(f"again{number}", 1))

    for number in range(20):
        write_elsewhere(number)
    assert fixture.loads_for(payment("p", 1)) == 1
    assert 0 < fixture.loads_for(*[payment(f"alone{number}", 1) for number in range(50)]) < 50
    assert fixture.loads_for(payment("q", 1)) == 0


def test_a_write_that_may_have_failed_leaves_nothing_in_the_cache(fixture: CachingFixture) -> None:
    def busy() -> None:
        raise Busy("ThrottlingException")

    fixture.store.before_append = [busy]

    assert fixture.loads_for(payment("p", 1)) == 1
    assert account_state(fixture.books.load([BOB])[BOB]).posted == 1


def test_a_dry_run_looks_at_the_books_as_they_are(fixture: CachingFixture) -> None:
    fixture.do_elsewhere(posting("elsewhere", debit("alice", 100), credit("bob", 100)))

    with pytest.raises(InsufficientFunds):
        fixture.do(posting("p", debit("alice", 1), credit("bob", 1)), dry_run=True)


def test_an_account_that_was_emptied_elsewhere_can_be_closed(fixture: CachingFixture) -> None:
    fixture.do_elsewhere(posting("elsewhere", debit("alice", 100), credit("cash", 100)))

    fixture.do(CloseAccount(ledger="acme", account="alice"))

    assert account_state(fixture.books.load([ALICE])[ALICE]).closed


def test_the_memory_is_bounded_and_keeps_what_was_written_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(head_cache, "SIZE", 3)
    cache, streams = HeadCache(), streams_of("acme", 5)
    for stream in streams:
        cache.put(recorded(stream, OPENED))

    assert set(cache.get(streams)) == set(streams[2:])


def test_an_older_event_does_not_replace_a_newer_one() -> None:
    cache = HeadCache()
    history = recorded(ALICE, OPENED, entered(1), entered(2))
    for event in [history[1], history[0], history[2], history[1]]:
        cache.put([event])

    assert cache.get([ALICE]) == {ALICE: history[2]}


def test_an_older_event_that_is_loaded_does_not_replace_a_newer_one() -> None:
    cache = HeadCache()
    history = recorded(ALICE, OPENED, entered(1), entered(2))
    cache.put([history[2]])

    cache.observe([history[1]])

    assert cache.get([ALICE]) == {ALICE: history[2]}


def test_every_stream_of_a_lost_append_that_others_write_is_loaded_for_a_while(
    fixture: CachingFixture,
) -> None:
    fixture.do_elsewhere(payment("elsewhere", 1))

    fixture.do(payment("here", 1))

    assert fixture.cache.get([ALICE, BOB]) == {}
    fixture.slept.append(COOL_DOWN_SECONDS)
    fixture.do(payment("again", 1))
    assert set(fixture.cache.get([ALICE, BOB])) == {ALICE, BOB}


def test_a_process_stays_with_its_stripe_when_it_loses_on_another_account() -> None:
    fixture = CachingFixture()
    fixture.do(opening("cash", min_balance=None))
    fixture.do(opening("hot", normal_balance="credit", min_balance=None, stripes=16))
    fixture.do(posting("first", debit("cash", 1), credit("hot", 1)))
    hot = account_stream("acme", "hot")
    mine = fixture.cache.stripe_for(hot)

    for number in range(5):
        fixture.do_elsewhere(opening(f"till{number}", min_balance=None))
        fixture.do_elsewhere(posting(f"e{number}", debit("cash", 1), credit(f"till{number}", 1)))
        fixture.do(posting(f"p{number}", debit("cash", 1), credit("hot", 1)))

        assert fixture.cache.stripe_for(hot) == mine


def test_what_was_written_or_loaded_long_ago_is_loaded_again(fixture: CachingFixture) -> None:
    assert fixture.loads_for(payment("p1", 1)) == 0
    fixture.slept.append(FRESH_SECONDS)

    assert fixture.loads_for(payment("p2", 1)) == 1
    assert fixture.loads_for(payment("p3", 1)) == 0


def test_each_write_lets_what_was_written_be_used_for_longer(fixture: CachingFixture) -> None:
    for number in range(5):
        fixture.slept.append(FRESH_SECONDS - 1)
        assert fixture.loads_for(payment(f"p{number}", 1)) == 0


def restore(fixture: CachingFixture, earlier: dict[Stream, list[Recorded]]) -> None:
    """The engine goes back to what it held before, under a process that goes on."""
    fixture.books._streams = {stream: list(events) for stream, events in earlier.items()}


def held(fixture: CachingFixture) -> dict[Stream, list[Recorded]]:
    """All that the engine holds."""
    return {stream: list(events) for stream, events in fixture.books._streams.items()}


def test_after_a_restore_an_old_memory_goes_on_from_what_is_there(fixture: CachingFixture) -> None:
    fixture.do(payment("kept", 1))
    earlier = held(fixture)
    fixture.do(payment("rolled-back", 50))
    restore(fixture, earlier)

    fixture.slept.append(FRESH_SECONDS)
    fixture.do(payment("next", 1))
    fixture.do(payment("and-on", 1))

    bob = list(fixture.books.history(BOB))
    assert [event.version for event in bob] == [1, 2, 3, 4]
    assert account_state(bob[-1]).posted == 3


@pytest.mark.parametrize(
    ("seconds", "versions"), [(FRESH_SECONDS - 1, [1, 2, 4]), (FRESH_SECONDS, [1, 2, 3])]
)
@pytest.mark.usefixtures("moto")
def test_an_engine_that_went_back_is_followed_beyond_a_gap_within_the_bound_and_not_after_it(
    ledger: str, seconds: float, versions: list[int]
) -> None:
    slept = [0.0]
    writer = Executor(DynamoStore(), head_cache=HeadCache(monotonic=lambda: sum(slept)))

    def pay(id: str) -> None:
        entries = (debit("cash", 1), credit("bob", 1))
        writer.execute(posting(id, *entries, ledger=ledger), actor="key-1")

    writer.execute(opening("cash", ledger=ledger), actor="key-1")
    writer.execute(opening("bob", normal_balance="credit", ledger=ledger), actor="key-1")
    pay("kept")
    pay("rolled-back")
    for stream, version in (
        ("account/cash", 3),
        ("account/bob", 3),
        ("transaction/rolled-back", 1),
    ):
        EventItem.get(f"{ledger}/{stream}", version).delete()

    slept.append(seconds)
    pay("next")

    assert [item.version for item in EventItem.query(f"{ledger}/account/bob")] == versions


def test_how_many_stripes_an_account_has_is_looked_up_again_after_a_while() -> None:
    fixture = CachingFixture()
    fixture.do(opening("cash", min_balance=None))
    earlier = held(fixture)
    fixture.do(opening("hot", normal_balance="credit", min_balance=None, stripes=16))
    fixture.do(posting("first", debit("cash", 1), credit("hot", 1)))
    restore(fixture, earlier)
    fixture.do_elsewhere(opening("hot", normal_balance="credit", min_balance=None, stripes=2))

    fixture.slept.append(FRESH_SECONDS)
    fixture.do(posting("next", debit("cash", 1), credit("hot", 1)))

    stripes = [account_stream("acme", id) for id in stripes_of("hot", 2)]
    assert sum(account_state(head).posted for head in fixture.books.load(stripes).values()) == 1


def test_a_stripe_that_is_written_again_and_again_costs_no_load() -> None:
    fixture = CachingFixture()
    fixture.do(opening("cash", min_balance=None))
    fixture.do(opening("hot", normal_balance="credit", min_balance=None, stripes=4))
    fixture.do(posting("first", debit("cash", 1), credit("hot", 1)))

    for number in range(3):
        fixture.slept.append(FRESH_SECONDS - 1)
        assert fixture.loads_for(posting(f"p{number}", debit("cash", 1), credit("hot", 1))) == 0
