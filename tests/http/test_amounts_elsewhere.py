"""Amounts in limits and in batches: exact, or refused, just as in a transaction of its own."""

import json

import pytest
from chalice.test import HTTPResponse

from tests.http.api import Api, assert_problem
from tests.http.test_amounts import LARGE, NO_AMOUNTS

SENT_AS = [str, lambda number: f'"{number}"']
"""As a number, or as its text, in raw JSON."""


def send(api: Api, method: str, path: str, raw: str) -> HTTPResponse:
    """A body as it is written here."""
    headers = {"Content-Type": "application/json"}
    return api.request(method, f"/ledgers/{api.ledger}{path}", headers=headers, body=raw.encode())


@pytest.mark.parametrize("sent_as", SENT_AS, ids=["number", "text"])
@pytest.mark.parametrize("size", [0, 1, *LARGE])
def test_a_limit_is_kept_to_the_last_digit(api: Api, size: int, sent_as: type[str]) -> None:
    limits = f'"min_balance":{sent_as(-size)},"max_balance":{sent_as(size)}'

    opened = send(
        api, "POST", "/accounts", f'{{"id":"a","asset":"USD/2","normal_balance":"debit",{limits}}}'
    )
    api.open("b", normal_balance="debit")
    changed = send(api, "PATCH", "/accounts/b", f"{{{limits}}}")
    api.project()

    for id, reply in (("a", opened), ("b", changed)):
        shown = api.get(f"/accounts/{id}").json_body
        assert shown == reply.json_body
        assert (shown["min_balance"], shown["max_balance"]) == (str(-size), str(size))


@pytest.mark.parametrize("limit", ["null", "0", '"0"', "-1", '"-1"', str(-(10**30))])
def test_a_lower_limit_may_be_none_or_negative(api: Api, limit: str) -> None:
    raw = f'{{"id":"a","asset":"USD/2","normal_balance":"debit","min_balance":{limit}}}'

    account = send(api, "POST", "/accounts", raw).json_body

    said = json.loads(limit)
    assert account["min_balance"] == (None if said is None else str(said))


@pytest.mark.parametrize("limit", ["-0", '"-0"', "-0.0", str(-(10**30) - 1), "1e30", "false"])
@pytest.mark.parametrize("field", ["min_balance", "max_balance"])
def test_what_is_no_limit_is_refused_by_its_name(api: Api, field: str, limit: str) -> None:
    raw = f'{{"id":"a","asset":"USD/2","normal_balance":"debit","{field}":{limit}}}'

    reply = send(api, "POST", "/accounts", raw)

    if limit == "-0":  # A whole number in JSON, and the same one as 0.
        assert reply.json_body[field] == "0"
        return
    problem = assert_problem(reply, 400, "invalid_amount")
    assert [error["field"] for error in problem["errors"]] == [field]


def element(id: str, amount: str) -> str:
    """A transaction with this raw JSON for its second amount."""
    return (
        f'{{"id":"{id}","entries":[{{"account":"bank","direction":"debit","amount":"5"}},'
        f'{{"account":"vault","direction":"credit","amount":{amount}}}]}}'
    )


@pytest.fixture
def bank(api: Api) -> Api:
    """Two accounts that hold whatever they are asked to."""
    api.open("bank", normal_balance="debit", min_balance=None)
    api.open("vault", min_balance=None)
    return api


@pytest.mark.parametrize("atomic", ["true", "false"])
def test_what_is_no_amount_in_a_batch_is_refused_by_its_place(bank: Api, atomic: str) -> None:
    asked = [element(f"t{place}", amount) for place, amount in enumerate(NO_AMOUNTS)]
    raw = f'{{"atomic":{atomic},"transactions":[{",".join([*asked, element("good", "5")])}]}}'

    results = send(bank, "POST", "/transactions/batch", raw).json_body["results"]

    codes = [each.get("problem", {}).get("code") for each in results]
    if atomic == "true":
        assert codes == ["invalid_amount", *["batch_aborted"] * len(NO_AMOUNTS)]
        results = results[:1]
    else:
        assert codes == [*["invalid_amount"] * len(NO_AMOUNTS), None]
        assert results.pop()["status"] == 201
    for each in results:
        assert each["status"] == each["problem"]["status"] == 400
        assert [error["field"] for error in each["problem"]["errors"]] == ["entries[1].amount"]


@pytest.mark.parametrize("sent_as", SENT_AS, ids=["number", "text"])
def test_a_large_amount_in_a_batch_is_kept_to_the_last_digit(bank: Api, sent_as: type[str]) -> None:
    asked = [
        element(f"t{amount}", sent_as(amount)).replace('"5"', sent_as(amount)) for amount in LARGE
    ]

    raw = f'{{"transactions":[{",".join(asked)}]}}'
    results = send(bank, "POST", "/transactions/batch", raw).json_body["results"]

    amounts = [each["transaction"]["entries"][1]["amount"] for each in results]
    assert amounts == [str(amount) for amount in LARGE]
    bank.project()
    assert bank.get("/accounts/vault").json_body["posted"] == str(sum(LARGE))


def test_balances_may_outgrow_the_largest_amount(bank: Api) -> None:
    for number in range(3):
        assert bank.transfer(f"t{number}", "bank", "vault", 10**30).status_code == 201
    assert bank.transfer("h", "bank", "vault", 10**30, pending={}).status_code == 201
    bank.project()

    shown = bank.get("/accounts/vault").json_body
    assert (shown["posted"], shown["pending_credits"]) == (str(3 * 10**30), str(10**30))
    [totals] = bank.get("/trial-balance").json_body["assets"]
    assert totals["credits"] == str(3 * 10**30)
    assert bank.get("/accounts/vault/balance").json_body["posted"] == str(3 * 10**30)
