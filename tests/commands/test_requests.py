"""Requests: from the JSON of a body to the command it asks for."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from chalicelib.commands.account_requests import OpenAccountRequest
from chalicelib.commands.transaction_requests import NewTransactionRequest
from chalicelib.domain.errors import InvalidAmount, InvalidField
from tests.domain.books import credit, debit, opening, posting


def transfer(amount: str = "1", rest: str = "") -> NewTransactionRequest:
    """A transaction's body, with this raw JSON for its second amount and after its entries."""
    return msgspec.json.decode(
        '{"entries":[{"account":"cash","direction":"debit","amount":"1"},'
        f'{{"account":"alice","direction":"credit","amount":{amount}}}]{rest}}}',
        type=NewTransactionRequest,
    )


def account(rest: str) -> OpenAccountRequest:
    """An account's body, with this raw JSON at its end."""
    return msgspec.json.decode(
        f'{{"id":"cash","asset":"USD/2","normal_balance":"debit"{rest}}}', type=OpenAccountRequest
    )


def test_a_body_asks_for_its_command() -> None:
    request = transfer(
        "1000",
        ',"id":"order-77","reference":"invoice 1009","metadata":{"k":"v"},'
        '"effective_at":"2026-11-01T05:45:00+05:45"',
    )

    assert request.command("acme", key=None, new_id="made") == posting(
        "order-77",
        debit("cash", 1),
        credit("alice", 1000),
        reference="invoice 1009",
        metadata={"k": "v"},
        effective_at=datetime(2026, 11, 1, tzinfo=UTC),
    )
    assert account(',"min_balance":"-5","max_balance":7').command("acme", new_id="made") == opening(
        "cash", min_balance=-5, max_balance=7
    )


def test_what_is_left_out_has_its_default() -> None:
    assert transfer().command("acme", key=None, new_id="made") == posting(
        "made", debit("cash", 1), credit("alice", 1)
    )
    assert account("").command("acme", new_id="made") == opening("cash", min_balance=0)
    unlimited = account(',"min_balance": null , "max_balance":\tnull').command(
        "acme", new_id="made"
    )
    assert (unlimited.account, unlimited.min_balance, unlimited.max_balance) == ("cash", None, None)


@pytest.mark.parametrize(
    ("raw", "amount"),
    [
        ("9007199254740993", 2**53 + 1),
        ('"9007199254740993"', 2**53 + 1),
        ("1" + "0" * 30, 10**30),
        ('"1' + "0" * 30 + '"', 10**30),
    ],
)
def test_an_amount_is_read_to_its_last_digit(raw: str, amount: int) -> None:
    assert transfer(raw).command("acme", key=None, new_id="made").entries[1].amount == amount


@pytest.mark.parametrize(
    "raw",
    [
        *["1.0", "1e3", "1E400", "100000000000000000000.0", "true", "null", "{}", "[1]", "0", "-1"],
        *['"1.0"', '"1e3"', '"+1"', '"01"', '" 1"', '""', '"-0"', "-0", '"\\u0661"'],
        *["1" + "0" * 29 + "1", "9" * 5000, '"' + "9" * 5000 + '"', "-" + "9" * 5000],
    ],
    ids=lambda raw: raw[:12],
)
def test_what_is_no_amount_in_json_is_refused_by_its_place(raw: str) -> None:
    request = transfer(raw)

    with pytest.raises(InvalidAmount) as refused:
        request.command("acme", key=None, new_id="made")

    assert refused.value.where == "entries[1].amount"


@pytest.mark.parametrize(
    "raw", ["0.5", "1e3", "false", '"-0"', '""', "9" * 31, "9" * 5000], ids=lambda raw: raw[:32]
)
@pytest.mark.parametrize("limit", ["min_balance", "max_balance"])
def test_what_is_no_limit_in_json_is_refused(raw: str, limit: str) -> None:
    request = account(f',"{limit}":{raw}')

    with pytest.raises(InvalidAmount) as refused:
        request.command("acme", new_id="made")

    assert refused.value.where == limit


@pytest.mark.parametrize(
    "time", ["2026-11-01T00:00:00", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"]
)
def test_a_time_that_is_no_instant_is_refused(time: str) -> None:
    request = transfer(rest=f',"effective_at":"{time}"')

    with pytest.raises(InvalidField) as refused:
        request.command("acme", key=None, new_id="made")

    assert refused.value.where == "effective_at"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"colour": "blue"}, "unknown field `colour`"),
        ({"metadata": {"k": 1}}, r"Expected `str`, got `int` - at `\$.metadata"),
        ({"id": 77}, r"at `\$.id`"),
    ],
)
def test_a_field_that_is_none_of_ours_is_named(body: dict[str, Any], message: str) -> None:
    for make in (transfer, account):
        rest = msgspec.json.encode(body).decode()[1:-1]
        with pytest.raises(msgspec.ValidationError, match=message):
            make(rest=f",{rest}")
