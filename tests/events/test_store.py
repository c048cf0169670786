"""The event store's contract, held by its twin in memory and on every engine."""

from functools import reduce

import pytest
from msgspec import Struct

from chalicelib.domain.account.events import EntryPosted
from chalicelib.domain.account.state import Account
from chalicelib.events.recorded import FIRST_LINK, Recorded, evolve
from chalicelib.events.store import EventStore
from chalicelib.ledger.aggregates import account_state, account_stream, transaction_stream
from tests.events.recordings import OPENED, TRANSFERRED, append_of, entered, recorded, streams_of


def test_a_stream_without_events_is_not_found(store: EventStore, ledger: str) -> None:
    stream = account_stream(ledger, "cash")

    assert store.load([stream]) == {}
    assert store.load([]) == {}
    assert list(store.history(stream)) == []


def test_an_event_comes_back_as_it_was_written(store: EventStore, ledger: str) -> None:
    stream = account_stream(ledger, "cash")
    [opened] = recorded(stream, OPENED)

    store.append(append_of([opened]))

    assert store.load([stream]) == {stream: opened}
    assert store.load([stream])[stream].event == OPENED
    assert list(store.history(stream)) == [opened]


def test_a_load_gives_the_newest_event_of_each_stream(store: EventStore, ledger: str) -> None:
    streams = streams_of(ledger, 20)
    written = {}
    for stream in streams[:19]:
        events = recorded(stream, OPENED, entered(), entered(7))
        store.append(append_of(events))
        written[stream] = events[-1]

    assert store.load(streams) == written


def test_an_append_adds_to_several_streams_at_once(store: EventStore, ledger: str) -> None:
    order = transaction_stream(ledger, "order-77")
    cash, alice = streams_of(ledger, 2)
    [cash_opened], [alice_opened] = recorded(cash, OPENED), recorded(alice, OPENED)
    store.append(append_of([cash_opened]))
    store.append(append_of([alice_opened]))

    [posted] = recorded(order, TRANSFERRED)
    [debited] = recorded(cash, entered(), behind=cash_opened)
    credited = recorded(alice, entered(400), entered(600), behind=alice_opened)
    store.append(append_of([posted]), append_of([debited]), append_of(credited))

    assert store.load([order, cash, alice]) == {order: posted, cash: debited, alice: credited[-1]}
    assert list(store.history(alice)) == [alice_opened, *credited]


def test_a_history_is_told_from_its_beginning_in_order(store: EventStore, ledger: str) -> None:
    cash = account_stream(ledger, "cash")
    events = recorded(cash, OPENED)
    store.append(append_of(events))
    for amount in range(1, 12):
        events += recorded(cash, entered(amount), behind=events[-1], command_id=f"c-{amount}")
        store.append(append_of(events[-1:]))

    assert list(store.history(cash)) == events
    assert [event.version for event in store.history(cash)] == list(range(1, 13))


def test_100_events_fit_into_one_append(store: EventStore, ledger: str) -> None:
    one, *others = streams_of(ledger, 51)
    many = recorded(one, OPENED, *[entered()] * 49)

    store.append(append_of(many), *[append_of(recorded(each, OPENED)) for each in others])

    assert list(store.history(one)) == many
    assert set(store.load(others)) == set(others)


def test_101_events_are_refused_and_none_is_written(store: EventStore, ledger: str) -> None:
    one, other = streams_of(ledger, 2)

    with pytest.raises(ValueError, match="1 to 100 events, not 101"):
        store.append(
            append_of(recorded(one, OPENED, *[entered()] * 99)),
            append_of(recorded(other, OPENED)),
        )

    assert store.load([one, other]) == {}


def test_an_append_of_nothing_is_refused(store: EventStore) -> None:
    with pytest.raises(ValueError, match="1 to 100 events, not 0"):
        store.append()


def test_amounts_of_10_to_the_30_are_kept_to_the_last_digit(store: EventStore, ledger: str) -> None:
    cash = account_stream(ledger, "cash")
    store.append(append_of(recorded(cash, OPENED, *[entered(10**30 - 1)] * 3)))

    newest = store.load([cash])[cash]

    assert isinstance(newest.event, EntryPosted)
    assert newest.event.amount == 999_999_999_999_999_999_999_999_999_999
    assert account_state(newest).debits == 2_999_999_999_999_999_999_999_999_999_997
    assert account_state(newest).max_balance == 10**30


def test_the_carried_state_is_what_the_history_comes_to(store: EventStore, ledger: str) -> None:
    cash = account_stream(ledger, "cash")
    store.append(append_of(recorded(cash, OPENED, entered(1), entered(2))))
    head = store.load([cash])[cash]
    store.append(append_of(recorded(cash, entered(39), behind=head)))

    state: Struct | None = None
    for event in store.history(cash):
        state = evolve(state, event.event)
        assert event.state == state
    assert isinstance(state, Account)
    assert (state.version, state.posted) == (4, 42)


def test_every_stored_event_is_chained_to_the_one_before(store: EventStore, ledger: str) -> None:
    cash = account_stream(ledger, "cash")
    events = recorded(cash, OPENED, entered(1), entered(2))
    store.append(append_of(events))

    def check(previous: bytes, event: Recorded) -> bytes:
        assert event.hash == event.chained_to(previous)
        return event.hash

    assert reduce(check, store.history(cash), FIRST_LINK) == events[-1].hash


def test_a_snapshot_shows_those_of_the_events_that_are_there(
    store: EventStore, ledger: str
) -> None:
    cash, alice, nobody = streams_of(ledger, 3)
    cash_events = recorded(cash, OPENED, entered(1), entered(2))
    store.append(append_of(cash_events))
    store.append(append_of(recorded(alice, OPENED)))

    there = store.snapshot([(cash, 2), (cash, 4), (alice, 2), (nobody, 1), (cash, 3), (cash, 2)])

    assert there == {(cash, 2): cash_events[1], (cash, 3): cash_events[2]}
    assert account_state(there[cash, 3]).version == 3
    assert store.snapshot([(nobody, 1)]) == {}


def test_a_snapshot_takes_a_hundred_places(store: EventStore, ledger: str) -> None:
    streams = streams_of(ledger, 99)
    store.append(*[append_of(recorded(stream, OPENED)) for stream in streams])
    places = [*((stream, 1) for stream in streams), (streams[0], 2)]

    assert set(store.snapshot(places)) == set(places[:99])
