"""The machine on the store in memory."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from chalice.test import Client

from app import app
from chalicelib.commands import routes
from chalicelib.commands.executor import executor
from tests.model.machine import Machine
from tests.model.systems import in_memory


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Machine]]:
    """A machine that drives the app in this process."""
    monkeypatch.setattr(routes, "executor", executor)  # A system sets its own; this undoes it.
    with Client(app) as client:

        def send(
            method: str, path: str, body: bytes, headers: Mapping[str, str]
        ) -> tuple[int, Mapping[str, str], Any]:
            reply = client.http.request(method, path, headers=dict(headers), body=body)
            return reply.status_code, reply.headers, json.loads(reply.body)

        class InMemory(Machine):
            make = staticmethod(lambda name, now: in_memory(name, now, send))

        yield InMemory
