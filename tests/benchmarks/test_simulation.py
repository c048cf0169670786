"""The simulation of a hot account: virtual time, collisions and costs."""

import pytest

from benchmarks.simulation import escrow
from benchmarks.simulation.clients import combining, simulate
from benchmarks.simulation.throttling import Buckets, Throttled
from benchmarks.simulation.virtual import VirtualTime
from chalicelib.events.store import Busy


def test_threads_run_in_the_order_in_which_their_sleep_ends() -> None:
    time = VirtualTime()
    seen: list[tuple[str, float]] = []

    def work(name: str, seconds: float) -> None:
        for _ in range(2):
            time.sleep(seconds)
            seen.append((name, time.now))

    time.start(lambda: work("slow", 2.5))
    time.start(lambda: work("quick", 1.0))
    time.run()

    assert seen == [("quick", 1.0), ("quick", 2.0), ("slow", 2.5), ("slow", 5.0)]


def test_works_run_together_take_as_long_as_the_longest_and_raise_the_first_error() -> None:
    time, ended = VirtualTime(), list[float]()

    def fail() -> None:
        time.sleep(1.0)
        raise ValueError("first")

    def work() -> None:
        time.together([lambda: time.sleep(3.0), lambda: time.sleep(1.0)])
        ended.append(time.now)
        with pytest.raises(ValueError, match="first"):
            time.together([lambda: time.sleep(2.0), fail])
        ended.append(time.now)

    time.start(work)
    time.run()

    assert ended == [3.0, 5.0]


def test_an_error_of_a_thread_ends_the_simulation() -> None:
    time = VirtualTime()

    def fail() -> None:
        time.sleep(1.0)
        raise ValueError("of a thread")

    time.start(fail)
    time.start(lambda: time.sleep(5.0))
    with pytest.raises(ValueError, match="of a thread"):
        time.run()


def test_one_client_writes_six_units_a_transfer_and_is_never_refused() -> None:
    outcome = simulate(1, seconds=2, seed=3)

    assert outcome.refused == 0
    assert outcome.units["write"] == 6 * len(outcome.seconds)
    assert len(outcome.seconds) > 60


def test_clients_that_collide_write_more_units_and_one_seed_is_one_result() -> None:
    outcome, again = (simulate(4, seconds=2, seed=3) for _ in range(2))

    assert outcome == again
    assert outcome.units["write"] > 6 * len(outcome.seconds)


def test_one_client_costs_the_same_with_an_inbox() -> None:
    assert simulate(1, seconds=2, seed=3, executor=combining) == simulate(1, seconds=2, seed=3)


def test_combined_transfers_are_many_and_cost_at_most_ten_units() -> None:
    outcome = simulate(32, seconds=1.5, seed=3, executor=combining)

    assert outcome.refused == 0
    assert len(outcome.seconds) / 1.5 > 200
    assert outcome.units["write"] <= 10 * len(outcome.seconds)


def test_a_key_takes_its_capacity_and_a_request_that_fails_takes_nothing() -> None:
    time = VirtualTime()
    buckets = Buckets(time, 10)

    buckets.take({"a": 8, "b": 1})
    with pytest.raises(Busy):
        buckets.take({"a": 3, "b": 1})
    buckets.take({"b": 9})
    time.now += 0.5
    buckets.take({"a": 7, "b": 5})
    with pytest.raises(Busy):
        buckets.take({"b": 1})

    assert buckets.throttled == 2


def test_behind_a_limit_for_each_key_commands_wait_and_none_is_refused() -> None:
    limited = Throttled(capacity=200)

    outcome = simulate(24, seconds=3, seed=3, executor=limited)

    assert limited.buckets is not None
    assert limited.buckets.throttled > 0
    assert outcome.refused == 0
    # Two units of the account's key for each transfer, from a bucket that was full at first, and
    # those of the clients that are under way at the end.
    assert 100 < len(outcome.seconds) <= 100 * (3 + 1) + 24


@pytest.mark.parametrize("lends", [True, False])
def test_a_shared_limit_declines_only_what_the_pool_cannot_pay(lends: bool) -> None:
    rich = escrow.simulate(12, escrow.PLENTY, lends=lends, seconds=1, seed=3)
    poor = escrow.simulate(12, escrow.SCARCE // 4, lends=lends, seconds=1, seed=3)

    assert (rich.declined, rich.loans, rich.refused) == (0, 0, 0)
    assert 0 < poor.declined < len(poor.seconds) / 2
    assert (poor.loans > 0) is lends
