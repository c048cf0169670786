"""The simulation of a hot account: virtual time, collisions and costs."""

import pytest

from benchmarks.simulation.clients import combining, simulate
from benchmarks.simulation.virtual import VirtualTime


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
