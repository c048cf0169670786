"""Calls to the app as API Gateway makes them, and what every error looks like."""

import json
from collections.abc import Iterator
from typing import Any

from chalice.test import Client, HTTPResponse

from app import app
from chalicelib.http.problems import CONTENT_TYPE
from chalicelib.read_models import accounts, journal
from tests.deliveries import records_of


class Api:
    """One ledger of the app, behind Chalice's test client."""

    def __init__(self, client: Client, ledger: str) -> None:
        self._client = client
        self.ledger = ledger

    def get(self, path: str) -> HTTPResponse:
        """A read of this ledger."""
        return self._client.http.get(f"/ledgers/{self.ledger}{path}")

    def post(self, path: str, body: object, headers: dict[str, str] | None = None) -> HTTPResponse:
        """A write to this ledger; bytes are sent as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self._client.http.post(f"/ledgers/{self.ledger}{path}", headers=sent, body=raw)

    def patch(self, path: str, body: object, headers: dict[str, str] | None = None) -> HTTPResponse:
        """A change to what is in this ledger."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        raw = json.dumps(body).encode()
        return self._client.http.request(
            "PATCH", f"/ledgers/{self.ledger}{path}", headers=sent, body=raw
        )

    def hold(
        self, id: str, debit: str, credit: str, amount: object, seconds: int | None = 600
    ) -> Any:
        """A pending transaction of two entries."""
        reply = self.transfer(id, debit, credit, amount, pending={"timeout_seconds": seconds})
        assert reply.status_code == 201, reply.body
        return reply.json_body

    def request(self, method: str, path: str, **arguments: Any) -> HTTPResponse:
        """Any request, not only of this ledger."""
        return self._client.http.request(method, path, **arguments)

    def open(self, id: str, **fields: object) -> Any:
        """An account of this ledger, credit-normal unless said otherwise."""
        body = {"id": id, "asset": "USD/2", "normal_balance": "credit", **fields}
        reply = self.post("/accounts", body)
        assert reply.status_code in (200, 201), reply.body
        return reply.json_body

    def transfer(
        self, id: str | None, debit: str, credit: str, amount: object, **fields: object
    ) -> HTTPResponse:
        """A transaction of two entries."""
        body: dict[str, object] = {
            "entries": [
                {"account": debit, "direction": "debit", "amount": amount},
                {"account": credit, "direction": "credit", "amount": amount},
            ],
            **fields,
        }
        return self.post("/transactions", body if id is None else {"id": id, **body})

    def project(self) -> None:
        """Delivers everything recorded in this ledger to both stacks."""
        batch = {"Records": records_of(self.ledger)}
        for projector in (accounts.project_accounts, journal.project_journal):
            assert projector(batch, None) == {"batchItemFailures": []}


def client() -> Iterator[Client]:
    """The app behind Chalice's test client."""
    with Client(app) as client:
        yield client


def assert_problem(reply: HTTPResponse, status: int, code: str) -> dict[str, Any]:
    """The body of an error, once it is the problem it should be."""
    assert reply.headers["Content-Type"] == CONTENT_TYPE, reply.body
    body: dict[str, Any] = json.loads(reply.body)
    assert {"type", "title", "status", "code", "detail", "errors"} <= body.keys()
    assert (reply.status_code, body["status"], body["code"]) == (status, status, code), body
    assert body["type"] == f"https://twofold.dev/problems/{code}"
    assert body["detail"]
    return body
