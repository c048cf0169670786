"""Which transactions have this reference, or were recorded from one time up to another?"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.errors import InvalidField
from chalicelib.domain.fields import Direction, fingerprint, rfc3339
from chalicelib.domain.transaction.events import BookedEntry, TransactionPosted
from chalicelib.events.recorded import Origin, Recorded, follow
from chalicelib.http.problems import Problem
from chalicelib.ledger.aggregates import transaction_stream
from chalicelib.read_models.transactions.queries import GetTransaction, ListTransactions
from chalicelib.read_models.transactions.table import BUCKETS
from chalicelib.tables import bucket_of
from tests.ask import ask
from tests.books import deliver

pytestmark = pytest.mark.usefixtures("moto")

TICK = timedelta(microseconds=1)
TIMES = [
    datetime(2026, 10, 30, 12, tzinfo=UTC),
    datetime(2026, 10, 30, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 10, 31, tzinfo=UTC),
    datetime(2026, 10, 31, tzinfo=UTC),
    datetime(2026, 11, 3, 0, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 11, 3, 8, tzinfo=UTC),
    datetime(2026, 11, 3, 8, tzinfo=UTC),
    datetime(2027, 1, 1, tzinfo=UTC),
]
IDS = [f"t{number}" for number in range(len(TIMES))]
ODD = [id for number, id in enumerate(IDS) if number % 2]


def transaction(
    ledger: str, id: str, recorded_at: datetime, reference: str | None = None
) -> Recorded:
    """A transaction as it would have been recorded at this time."""
    sides: list[tuple[str, Direction]] = [("cash", "debit"), ("alice", "credit")]
    event = TransactionPosted(
        entries=tuple(
            BookedEntry(
                account=account, direction=side, amount=1, asset="USD/2", version=2, balance_after=1
            )
            for account, side in sides
        ),
        effective_at=recorded_at,
        reference=reference,
        metadata={},
        fingerprint=fingerprint(id),
        created_at=recorded_at,
    )
    origin = Origin(recorded_at=recorded_at, command_id="command-1", actor="key-1")
    [recorded] = follow(None, transaction_stream(ledger, id), [event], origin)
    return recorded


def history(ledger: str) -> list[Recorded]:
    """A transaction at each of the times; every other one has the reference `odd`."""
    return [
        transaction(ledger, id, recorded_at, "odd" if id in ODD else None)
        for id, recorded_at in zip(IDS, TIMES, strict=True)
    ]


@pytest.fixture(scope="module")
def days(moto: None) -> str:  # noqa: ARG001  # Asked for its tables.
    """A ledger with transactions on several days, for tests that only read."""
    deliver(history("transactions-days"))
    return "transactions-days"


def pages(query: ListTransactions) -> list[list[str]]:
    """The ids on each page, from this query's to the end."""
    found = []
    while True:
        answer = ask(query)
        found.append([each.id for each in answer.transactions])
        if answer.next_cursor is None:
            return found
        assert len(found) < 50, "a listing without an end"
        query = ListTransactions(ledger=query.ledger, limit=query.limit, cursor=answer.next_cursor)


def cut(ids: Sequence[str], limit: int) -> list[list[str]]:
    return [list(ids[start : start + limit]) for start in range(0, len(ids), limit)] or [[]]


def test_the_ids_of_these_tests_are_in_every_bucket() -> None:
    assert {bucket_of(id, BUCKETS) for id in IDS} == set(range(BUCKETS))


@pytest.mark.parametrize("limit", [1, 2, 3, len(IDS) - 1, len(IDS), 200])
def test_transactions_are_listed_over_all_days_in_the_order_of_their_recording(
    days: str, limit: int
) -> None:
    assert pages(ListTransactions(ledger=days, limit=limit)) == cut(IDS, limit)


