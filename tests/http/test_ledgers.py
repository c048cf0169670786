"""Which ledgers there are, and what is said of one of which nothing has arrived."""

import json
from typing import Any

import pytest
from chalice.test import Client
from pynamodb.expressions.condition import Condition

from app import app
from chalicelib import tables
from chalicelib.http.request import Caller, Request
from chalicelib.read_models import ledger_queries, ledgers
from tests.deliveries import records_of
from tests.http.api import Api, assert_problem
from tests.projected import forget_written

NAMES = ("acme", "acme-2", "acme.eu", "acme:us", "beta")


@pytest.fixture(scope="module")
def client(moto: None) -> Client:  # noqa: ARG001  # Asked for its tables.
    """The app, and ledgers whose names are easily confused."""
    made = Client(app)
    for name in NAMES:
        api = Api(made, name)
        api.open("cash", normal_balance="debit", min_balance=None)
        api.open("more")
        if name.startswith("acme"):
            api.open("euros", asset="EUR/2")
        api.project()
    Api(made, "silent").open("cash")
    return made


@pytest.fixture(params=["accounts", "journal"])
def half(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The Read API that answers."""
    only = type("Half", (), {"serves": (request.param,)})()
    monkeypatch.setattr(ledger_queries, "settings", lambda: only)
    return str(request.param)


def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        reply = client.http.get(f"/ledgers{query}{cursor}")
        assert reply.status_code == 200, reply.body
        found += reply.json_body["ledgers"]
        if reply.json_body["next_cursor"] is None:
            return found
        sign = "&" if query else "?"
        cursor = f"{sign}cursor={reply.json_body['next_cursor']}"


def opening(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Lets the caller's key open these ledgers."""
    caller = Caller("till", frozenset({"read"}), frozenset(names))
    before = Request.__init__

    def made(self: Request, *arguments: Any) -> None:
        before(self, *arguments)
        self.caller = caller

    monkeypatch.setattr(Request, "__init__", made)


@pytest.mark.usefixtures("half")
@pytest.mark.parametrize("limit", ["", "?limit=1", "?limit=2", "?limit=5"])
def test_the_ledgers_are_listed_in_order_with_their_assets(client: Client, limit: str) -> None:
    assert listed(client, limit) == [
        {"id": "acme", "assets": ["EUR/2", "USD/2"]},
        {"id": "acme-2", "assets": ["EUR/2", "USD/2"]},
        {"id": "acme.eu", "assets": ["EUR/2", "USD/2"]},
        {"id": "acme:us", "assets": ["EUR/2", "USD/2"]},
        {"id": "beta", "assets": ["USD/2"]},
    ]


@pytest.mark.usefixtures("half")
@pytest.mark.parametrize("limit", ["", "?limit=1"])
def test_a_key_sees_those_that_it_opens(
    client: Client, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening(monkeypatch, "beta", "acme", "silent", "nobodys")

    assert [each["id"] for each in listed(client, limit)] == ["acme", "beta"]


@pytest.mark.usefixtures("half")
def test_a_key_that_opens_no_ledger_sees_none(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening(monkeypatch)

    assert listed(client) == []


@pytest.mark.parametrize("cursor", ["", "surprise", "AAAA"])
def test_what_is_no_cursor_of_the_ledgers_is_refused(client: Client, cursor: str) -> None:
    accounts = client.http.get("/ledgers/acme/accounts?limit=1").json_body["next_cursor"]

    for each in (cursor, accounts):
        assert_problem(client.http.get(f"/ledgers?cursor={each}"), 400, "invalid_cursor")


@pytest.mark.parametrize(
    "path", ["accounts", "accounts?prefix=a", "transactions", "trial-balance", "status"]
)
@pytest.mark.parametrize("ledger", ["nobodys", "acm", "acme-", "silent"])
def test_of_a_ledger_of_which_nothing_has_arrived_there_is_no_listing(
    client: Client, ledger: str, path: str
) -> None:
    reply = client.http.get(f"/ledgers/{ledger}/{path}")

    problem = assert_problem(reply, 404, "ledger_not_found")
    assert problem["ledger"] == ledger


@pytest.mark.parametrize(
    "path",
    [
        "accounts?prefix=zz",
        "transactions",
        "transactions?state=pending",
        "transactions?reference=r",
    ],
)
def test_a_listing_of_a_ledger_that_is_there_may_be_empty(client: Client, path: str) -> None:
    reply = client.http.get(f"/ledgers/acme/{path}")

    assert reply.status_code == 200
    assert reply.json_body["next_cursor"] is None


def test_a_ledger_is_there_as_soon_as_its_first_account_has_arrived(api: Api) -> None:
    api.open("cash")
    assert_problem(api.get("/accounts"), 404, "ledger_not_found")

    api.project()

    assert [each["id"] for each in api.get("/accounts").json_body["accounts"]] == ["cash"]
    assert api.get("/transactions").json_body["transactions"] == []
    assert [each["asset"] for each in api.get("/trial-balance").json_body["assets"]] == ["USD/2"]


def test_a_process_registers_an_asset_of_a_ledger_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    put: list[str] = []
    written = tables.saved

    def counted(row: ledgers.LedgerRow, condition: Condition) -> bool:
        put.append(f"{type(row).__name__} {row.place}")
        return written(row, condition)

    monkeypatch.setattr(ledgers, "saved", counted)
    for number in range(3):
        api.open(f"a{number}")
        api.project()

    assert sorted(put) == [
        f"{stack} {api.ledger} USD/2" for stack in ("AccountsLedger", "JournalLedger")
    ]

    forget_written()  # As another process, which finds the row there.
    api.project()
    assert len(put) == 4
    assert json.loads(api.get("/trial-balance").body)["events"] == len(records_of(api.ledger))
