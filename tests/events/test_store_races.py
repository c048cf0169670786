"""The event store's contract when writers meet: one wins, the others are told which stream lost."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Conflict, EventStore
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_stream
from tests.events.recordings import OPENED, append_of, entered, recorded, streams_of


def opened(store: EventStore, stream: Stream) -> Recorded:
    """The first event of a stream, written."""
    [event] = recorded(stream, OPENED)
    store.append(append_of([event]))
    return event


def test_a_stream_that_has_moved_on_is_not_appended_to(store: EventStore, ledger: str) -> None:
    cash = account_stream(ledger, "cash")
    first = opened(store, cash)
    [second] = recorded(cash, entered(), behind=first)
    store.append(append_of([second]))
    stale = recorded(cash, entered(5), behind=first, command_id="command-2")

    with pytest.raises(Conflict) as lost:
        store.append(append_of(stale))

    assert (lost.value.stream, lost.value.lost) == (cash, {cash: second})
    assert list(store.history(cash)) == [first, second]


def test_several_events_on_a_stale_stream_are_not_appended(store: EventStore, ledger: str) -> None:
    cash = account_stream(ledger, "cash")
    first = opened(store, cash)
    [second] = recorded(cash, entered(), behind=first)
    store.append(append_of([second]))
    stale = recorded(cash, entered(5), entered(6), behind=first, command_id="command-2")

    with pytest.raises(Conflict) as lost:
        store.append(append_of(stale))

    assert (lost.value.stream, lost.value.lost) == (cash, {cash: second})
    assert list(store.history(cash)) == [first, second]


def test_a_stream_is_begun_once(store: EventStore, ledger: str) -> None:
    cash = account_stream(ledger, "cash")
    first = opened(store, cash)

    with pytest.raises(Conflict):
        store.append(append_of(recorded(cash, OPENED, command_id="command-2")))

    assert list(store.history(cash)) == [first]


@pytest.mark.parametrize("loser", [0, 1, 2])
def test_one_lost_stream_undoes_the_append_and_is_named(
    store: EventStore, ledger: str, loser: int
) -> None:
    streams = streams_of(ledger, 3)
    firsts = [opened(store, stream) for stream in streams]
    [moved_on] = recorded(streams[loser], entered(1), behind=firsts[loser])
    store.append(append_of([moved_on]))
    appends = [
        append_of(recorded(stream, entered(2), entered(3), behind=first, command_id="command-2"))
        for stream, first in zip(streams, firsts, strict=True)
    ]

    with pytest.raises(Conflict) as lost:
        store.append(*appends)

    assert lost.value.stream == streams[loser]
    assert lost.value.lost == {streams[loser]: moved_on}
    heads = dict(zip(streams, firsts, strict=True)) | {streams[loser]: moved_on}
    assert store.load(streams) == heads


def test_an_append_whose_reply_was_lost_succeeds_again(store: EventStore, ledger: str) -> None:
    cash = account_stream(ledger, "cash")
    first = opened(store, cash)

    store.append(append_of([first]))

    assert list(store.history(cash)) == [first]


def test_several_events_whose_reply_was_lost_succeed_again(store: EventStore, ledger: str) -> None:
    streams = streams_of(ledger, 3)
    appends = [append_of(recorded(stream, OPENED, entered())) for stream in streams]
    store.append(*appends)
    # Someone else has gone on from there by the time it is sent again.
    [third] = recorded(streams[0], entered(), behind=store.load(streams)[streams[0]])
    store.append(append_of([third]))

    store.append(*appends)

    assert list(store.history(streams[0])) == [*appends[0].events, third]
    assert [list(store.history(stream)) for stream in streams[1:]] == [
        appends[1].events,
        appends[2].events,
    ]


def test_an_append_that_is_there_in_part_is_no_lost_reply(store: EventStore, ledger: str) -> None:
    there, missing = streams_of(ledger, 2)
    first = opened(store, there)

    with pytest.raises(Conflict) as lost:
        store.append(append_of([first]), append_of(recorded(missing, OPENED)))

    assert lost.value.stream == there
    assert store.load([missing]) == {}


def test_a_begun_stream_is_returned_with_what_is_there_by_the_append_alone(
    store: EventStore, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cash = account_stream(ledger, "cash")
    first = opened(store, cash)
    # Nothing is read to tell what is there: the failed append brings it.
    monkeypatch.setattr(EventItem, "get", lambda *_, **__: pytest.fail("that is a read more"))

    with pytest.raises(Conflict) as lost:
        store.append(append_of(recorded(cash, OPENED, command_id="command-2")))

    assert lost.value.lost == {cash: first}


# Not on moto, whose transactions are not safe under threads.
@pytest.mark.parametrize("store", ["memory", "ministack", "dynamodb_local"], indirect=True)
@pytest.mark.parametrize("streams", [1, 2], ids=["one stream", "two streams"])
def test_of_writers_at_the_same_version_exactly_one_wins(
    store: EventStore, ledger: str, streams: int
) -> None:
    raced = streams_of(ledger, streams)
    firsts = [opened(store, stream) for stream in raced]
    start = Barrier(8)

    def write(writer: int) -> str | None:
        appends = [
            append_of(recorded(stream, entered(), behind=first, command_id=f"writer-{writer}"))
            for stream, first in zip(raced, firsts, strict=True)
        ]
        start.wait()
        try:
            store.append(*appends)
        except Conflict:
            return None
        return f"writer-{writer}"

    with ThreadPoolExecutor(8) as pool:
        winners = [writer for writer in pool.map(write, range(8)) if writer]

    heads = store.load(raced)
    assert len(winners) == 1
    assert {heads[stream].version for stream in raced} == {2}
    assert {heads[stream].command_id for stream in raced} == set(winners)
