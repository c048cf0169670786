"""The contract of an inbox, held by its twin in memory and on every engine."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from msgspec import structs

from chalicelib.commands.combining.dynamodb import DynamoInbox
from chalicelib.commands.combining.inbox import FREE, Answer, Commit, Inbox, Lease, Lost, Row
from chalicelib.commands.combining.table import InboxItem, item_of
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Busy, EventStore
from chalicelib.ledger.aggregates import account_stream, transaction_stream
from chalicelib.tables import connection
from tests.events.recordings import OPENED, append_of, entered, recorded

REFUSED = Answer(
    kind="refused", refusal="InsufficientFunds", fields={"account": "cash", "available": 10**30}
)


def row_of(account: Stream, number: int) -> Row:
    """A row, whose ids are in the order of their numbers."""
    return Row(
        account=account,
        id=f"row-{number:03}",
        commands=b'["commands"]',
        command_id=f"command-{number}",
        actor="key-1",
        gives_up=1_900_000_000.25,
        also=tuple(account_stream(account.ledger, f"other-{each}") for each in range(number % 3)),
    )


@pytest.fixture
def cash(ledger: str) -> Stream:
    return account_stream(ledger, "cash")


@pytest.fixture
def opened(store: EventStore, cash: Stream) -> Recorded:
    """The newest event of an account."""
    [event] = recorded(cash, OPENED)
    store.append(append_of([event]))
    return event


def test_rows_are_found_in_the_order_of_their_ids_and_as_they_were_put(
    inbox: Inbox, cash: Stream
) -> None:
    rows = [row_of(cash, number) for number in range(12)]
    for row in reversed(rows):
        inbox.put(row)
    inbox.put(structs.replace(rows[0], actor="another"))

    assert inbox.rows(cash) == rows
    assert inbox.rows(account_stream(cash.ledger, "other")) == []


def test_a_lease_is_taken_only_by_who_knows_the_present_one(inbox: Inbox, cash: Stream) -> None:
    assert inbox.lease(cash) == FREE
    first = Lease(owner="a", epoch=1, until=1_900_000_000.123456)
    second = Lease(owner="b", epoch=2, until=1_900_000_001.5)

    assert inbox.take(cash, FREE, first)
    assert not inbox.take(cash, FREE, second)
    assert inbox.lease(cash) == first
    assert inbox.take(cash, first, second)
    assert not inbox.take(cash, structs.replace(second, until=1_900_000_009.0), first)
    freed = Lease(epoch=3)
    assert inbox.take(cash, second, freed)
    assert inbox.lease(cash) == freed


def test_a_poll_reads_the_event_the_row_and_the_lease(
    inbox: Inbox, cash: Stream, opened: Recorded
) -> None:
    row, lease = row_of(cash, 1), Lease(owner="row-001", epoch=4, until=1_900_000_000.0)
    nothing = inbox.poll(row, (cash, 2), lease=True)
    inbox.put(row)
    inbox.take(cash, FREE, lease)

    assert (nothing.event, nothing.row, nothing.lease) == (None, None, FREE)
    polled = inbox.poll(row, opened.place, lease=True)
    assert (polled.event, polled.row, polled.lease) == (opened, row, lease)
    assert inbox.poll(row, None, lease=False).lease is None
    assert inbox.outcome(row, [opened.place, (cash, 2)]) == (row, {opened.place: opened})


def test_a_client_is_appointed_only_while_its_row_waits(inbox: Inbox, cash: Stream) -> None:
    row, lease = row_of(cash, 1), Lease(owner="row-001", epoch=4, until=1_900_000_000.0)

    assert not inbox.appoint(row, lease)
    assert inbox.outcome(row, []) == (None, {})
    inbox.put(row)
    assert inbox.appoint(row, lease)
    assert inbox.poll(row, None, lease=False).row == structs.replace(row, leads=lease)


def test_a_row_is_withdrawn_once_and_never_after_it_was_answered(
    inbox: Inbox, cash: Stream
) -> None:
    first, second = row_of(cash, 1), row_of(cash, 2)
    inbox.put(first)
    inbox.put(second)

    assert inbox.withdraw(first)
    assert not inbox.withdraw(first)
    inbox.commit(Commit([], [(second, REFUSED)]))
    assert not inbox.withdraw(second)
    assert not inbox.withdraw(second, leave_mark=True)
    assert inbox.rows(cash) == []
    assert inbox.outcome(second, [])[0] == structs.replace(second, answer=REFUSED)
    inbox.delete(second)
    assert inbox.outcome(second, [])[0] is None


@pytest.mark.parametrize("is_put", [True, False])
def test_a_mark_keeps_out_a_row_that_arrives_late(inbox: Inbox, cash: Stream, is_put: bool) -> None:
    row = row_of(cash, 1)
    if is_put:
        inbox.put(row)

    assert inbox.withdraw(row, leave_mark=True)
    inbox.put(row)

    assert inbox.rows(cash) == []
    found, _ = inbox.outcome(row, [])
    assert found is not None
    assert found.answer == Answer(kind="withdrawn")


def test_a_commit_writes_events_and_settles_rows(
    inbox: Inbox, store: EventStore, cash: Stream, opened: Recorded
) -> None:
    done, told = row_of(cash, 1), row_of(cash, 2)
    inbox.put(done)
    inbox.put(told)
    events = recorded(cash, entered(), entered(7), behind=opened)

    inbox.commit(
        Commit(
            [append_of(events)],
            [(done, None), (told, REFUSED)],
            [(transaction_stream(cash.ledger, "t"), 1)],
        )
    )

    assert store.load([cash]) == {cash: events[-1]}
    assert inbox.outcome(done, [])[0] is None
    answered, there = inbox.outcome(told, [events[0].place])
    assert answered == structs.replace(told, answer=REFUSED)
    assert there == {events[0].place: events[0]}


def test_a_commit_that_names_a_row_that_is_settled_writes_nothing(
    inbox: Inbox, store: EventStore, cash: Stream, opened: Recorded
) -> None:
    waits, gone, told = (row_of(cash, number) for number in range(3))
    inbox.put(waits)
    inbox.put(told)
    inbox.commit(Commit([], [(told, REFUSED)]))
    events = recorded(cash, entered(), behind=opened)

    with pytest.raises(Lost) as lost:
        inbox.commit(Commit([append_of(events)], [(waits, None), (gone, None), (told, REFUSED)]))

    assert (set(lost.value.rows), lost.value.heads) == ({gone.id, told.id}, {})
    assert store.load([cash]) == {cash: opened}
    assert inbox.rows(cash) == [waits]


def test_a_commit_on_old_heads_writes_nothing_and_learns_the_newest(
    inbox: Inbox, store: EventStore, cash: Stream, opened: Recorded
) -> None:
    row, other = row_of(cash, 1), account_stream(cash.ledger, "other")
    inbox.put(row)
    others = recorded(cash, entered(3), entered(4), behind=opened)
    store.append(append_of(others))
    mine = recorded(cash, *(entered(), entered(), entered()), behind=opened)
    [first] = recorded(other, OPENED)

    with pytest.raises(Lost) as lost:
        inbox.commit(Commit([append_of(mine), append_of([first])], [(row, None)]))

    assert set(lost.value.rows) == set()
    assert set(lost.value.heads) == {cash}
    assert lost.value.heads[cash] in (others[-1], None)
    assert store.load([cash, other]) == {cash: others[-1]}
    assert inbox.rows(cash) == [row]


def test_a_refusal_is_not_told_where_an_event_exists_that_must_not(
    inbox: Inbox, cash: Stream, opened: Recorded
) -> None:
    row = row_of(cash, 1)
    inbox.put(row)

    with pytest.raises(Lost) as lost:
        inbox.commit(Commit([], [(row, REFUSED)], [opened.place]))

    assert set(lost.value.heads) == {cash}
    assert inbox.rows(cash) == [row]


def test_what_no_transaction_takes_is_an_error(inbox: Inbox, cash: Stream) -> None:
    rows = [row_of(cash, number) for number in range(101)]

    with pytest.raises(ValueError, match="transaction"):
        inbox.commit(Commit([], [(row, REFUSED) for row in rows]))


@pytest.mark.usefixtures("moto")
def test_an_answer_of_a_newer_build_hides_no_row_that_waits() -> None:
    inbox, cash = DynamoInbox(DynamoStore()), account_stream("acme", "cash")
    told, waits = row_of(cash, 1), row_of(cash, 2)
    inbox.put(told)
    inbox.put(waits)

    item_of(told).update([InboxItem.answer.set('{"kind":"of a newer build"}')])

    assert inbox.rows(cash) == [waits]


@pytest.mark.usefixtures("moto")
def test_a_throttled_poll_is_not_repeated_before_the_next_one_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inbox, cash = DynamoInbox(DynamoStore()), account_stream("acme", "cash")
    body = b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException"}'
    asked, slept = list[Any](), list[float]()

    def throttled(request: Any, **_: Any) -> AWSResponse:
        asked.append(request)
        return AWSResponse(request.url, 400, {}, SimpleNamespace(stream=lambda: iter([body])))  # type: ignore[arg-type]  # All that is used.

    monkeypatch.setattr(time, "sleep", slept.append)
    events: Any = connection().client.meta.events  # Its hooks may return a reply.
    events.register_first("before-send.dynamodb.BatchGetItem", throttled)
    try:
        with pytest.raises(Busy):
            inbox.poll(row_of(cash, 1), None, lease=True)
    finally:
        events.unregister("before-send.dynamodb.BatchGetItem", throttled)

    assert (len(asked), slept) == (1, [])
