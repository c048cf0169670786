"""Api: the whole app behind Chalice's test client, one ledger of it, and its operations by name."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from chalice.test import Client, HTTPResponse

from app import app
from chalicelib.events.recorded import Recorded
from chalicelib.read_models import accounts, journal

_FEED = 500


class Api:
    """One ledger of the app."""

    def __init__(self, client: Client, ledger: str, account_names: Iterable[str] = ()) -> None:
        self._client = client
        self._ids = count(1)
        self.ledger = ledger
        self.accounts = list(account_names)

    def get(self, path: str) -> HTTPResponse:
        """A read."""
        return self._answered(self._client.http.get(f"/ledgers/{self.ledger}{path}"))

    def post(self, path: str, body: object) -> HTTPResponse:
        """A write."""
        url = f"/ledgers/{self.ledger}{path}"
        raw, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
        return self._answered(self._client.http.post(url, headers=headers, body=raw))

    def fresh(self, name: str) -> str:
        """A new id of this ledger."""
        return f"{name}-{next(self._ids):06d}"

    def _answered(self, reply: HTTPResponse) -> HTTPResponse:
        if reply.status_code >= 300:
            raise RuntimeError(f"the benchmark was refused: {reply.body!r}")
        return reply


@contextmanager
def opened() -> Iterator[Client]:
    """The app."""
    with Client(app) as client:
        yield client


def feed(events: Iterable[Recorded]) -> None:
    """Brings all read models up to these events, as the projectors of both groups do."""
    waiting = list(events)
    for start in range(0, len(waiting), _FEED):
        for read_model in (*accounts.GROUP.projected, *journal.GROUP.projected):
            read_model.project(waiting[start : start + _FEED])


@dataclass(frozen=True)
class Operation:
    """A request that can be made again and again. `ready` does what must have been done before, and
    gives the request.
    """

    name: str
    ready: Callable[[Api], Callable[[], HTTPResponse]]


def _entries(api: Api, number: int) -> list[dict[str, str]]:
    """Entries in pairs of accounts, each of amount 1."""
    return [
        {"account": account, "direction": "credit" if place % 2 else "debit", "amount": "1"}
        for place, account in enumerate(api.accounts[:number])
    ]


def _transaction(api: Api, number: int = 2, **fields: object) -> dict[str, object]:
    return {"id": api.fresh("t"), "entries": _entries(api, number), **fields}


def _post(path: str, body: Callable[[Api], object]) -> Callable[[Api], Callable[[], HTTPResponse]]:
    def ready(api: Api) -> Callable[[], HTTPResponse]:
        sent = body(api)
        return lambda: api.post(path, sent)

    return ready


def _on_new(verb: str, **fields: Any) -> Callable[[Api], Callable[[], HTTPResponse]]:
    """An operation on a transaction that was made for it."""

    def ready(api: Api) -> Callable[[], HTTPResponse]:
        made = _transaction(api, **fields)
        api.post("/transactions", made)
        return lambda: api.post(f"/transactions/{made['id']}/{verb}", {})

    return ready


def _get(path: str) -> Callable[[Api], Callable[[], HTTPResponse]]:
    return lambda api: lambda: api.get(path.format(account=api.accounts[0], transaction="known"))


def _freeze(api: Api) -> Callable[[], HTTPResponse]:
    account = api.fresh("ice")
    api.post("/accounts", {"id": account, "asset": "USD/2", "normal_balance": "credit"})
    return lambda: api.post(f"/accounts/{account}/freeze", {})


def _batch(number: int) -> Callable[[Api], object]:
    return lambda api: {"transactions": [_transaction(api) for _ in range(number)]}


HOLD: Any = {"timeout_seconds": 600}

COMMANDS = (
    Operation(
        "open",
        _post(
            "/accounts",
            lambda api: {"id": api.fresh("a"), "asset": "USD/2", "normal_balance": "credit"},
        ),
    ),
    Operation("freeze", _freeze),
    Operation("transfer, 2 entries", _post("/transactions", _transaction)),
    Operation("transfer, 4 entries", _post("/transactions", lambda api: _transaction(api, 4))),
    Operation("transfer, 10 entries", _post("/transactions", lambda api: _transaction(api, 10))),
    Operation("hold", _post("/transactions", lambda api: _transaction(api, pending=HOLD))),
    Operation("post a hold", _on_new("post", pending=HOLD)),
    Operation("void a hold", _on_new("void", pending=HOLD)),
    Operation("reverse", _on_new("reverse")),
    Operation("batch of 30 transfers, atomic", _post("/transactions/batch", _batch(30))),
)

QUERIES = (
    Operation("account", _get("/accounts/{account}")),
    Operation("accounts, a page of 50", _get("/accounts?limit=50")),
    Operation("balance now", _get("/accounts/{account}/balance")),
    Operation("balance then", _get("/accounts/{account}/balance?at=2026-01-01T00:00:05.000000Z")),
    Operation("entries, a page of 5", _get("/accounts/{account}/entries?limit=5&order=desc")),
    Operation("statement, a page of 5", _get("/accounts/{account}/statement?limit=5")),
    Operation("transaction", _get("/transactions/{transaction}")),
    Operation("transactions of a reference", _get("/transactions?reference=bench")),
    Operation("transactions of a period", _get("/transactions?from=2026-01-01T00:00:00.000000Z")),
    Operation("trial balance", _get("/trial-balance")),
)


def furnish(client: Client, ledger: str, size: int = 10) -> Api:
    """A ledger with some accounts that hold money, and a transaction named `known`, all projected.

    Made through the API, but for the projection: what was recorded is read back and fed.
    """
    from tests.deliveries import events_of  # Here, since most who import this have no use for it.

    api = Api(client, ledger, [f"customers:{number:04d}" for number in range(size)])
    api.post(
        "/accounts",
        {"id": "cash", "asset": "USD/2", "normal_balance": "debit", "min_balance": None},
    )
    for account in api.accounts:
        api.post("/accounts", {"id": account, "asset": "USD/2", "normal_balance": "credit"})
        funding = [
            {"account": "cash", "direction": "debit", "amount": "1000000"},
            {"account": account, "direction": "credit", "amount": "1000000"},
        ]
        api.post("/transactions", {"id": api.fresh("funding"), "entries": funding})
    api.post("/transactions", {**_transaction(api), "id": "known", "reference": "bench"})
    feed(events_of(ledger))
    return api
