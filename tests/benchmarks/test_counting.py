import pytest

from benchmarks.counting import Meter, Traffic
from chalicelib.commands.executor import Executor
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.read_models.balances.table import find
from chalicelib.tables import in_parallel
from tests.domain.books import credit, debit, opening, posting

pytestmark = pytest.mark.usefixtures("ministack")


def look(account: str) -> None:
    find("counting", account)


def look_twice(account: str) -> None:
    look(account)
    look(account)


def test_calls_one_after_the_other_are_a_round_trip_each() -> None:
    with Meter().attached() as meter:
        tally = meter.tally(lambda: look_twice("alice"))

    assert (len(tally.calls), tally.round_trips) == (2, 2)


def test_calls_at_the_same_time_are_one_round_trip() -> None:
    with Meter().attached() as meter:
        tally = meter.tally(lambda: in_parallel(look, ["alice", "bob", "carol"]))

    assert (len(tally.calls), tally.round_trips) == (3, 1)


def test_work_at_the_same_time_takes_as_long_as_its_longest() -> None:
    def work(times: int) -> None:
        for _ in range(times):
            look("alice")

    with Meter().attached() as meter:
        tally = meter.tally(lambda: in_parallel(work, [1, 3, 2]))

    assert (len(tally.calls), tally.round_trips) == (6, 3)


def test_what_waits_for_several_follows_the_last_of_them() -> None:
    def work() -> None:
        in_parallel(look_twice, ["alice", "bob"])
        look("carol")

    with Meter().attached() as meter:
        tally = meter.tally(work)

    assert (len(tally.calls), tally.round_trips) == (5, 3)


def test_work_at_the_same_time_within_work_at_the_same_time_counts_once_too() -> None:
    def work(accounts: list[str]) -> None:
        in_parallel(look_twice, accounts)

    for workers in (1, 16):
        with Meter().attached(workers) as meter:
            tally = meter.tally(lambda: in_parallel(work, [["alice", "bob"], ["carol", "dave"]]))

        assert (len(tally.calls), tally.round_trips) == (8, 2)


def test_one_thread_for_all_calls_changes_no_count() -> None:
    with Meter().attached(workers=1) as meter:
        tally = meter.tally(lambda: in_parallel(look, ["alice", "bob", "carol"]))

    assert (len(tally.calls), tally.round_trips) == (3, 1)


def test_an_error_of_work_at_the_same_time_is_raised() -> None:
    def work(_: str) -> None:
        raise KeyError("alice")

    with Meter().attached() as meter, pytest.raises(KeyError, match="alice"):
        meter.tally(lambda: in_parallel(work, ["alice", "bob"]))


def test_the_traffic_of_a_process_is_the_round_trips_and_units_of_its_clients(ledger: str) -> None:
    process = Executor(DynamoStore())
    for account in ("alice", "bob"):
        process.execute(opening(account, ledger=ledger, min_balance=None), actor="key-1")
    traffic = Traffic()
    lines = (debit("alice", 1), credit("bob", 1))
    with traffic.attached(workers=4):
        traffic.reset()
        for id in ("a", "b"):
            with traffic.counted():
                process.execute(posting(id, *lines, ledger=ledger), actor="key-1")
        look("alice")

    assert (traffic.trips, traffic.write_units) == (4, 12)