@pytest.mark.parametrize("limit", [1, 3, 50])
@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (TIMES[0], TIMES[4], IDS[0:4]),
        (TIMES[0] + TICK, TIMES[4] + TICK, IDS[1:5]),
        (TIMES[1], TIMES[2], IDS[1:2]),
        (TIMES[2], TIMES[2] + TICK, IDS[2:4]),
        (TIMES[3], TIMES[5], IDS[2:5]),
        (TIMES[2] + TICK, TIMES[4], []),
        (TIMES[2], TIMES[2], []),
        (TIMES[0] - timedelta(days=400), TIMES[0], []),
        (TIMES[7] + TICK, TIMES[7] + timedelta(days=400), []),
        (TIMES[4], None, IDS[4:]),
        (None, TIMES[4], IDS[:4]),
    ],
)
def test_transactions_are_listed_from_a_time_and_before_another(
    days: str, start: datetime | None, end: datetime | None, expected: list[str], limit: int
) -> None:
    query = ListTransactions(ledger=days, from_=start, to=end, limit=limit)

    assert pages(query) == cut(expected, limit)


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_transactions_are_listed_by_their_reference(days: str, limit: int) -> None:
    assert pages(ListTransactions(ledger=days, reference="odd", limit=limit)) == cut(ODD, limit)
    assert pages(ListTransactions(ledger=days, reference="od", limit=limit)) == [[]]


def test_a_reference_is_listed_within_a_period(days: str) -> None:
    query = ListTransactions(ledger=days, reference="odd", from_=TIMES[3], to=TIMES[7])

    assert pages(query) == [["t3", "t5"]]


@pytest.mark.parametrize(
    "reference", ["invoice 1009", "a/b#0", "2026-11-01", "#days", "é" * 256, '"\n\0']
)
def test_a_reference_may_be_any_text(ledger: str, reference: str) -> None:
    deliver([transaction(ledger, "t1", TIMES[0], reference), *history(ledger)[2:4]])

    assert pages(ListTransactions(ledger=ledger, reference=reference)) == [["t1"]]
    assert pages(ListTransactions(ledger=ledger)) == [["t1", "t2", "t3"]]


@pytest.mark.parametrize("reference", [None, "odd"])
def test_what_is_posted_between_pages_comes_at_the_end(ledger: str, reference: str | None) -> None:
    deliver(history(ledger))
    query = ListTransactions(ledger=ledger, reference=reference, limit=2)
    first = ask(query)
    deliver([transaction(ledger, "new", TIMES[7] + timedelta(days=1), "odd")])

    rest = pages(ListTransactions(ledger=ledger, limit=2, cursor=first.next_cursor))

    met = [each.id for each in first.transactions] + [id for page in rest for id in page]
    assert met == [*(ODD if reference else IDS), "new"]


def test_a_cursor_goes_with_its_own_parameters_only(days: str) -> None:
    cursor = ask(
        ListTransactions(ledger=days, reference="odd", from_=TIMES[0], to=TIMES[7], limit=2)
    ).next_cursor

    again = ListTransactions(
        ledger=days, reference="odd", from_=TIMES[0], to=TIMES[7], limit=9, cursor=cursor
    )
    assert pages(again) == [["t5"]]
    for changed in (
        ListTransactions(ledger=days, reference="even", cursor=cursor),
        ListTransactions(ledger=days, from_=TIMES[1], cursor=cursor),
        ListTransactions(ledger=days, to=TIMES[6], cursor=cursor),
        ListTransactions(ledger="another", cursor=cursor),
    ):
        with pytest.raises(Problem) as refused:
            ask(changed)
        assert refused.value.code == "invalid_cursor"


def test_a_cursor_of_a_listing_by_time_is_not_for_a_reference(days: str) -> None:
    cursor = ask(ListTransactions(ledger=days, limit=2)).next_cursor

    with pytest.raises(Problem) as refused:
        ask(ListTransactions(ledger=days, reference="odd", cursor=cursor))

    assert refused.value.code == "invalid_cursor"


def test_a_period_that_ends_before_it_begins_is_refused(days: str) -> None:
    with pytest.raises(InvalidField) as refused:
        ask(ListTransactions(ledger=days, from_=TIMES[1], to=TIMES[0]))

    assert refused.value.where == "from"


def test_a_period_of_times_without_an_offset_is_refused(days: str) -> None:
    naive = TIMES[0].replace(tzinfo=None)
    for query, where in (
        (ListTransactions(ledger=days, from_=naive), "from"),
        (ListTransactions(ledger=days, to=naive), "to"),
    ):
        with pytest.raises(InvalidField) as refused:
            ask(query)
        assert refused.value.where == where


def test_a_listing_shows_each_transaction_as_it_is_shown_alone(days: str) -> None:
    listed = ask(ListTransactions(ledger=days)).transactions

    assert listed == [ask(GetTransaction(ledger=days, transaction=id)) for id in IDS]
    assert [each.recorded_at for each in listed] == [rfc3339(time) for time in TIMES]
