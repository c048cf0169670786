"""What an old answer costs, and what a refusal does: the same at any history."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chalice.test import Client

from benchmarks.api import Api, furnish, opened
from benchmarks.counting import Meter, Tally
from chalicelib.commands.executor import executor
from tests import engines

Sent = tuple[str, dict[str, Any], dict[str, str]]
"""A path, a body, and headers."""


@pytest.fixture(scope="module")
def client(ministack_endpoint: str) -> Iterator[Client]:
    with engines.connected(ministack_endpoint), opened() as client:
        yield client


@pytest.fixture(scope="module")
def api(client: Client) -> Api:
    return furnish(client, "answers", size=12)


def entries(api: Api, number: int, amount: int = 1) -> list[dict[str, str]]:
    """Entries that go round in pairs."""
    return [
        {"account": id, "direction": "credit" if place % 2 else "debit", "amount": str(amount)}
        for place, id in enumerate(api.accounts[:number])
    ]


def transfer(api: Api, number: int) -> Sent:
    return "/transactions", {"id": api.fresh("t"), "entries": entries(api, number)}, {}


def resolution(api: Api, verb: str) -> Sent:
    """A hold that is made now, resolved by a request with a key."""
    id = api.fresh("h")
    api.post("/transactions", {"id": id, "entries": entries(api, 2), "pending": {}})
    return f"/transactions/{id}/{verb}", {}, {"Idempotency-Key": "k"}


def reversal(api: Api) -> Sent:
    id = api.fresh("t")
    api.post("/transactions", {"id": id, "entries": entries(api, 2)})
    return f"/transactions/{id}/reverse", {"id": api.fresh("r")}, {}


def opening(api: Api) -> Sent:
    body = {"id": api.fresh("a"), "asset": "USD/2", "normal_balance": "credit"}
    return "/accounts", body, {}


def batch(api: Api, atomic: bool) -> Sent:
    transactions = [transfer(api, 2)[1] for _ in range(30)]
    return "/transactions/batch", {"atomic": atomic, "transactions": transactions}, {}


REPLAYS: dict[str, tuple[Callable[[Api], Sent], tuple[int, list[str]], list[str]]] = {
    "open": (opening, (1, ["PutItem"]), ["PutItem", "Query"]),
    "transfer of 2": (
        lambda api: transfer(api, 2),
        (2, ["Query"] * 2 + ["TransactWriteItems"]),
        ["Query"] * 2 + ["TransactWriteItems"],
    ),
    "transfer of 12": (
        lambda api: transfer(api, 12),
        (2, ["Query"] * 12 + ["TransactWriteItems"]),
        ["Query"] * 12 + ["TransactWriteItems"],
    ),
    "post a hold": (
        lambda api: resolution(api, "post"),
        (3, ["Query"] * 3 + ["TransactWriteItems"]),
        ["Query"] * 3,
    ),
    "void a hold": (
        lambda api: resolution(api, "void"),
        (3, ["Query"] * 3 + ["TransactWriteItems"]),
        ["Query"] * 3,
    ),
    "reverse": (
        reversal,
        (3, ["Query"] * 3 + ["TransactWriteItems"]),
        ["Query"] * 3 + ["TransactGetItems"],
    ),
    "batch of 30, atomic": (
        lambda api: batch(api, True),
        (2, ["Query"] * 2 + ["TransactWriteItems"]),
        ["Query"] * 2 + ["TransactWriteItems"],
    ),
    "batch of 30, each on its own": (
        lambda api: batch(api, False),
        (31, ["Query"] * 2 + ["TransactWriteItems"] * 30),
        ["Query"] * 2 + ["TransactWriteItems", "TransactGetItems"],
    ),
}
"""A request; the round trips and calls of the first, and the calls when it is sent again, each by a
process that remembers nothing."""


@pytest.mark.parametrize("name", REPLAYS)
def test_a_replay_costs_at_most_the_first_and_one_read(name: str, api: Api, client: Client) -> None:
    request, (trips, calls), again_calls = REPLAYS[name]
    sent = request(api)

    first, status = tally(client, api, sent)
    again, status_again = tally(client, api, sent)

    assert (status, status_again) in ((201, 200), (200, 200))
    assert (first.round_trips, Counter(operations(first))) == (trips, Counter(calls))
    assert Counter(operations(again)) == Counter(again_calls)
    assert again.round_trips <= first.round_trips + 1
    assert len(again.calls) <= len(first.calls) + 1


@pytest.mark.parametrize("number", [2, 12])
def test_a_replay_by_the_process_that_wrote_it_is_one_call(
    number: int, api: Api, client: Client
) -> None:
    sent = transfer(api, number)
    tally(client, api, sent)

    again, status = tally(client, api, sent, remembers=True)

    assert (status, operations(again)) == (200, ["TransactWriteItems"])


@pytest.mark.parametrize("atomic", [True, False])
def test_replays_take_nothing_from_what_a_process_remembers(
    atomic: bool, api: Api, client: Client
) -> None:
    sent = batch(api, atomic)
    tally(client, api, sent)
    for _ in range(3):
        tally(client, api, sent, remembers=True)

    next_one, status = tally(client, api, transfer(api, 2), remembers=True)

    assert (status, next_one.round_trips) == (201, 1)
    assert operations(next_one) == ["TransactWriteItems"]


def test_a_refusal_costs_a_read_and_a_look_at_any_history(api: Api, client: Client) -> None:
    sent: Sent = "/transactions", {"id": "never", "entries": entries(api, 2, 10**9)}, {}
    costs = []
    for _ in range(3):
        refused, status = tally(client, api, sent)
        assert status == 422
        costs.append((refused.round_trips, operations(refused), refused.units))
        for _ in range(20):
            api.post(*transfer(api, 2)[:2])

    # Two heads, and three places at two units each.
    assert costs == [(2, ["Query", "Query", "TransactGetItems"], (8.0, 0.0))] * 3


def test_a_refusal_by_a_process_that_wrote_the_accounts_loads_them(
    api: Api, client: Client
) -> None:
    tally(client, api, transfer(api, 2))
    sent: Sent = "/transactions", {"id": "never", "entries": entries(api, 2, 10**9)}, {}

    refused, status = tally(client, api, sent, remembers=True)

    assert (status, refused.round_trips) == (422, 2)
    assert operations(refused) == ["Query", "Query", "TransactGetItems"]


def tally(client: Client, api: Api, sent: Sent, *, remembers: bool = False) -> tuple[Tally, int]:
    """What a request calls, and how it was answered."""
    statuses: list[int] = []
    if not remembers:
        executor.cache_clear()
    path, body, headers = sent
    raw = json.dumps(body).encode()
    with Meter().attached() as meter:
        counted = meter.tally(
            lambda: statuses.append(
                client.http.post(
                    f"/ledgers/{api.ledger}{path}",
                    headers={"Content-Type": "application/json", **headers},
                    body=raw,
                ).status_code
            )
        )
    return counted, statuses[0]


def operations(tally: Tally) -> list[str]:
    return [call.operation for call in tally.calls]
