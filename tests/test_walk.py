"""How far a warm transfer walks through the code: a reader has to follow it."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from app import app
from benchmarks.invocations import request, transfer
from chalicelib.commands import executor
from chalicelib.settings import settings, using
from tests.memory_store import MemoryStore
from tests.walk import Walk, walked

MOST_FILES, MOST_FUNCTIONS, MOST_SWITCHES = 18, 90, 47

_CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)


@pytest.fixture
def walk(monkeypatch: pytest.MonkeyPatch) -> Walk:
    """The walk of a transfer between two accounts whose heads are cached."""
    store = MemoryStore()
    monkeypatch.setattr(executor, "DynamoStore", lambda: store)
    executor.executor.cache_clear()
    with using(replace(settings(), in_lambda=True)):
        executor.executor()  # As deployed: on a laptop the threads of one process take turns.
    for id, normal_balance in (("cash", "debit"), ("alice", "credit")):
        body = {"id": id, "asset": "USD/2", "normal_balance": normal_balance}
        app(request("POST", "/ledgers/{ledger}/accounts", body, ledger="acme"), _CONTEXT)
    statuses = [app(transfer("acme", "cash", "alice", "first"), _CONTEXT)["statusCode"]]
    second = transfer("acme", "cash", "alice", "second")
    walk = walked(lambda: statuses.append(app(second, _CONTEXT)["statusCode"]))
    executor.executor.cache_clear()
    assert statuses == [201, 201]
    return walk


def test_a_warm_transfer_stays_within_its_files_functions_and_switches(walk: Walk) -> None:
    found = len(walk.files), len(walk.functions), walk.switches

    assert all(
        one <= most
        for one, most in zip(found, (MOST_FILES, MOST_FUNCTIONS, MOST_SWITCHES), strict=True)
    ), (found, sorted(walk.functions))
    assert {"commands/executor.py", "http/router.py", "events/recorded.py"} <= walk.files
