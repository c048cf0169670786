"""Do debits equal credits, per asset?"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.domain.errors import LedgerNotFound
from chalicelib.domain.fields import rfc3339
from chalicelib.read_models import reading
from chalicelib.read_models.totals import projector
from chalicelib.read_models.totals.queries import LAG, Totals, TrialBalance, trial_balance
from chalicelib.read_models.totals.table import SHARDS, TotalRow, account_key
from chalicelib.tables import bucket_of
from tests.ask import ask
from tests.books import Bookkeeper, deliver
from tests.domain.books import credit, debit

pytestmark = pytest.mark.usefixtures("moto")

Line = tuple[str, str, str, bool | None]


def lines(ledger: str) -> list[Line]:
    """Each asset with its debits, its credits, and whether they are equal."""
    answer = ask(TrialBalance(ledger=ledger))
    assert answer.ledger == ledger
    return [(each.asset, each.debits, each.credits, each.balanced) for each in answer.assets]


def test_each_asset_has_its_own_sums(books: Bookkeeper) -> None:
    books.open("till", asset="EUR/2")
    books.open("bob", "credit", asset="EUR/2")
    books.open("points", asset="POINTS/0")
    books.pay_in("t1", 100)
    books.pay_in("t2", 20)
    books.post("t3", debit("till", 7), debit("cash", 3), credit("bob", 7), credit("alice", 3))
    books.post("t4", debit("bob", 2), credit("till", 2))
    books.tell()

    assert msgspec.to_builtins(ask(TrialBalance(ledger=books.ledger))) == {
        "ledger": books.ledger,
        "as_of": rfc3339(books.recorded[-1].recorded_at),
        "events": sum(event.stream.kind == "account" for event in books.recorded),
        "settled": True,
        "assets": [
            {"asset": "EUR/2", "debits": "9", "credits": "9", "balanced": True},
            {"asset": "POINTS/0", "debits": "0", "credits": "0", "balanced": True},
            {"asset": "USD/2", "debits": "123", "credits": "123", "balanced": True},
        ],
    }


def test_sums_are_over_the_accounts_of_every_shard(books: Bookkeeper) -> None:
    ids = [f"customer-{number}" for number in range(30)]
    assert {bucket_of(id, SHARDS) for id in ids} == set(range(SHARDS))
    for id in ids:
        books.open(id, "credit")
    for number, id in enumerate(ids, start=1):
        books.post(f"t{number}", debit("cash", number), credit(id, number))
    for start in range(0, len(books.recorded), 50):
        deliver(books.recorded[start : start + 50])

    assert lines(books.ledger) == [("USD/2", "465", "465", True)]


def test_no_transaction_has_more_than_one_sum_for_which_others_would_have_to_wait(
    books: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        books.open(f"customer-{number}", "credit")
    write, sums = projector._write, []

    def noted(key: projector.Key, *rest: Any) -> None:
        sums.append(key)
        write(key, *rest)

    monkeypatch.setattr(projector, "_write", noted)

    books.tell()

    assert len(sums) == len(set(sums)) == SHARDS


def test_more_accounts_of_one_shard_than_one_transaction_holds_all_count(
    books: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "_ACTIONS", 3)
    monkeypatch.setattr(projector, "shard_of", lambda _: 5)
    for number in range(7):
        books.open(f"customer-{number}", "credit")
        books.post(f"t{number}", debit("cash", 10), credit(f"customer-{number}", 10))
    books.tell()
    deliver(books.recorded)

    assert lines(books.ledger) == [("USD/2", "70", "70", True)]


@pytest.mark.parametrize("seen", [0, 1])
def test_the_same_account_at_another_projector_is_looked_at_again(
    books: Bookkeeper, monkeypatch: pytest.MonkeyPatch, seen: int
) -> None:
    books.pay_in("t1", 100)
    books.pay_in("t2", 20)
    older, newer = books.of("alice")[1:]
    deliver(books.of("alice")[:seen])
    read, elsewhere = TotalRow.batch_get, [newer]

    def then_another_writes(*args: object, **kwargs: object) -> object:
        rows = list(read(*args, **kwargs))  # type: ignore[arg-type]  # Handed on as they came.
        while elsewhere:
            projector.project([elsewhere.pop()])
        return rows

    monkeypatch.setattr(TotalRow, "batch_get", then_another_writes)

    projector.project([older])

    assert lines(books.ledger) == [("USD/2", "0", "120", False)]


def test_a_row_that_was_put_back_to_version_0_is_moved_on(books: Bookkeeper) -> None:
    books.pay_in("t1", 100)
    for id in ("cash", "alice"):
        key = account_key(books.ledger, id)
        TotalRow(*key, version=0, debits=0, credits=0, as_of="").save()

    books.tell()

    assert lines(books.ledger) == [("USD/2", "100", "100", True)]


def test_half_a_transaction_shows_as_a_difference_until_the_rest_is_there(
    books: Bookkeeper,
) -> None:
    books.pay_in("t1", 100)
    books.tell_all_but(books.of("cash")[-1])
    assert lines(books.ledger) == [("USD/2", "0", "100", False)]

    deliver(books.of("cash"))

    assert lines(books.ledger) == [("USD/2", "100", "100", True)]


def test_a_ledger_in_which_nothing_happened_is_not_there(ledger: str) -> None:
    with pytest.raises(LedgerNotFound):
        lines(ledger)


Late = Callable[[timedelta], None]


@pytest.fixture
def half(books: Bookkeeper, monkeypatch: pytest.MonkeyPatch) -> Late:
    """A ledger in which one side of a transaction has not arrived; says so much later what time it
    is.
    """
    books.pay_in("t1", 100)
    books.tell()
    books.pay_in("t2", 20)
    deliver([event for event in books.recorded if event.stream.id != "alice"])
    newest = max(event.recorded_at for event in books.recorded)

    def later(by: timedelta) -> None:
        monkeypatch.setattr(reading, "clock", lambda: newest + by)

    return later


def asked(books: Bookkeeper, *sleeps: Callable[[], object]) -> tuple[Totals, list[float]]:
    """The trial balance, and for how long it waited, while something happens in each wait."""
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) <= len(sleeps):
            sleeps[len(waits) - 1]()

    return trial_balance(TrialBalance(ledger=books.ledger), sleep=sleep), waits


def test_while_a_transaction_arrives_nothing_is_said_of_a_difference(
    books: Bookkeeper, half: Late
) -> None:
    half(LAG)

    totals, waits = asked(books)

    assert (totals.settled, [each.balanced for each in totals.assets]) == (False, [None])
    assert (totals.assets[0].debits, totals.assets[0].credits) == ("120", "100")
    assert waits == []


def test_a_difference_that_stays_when_nothing_arrives_any_more_is_one(
    books: Bookkeeper, half: Late
) -> None:
    half(LAG + timedelta(microseconds=1))

    totals, waits = asked(books)

    assert (totals.settled, [each.balanced for each in totals.assets]) == (True, [False])
    assert sum(waits) < 2


def test_a_late_projection_that_moves_on_says_nothing_of_a_difference(
    books: Bookkeeper, half: Late
) -> None:
    half(timedelta(hours=1))
    books.pay_in("t3", 7)
    moving = [event for event in books.recorded[-3:] if event.stream.id != "alice"]

    totals, _ = asked(books, lambda: deliver(moving))

    assert (totals.settled, [each.balanced for each in totals.assets]) == (False, [None])


def test_what_arrives_while_it_waits_is_counted(books: Bookkeeper, half: Late) -> None:
    half(timedelta(hours=1))

    totals, _ = asked(books, lambda: books.tell())

    assert (totals.settled, [each.balanced for each in totals.assets]) == (True, [True])
    assert totals.assets[0].credits == "120"
