"""Amounts over HTTP: exact to the last digit, or refused; in every field that takes one."""

import json
from typing import Any

import pytest

from tests.http.api import Api, assert_problem

LARGE = [2**53 - 1, 2**53 + 1, 10**18, 10**30]
NO_AMOUNTS = [
    "1.0",
    "1e3",
    "true",
    "null",
    '"١٢"',
    '" 1"',
    '"1 "',
    '"+1"',
    '"01"',
    '""',
    "-1",
    '"-1"',
    "0",
    '"0"',
    '"1.0"',
    '"0x1"',
    '"1_000"',
    str(10**30 + 1),
    f'"{10**30 + 1}"',
    "1e999",
    "[]",
]


def raw(api: Api, method: str, path: str, body: str) -> Any:
    """A body as it is written here."""
    return api.request(
        method,
        f"/ledgers/{api.ledger}{path}",
        headers={"Content-Type": "application/json"},
        body=body.encode(),
    )


def transfer(id: str, amount: str, more: str = "") -> str:
    """A transaction with this raw JSON for its amounts."""
    return (
        f'{{"id":"{id}","entries":[{{"account":"bank","direction":"debit","amount":{amount}}},'
        f'{{"account":"vault","direction":"credit","amount":{amount}}}]{more}}}'
    )


@pytest.fixture
def bank(api: Api) -> Api:
    """Two accounts that hold whatever they are asked to."""
    api.open("bank", normal_balance="debit", min_balance=None)
    api.open("vault", min_balance=None)
    return api


@pytest.mark.parametrize("written", [str, lambda amount: f'"{amount}"'], ids=["number", "text"])
@pytest.mark.parametrize("amount", LARGE)
def test_a_large_amount_is_kept_to_the_last_digit_everywhere(
    bank: Api, amount: int, written: Any
) -> None:
    assert raw(bank, "POST", "/transactions", transfer("t", written(amount))).status_code == 201
    held = transfer("h", written(amount), ',"pending":{}')
    assert raw(bank, "POST", "/transactions", held).status_code == 201
    posted = raw(bank, "POST", "/transactions/h/post", f'{{"amount":{written(amount)}}}')
    assert posted.status_code == 200
    limit = raw(bank, "PATCH", "/accounts/vault", f'{{"max_balance":{written(10**30)}}}')
    assert limit.status_code == (200 if 2 * amount <= 10**30 else 422)
    bank.project()

    assert bank.get("/accounts/vault").json_body["posted"] == str(2 * amount)
    entries = bank.get("/accounts/vault/entries").json_body["entries"]
    assert [(e["amount"], e["balance_after"]) for e in entries] == [
        (str(amount), str(amount)),
        (str(amount), str(2 * amount)),
    ]
    assert bank.get("/accounts/vault/statement").json_body["closing_balance"] == str(2 * amount)
    [totals] = bank.get("/trial-balance").json_body["assets"]
    assert (totals["debits"], totals["credits"]) == (str(2 * amount), str(2 * amount))


@pytest.mark.parametrize("amount", NO_AMOUNTS)
def test_what_is_no_amount_is_refused_by_its_place(bank: Api, amount: str) -> None:
    problem = assert_problem(
        raw(bank, "POST", "/transactions", transfer("t", amount)), 400, "invalid_amount"
    )
    fields = [error["field"] for error in problem["errors"]]
    assert fields == ["entries[0].amount", "entries[1].amount"]
    bank.post("/transactions", json.loads(transfer("h", "5", ',"pending":{}')))
    problem = assert_problem(
        raw(bank, "POST", "/transactions/h/post", f'{{"amount":{amount}}}'), 400, "invalid_amount"
    )
    assert [error["field"] for error in problem["errors"]] == ["amount"]


@pytest.mark.parametrize(
    "limit", [each for each in NO_AMOUNTS if each not in ("null", "-1", '"-1"', "0", '"0"')]
)
def test_what_is_no_limit_is_refused(bank: Api, limit: str) -> None:
    for field in ("min_balance", "max_balance"):
        opening = f'{{"asset":"USD/2","normal_balance":"debit","{field}":{limit}}}'
        for reply in (
            raw(bank, "POST", "/accounts", opening),
            raw(bank, "PATCH", "/accounts/vault", f'{{"{field}":{limit}}}'),
        ):
            problem = assert_problem(reply, 400, "invalid_amount")
            assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("digits", [32, 38, 4300, 4301])
def test_what_is_too_large_is_said_to_be_and_not_to_have_a_wrong_form(
    bank: Api, digits: int, sign: str
) -> None:
    number = f"{sign}{'9' * digits}"
    for written in (number, f'"{number}"'):
        replies = [
            raw(bank, "POST", "/transactions", transfer("t", written)),
            raw(bank, "PATCH", "/accounts/vault", f'{{"max_balance":{written}}}'),
        ]
        said = [assert_problem(each, 400, "invalid_amount")["errors"][0] for each in replies]
        assert [(each["field"], each["detail"]) for each in said] == [
            ("entries[0].amount", "an amount is at least 1 and at most 10^30"),
            ("max_balance", "a limit lies between -10^30 and 10^30"),
        ]


def test_one_above_each_limit_is_refused_and_the_limit_itself_is_not(api: Api) -> None:
    api.open("bank", normal_balance="debit", min_balance=None)
    api.open("vault", max_balance=str(2**53 + 1))

    over = api.transfer("t", "bank", "vault", str(2**53 + 2))
    exact = api.transfer("t", "bank", "vault", 2**53 + 1)
    short = api.transfer("u", "vault", "bank", str(2**53 + 2))
    back = api.transfer("u", "vault", "bank", str(2**53 + 1))

    assert_problem(over, 422, "balance_limit_exceeded")
    assert exact.status_code == 201
    assert_problem(short, 422, "insufficient_funds")
    assert back.status_code == 201


def test_a_number_and_its_text_are_the_same_amount(bank: Api) -> None:
    raw(bank, "POST", "/transactions", transfer("t", "5"))

    again = raw(bank, "POST", "/transactions", transfer("t", '"5"'))

    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
