"""How long a poller rests."""

import threading
import time

import pytest

from chalicelib.events.dynamodb import DynamoStore
from chalicelib.local import resting
from chalicelib.local.environment import _rest_until_written
from chalicelib.local.resting import Rest
from chalicelib.tables import connection
from tests.books import Bookkeeper


def test_a_poller_of_an_idle_stream_goes_on_once_something_was_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resting, "_IDLE_SECONDS", 600)
    rest, went_on = Rest(), threading.Event()

    def poll() -> None:
        rest(False, 0.0)
        went_on.set()

    threading.Thread(target=poll, daemon=True).start()
    assert not went_on.wait(0.01)
    rest.wake()

    assert went_on.wait(60)


def test_a_write_before_the_rest_began_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resting, "_IDLE_SECONDS", 0)
    rest = Rest()
    rest.wake()
    assert rest._written.is_set()

    rest(False, 0.0)

    assert not rest._written.is_set()


@pytest.mark.parametrize(
    ("seconds", "rested"), [(0.0, 0.05), (0.01, 0.05), (0.125, 0.375), (9.0, 0.5)]
)
def test_requests_have_three_quarters_of_the_time_of_a_busy_stream(
    monkeypatch: pytest.MonkeyPatch, seconds: float, rested: float
) -> None:
    rests: list[float] = []
    monkeypatch.setattr(time, "sleep", rests.append)

    Rest()(True, seconds)

    assert rests == [rested]


@pytest.mark.usefixtures("moto")
def test_an_append_of_one_and_of_several_events_are_writes(ledger: str) -> None:
    rest = _rest_until_written()
    books = Bookkeeper(ledger, DynamoStore())

    for write in (books.open_till, lambda: books.pay_in("t", 1)):
        rest._written.clear()
        connection().list_tables()
        assert not rest._written.is_set()
        write()
        assert rest._written.is_set()
