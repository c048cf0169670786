"""The model against the system over HTTP, on ministack."""

import json
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest
import urllib3
from chalice.config import Config
from chalice.local import LocalDevServer
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from app import app
from chalicelib.commands import routes
from chalicelib.commands.executor import executor
from chalicelib.domain.fields import rfc3339
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.read_models import accounts, journal, reading
from tests.deliveries import records_of
from tests.engines import free_port
from tests.model.machine import Machine
from tests.model.systems import System
from tests.soak import examples


class Deployed(System):
    """The whole system behind a socket: at the end its read side tells the books."""

    def __init__(self, name: str, now: datetime, url: str) -> None:
        super().__init__(name, DynamoStore(), now, self._over_http)
        self._url = url
        self._http = urllib3.PoolManager(retries=False, timeout=60)
        self._found: dict[str, Any] = {}
        setattr(reading, "clock", lambda: self.now)  # noqa: B010  # Not an attribute to mypy.

    def _over_http(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], Any]:
        url = f"{self._url}{path}"
        reply = self._http.request(method, url, body=body or None, headers=dict(headers))
        return reply.status, reply.headers, json.loads(reply.data)

    def get(self, path: str) -> Any:
        """What a read answers, once everything has been projected and nothing changes any more."""
        if not self._found:
            batch = {"Records": records_of(self.name)}
            for project in (accounts.project_accounts, journal.project_journal):
                assert project(batch, None) == {"batchItemFailures": []}
        if path not in self._found:
            status, _, body = self._over_http("GET", f"/ledgers/{self.name}{path}", b"", {})
            assert status == 200, (path, body)
            self._found[path] = body
        return self._found[path]

    def account(self, id: str) -> Any:
        """An account, alone and in its listing."""
        found = self.get(f"/accounts/{id}")
        assert found in self.pages("/accounts?", "accounts")
        return found

    def entries(self, id: str) -> list[tuple[Any, ...]]:
        """An account's entries, which its statement and its balances over time agree with."""
        found = self.pages(f"/accounts/{id}/entries?", "entries")
        assert found == self.pages(f"/accounts/{id}/statement?", "entries")
        statement = self.get(f"/accounts/{id}/statement")
        assert statement["opening_balance"] == "0"
        assert statement["closing_balance"] == self.get(f"/accounts/{id}")["posted"]
        for entry in found:
            at = self.get(f"/accounts/{id}/balance?at={entry['recorded_at']}")
            last = [each for each in found if each["recorded_at"] == entry["recorded_at"]][-1]
            assert at["posted"] == last["balance_after"]
        names = ("version", "transaction", "direction", "amount", "balance_after", "recorded_at")
        rows = [[entry[name] for name in names] for entry in found]
        return [(v, t, side, int(amount), int(left), at) for v, t, side, amount, left, at in rows]

    def transaction(self, id: str) -> Any:
        """A transaction, alone and in its listings."""
        found = self.get(f"/transactions/{id}")
        assert found in self.pages(f"/transactions?from={rfc3339(START_OF_TIME)}", "transactions")
        pending = self.pages("/transactions?state=pending", "transactions")
        assert (found in pending) == (found["state"] == "pending")
        return found

    def pages(self, path: str, rows: str) -> list[Any]:
        """All rows of a listing, three at a time."""
        found: list[Any] = []
        cursor = ""
        while cursor is not None:
            on = cursor and f"&cursor={cursor}"
            page = self.get(f"{path}&limit=3{on}".replace("?&", "?"))
            found += page[rows]
            cursor = page["next_cursor"]
        return found


START_OF_TIME = datetime.fromisoformat("2025-01-01T00:00:00+00:00")


@pytest.fixture
def machine(ministack: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Machine]]:  # noqa: ARG001  # Asked for its tables.
    """A machine that drives a server of this process, whose clock it can set."""
    monkeypatch.setattr(routes, "executor", executor)  # A system sets its own; this undoes it.
    monkeypatch.setattr(reading, "clock", reading.clock)  # Likewise.
    port = free_port()
    server = LocalDevServer(app, Config(), "127.0.0.1", port)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    class OverHttp(Machine):
        make = staticmethod(lambda name, now: Deployed(name, now, f"http://127.0.0.1:{port}"))

        def teardown(self) -> None:
            super().teardown()
            if hasattr(self, "system"):
                [*assets] = self.system.get("/trial-balance")["assets"]  # type: ignore[attr-defined]  # Of Deployed.
                assert all(each["balanced"] for each in assets)

    yield OverHttp
    server.shutdown()


def test_the_whole_system_answers_as_the_model_does(machine: type[Machine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=examples(3, 20), stateful_step_count=25, deadline=None),
    )
