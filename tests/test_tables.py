"""What all tables share: work at the same time, and one client that says little."""

import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import TableError

from chalicelib import __version__, tables
from chalicelib.tables import Named, Table, connection, in_parallel
from tests import engines

_who: ContextVar[str] = ContextVar("who", default="nobody")


@pytest.fixture(autouse=True)
def _connected() -> Iterator[None]:
    with engines.connected("http://127.0.0.1:1"):
        yield


def test_results_come_in_the_order_of_the_items() -> None:
    assert in_parallel(lambda item: item * 2, range(100)) == list(range(0, 200, 2))
    assert in_parallel(str, []) == []


def test_work_goes_on_at_the_same_time() -> None:
    all_there = threading.Barrier(tables._WORKERS, timeout=10)

    in_parallel(lambda _: all_there.wait(), range(tables._WORKERS))


def test_work_within_work_waits_for_nobody_who_waits_for_it() -> None:
    def outer(number: int) -> int:
        return sum(in_parallel(lambda inner: sum(in_parallel(int, [number, inner])), range(3)))

    rows = 3 * tables._WORKERS

    assert in_parallel(outer, range(rows)) == [3 * number + 3 for number in range(rows)]


def test_an_error_is_raised_when_all_work_has_ended() -> None:
    ended = []

    def work(item: int) -> None:
        if item % 2:
            raise KeyError(item)
        ended.append(item)

    with pytest.raises(KeyError, match="1"):
        in_parallel(work, range(50))

    assert sorted(ended) == list(range(0, 50, 2))


def test_work_knows_what_its_caller_knows() -> None:
    _who.set("alice")

    assert in_parallel(lambda _: _who.get(), range(3)) == ["alice"] * 3


def test_a_request_names_the_ledger_and_its_version_and_not_the_system_it_runs_on() -> None:
    agents: list[Any] = []
    events = connection().client.meta.events
    events.register(
        "before-send.dynamodb", lambda request, **_: agents.append(request.headers["User-Agent"])
    )

    with pytest.raises(TableError):
        connection().list_tables()

    assert agents
    assert all(agent.split()[0] == f"twofold/{__version__}".encode() for agent in agents)
    assert not any(b"botocore" in agent.lower() for agent in agents)


def test_servers_that_start_at_the_same_time_create_a_table_once(ministack_endpoint: str) -> None:
    tables_of_one_name = [_note() for _ in range(8)]
    looked = threading.Barrier(len(tables_of_one_name), timeout=10)

    with engines.connected(ministack_endpoint):
        for model in tables_of_one_name:
            _looks_together(model, looked)
        in_parallel(lambda model: tables.create([model]), tables_of_one_name)

        assert tables_of_one_name[0].describe_table()["TableStatus"] == "ACTIVE"


def _note() -> type[Table]:
    class Note(Table):
        class Meta(metaclass=Named):
            name = "notes-of-many-servers"

        id = UnicodeAttribute(hash_key=True)

    return Note


def _looks_together(model: type[Table], looked: threading.Barrier) -> None:
    """Lets no server create its table before every server has found none."""
    exists, first = model.exists, threading.Event()

    def found() -> bool:
        answer = exists()
        if not first.is_set():
            first.set()
            looked.wait()
        return answer

    model.exists = found  # type: ignore[method-assign]  # PynamoDB has no hook.
