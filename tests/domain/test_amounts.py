"""Amounts: what counts as a whole number of the smallest unit, and what does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidAmount
from chalicelib.domain.fields import (
    MAX_AMOUNT,
    NOT_WHOLE,
    check_amount,
    check_limit,
    parse_limit,
    whole_number,
)

WHOLE = [1, 2**53 - 1, 2**53, 2**53 + 1, 2**63, 2**64, 10**18, 10**30 - 1, 10**30]

NO_NUMBERS = [
    "01",
    "00",
    "+1",
    " 1",
    "1 ",
    "1\n",
    "1.0",
    "1.",
    "1e3",
    "1_000",
    "1,000",
    "0x10",
    "\u0661\u0662",  # Arabic-Indic digits, which int() would take,
    "\uff11\uff12",  # and fullwidth ones.
    "\u00b2",
    "-0",
    "--1",
    "-",
    "",
    "ten",
    True,
    False,
    1.0,
    1e3,
    float("nan"),
    float("inf"),
    None,
    b"1",
    ["1"],
    {"amount": 1},
]


def parse_amount(value: object, where: str) -> int:
    """What a request and its command make of a value together."""
    amount = whole_number(value, where)
    check_amount(amount, where)
    return amount


@pytest.mark.parametrize("amount", WHOLE)
def test_an_amount_is_an_integer_or_the_same_in_digits(amount: int) -> None:
    assert parse_amount(amount, "amount") == amount
    assert parse_amount(str(amount), "amount") == amount


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: repr(value)[:12])
def test_what_two_systems_could_read_differently_is_no_amount(value: object) -> None:
    with pytest.raises(InvalidAmount) as refused:
        parse_amount(value, "entries[3].amount")

    assert (refused.value.where, refused.value.code) == ("entries[3].amount", "invalid_amount")
    assert refused.value.why == NOT_WHOLE


@pytest.mark.parametrize(
    "value",
    [
        0,
        -1,
        10**30 + 1,
        10**5000,
        "0",
        "-1",
        "1000000000000000000000000000001",
        "9" * 38,
        "9" * 5000,
    ],
    ids=lambda value: "5001 digits" if value == 10**5000 else repr(value)[:40],
)
def test_an_amount_is_at_least_one_and_at_most_10_to_the_30(value: object) -> None:
    with pytest.raises(InvalidAmount) as refused:
        parse_amount(value, "amount")

    assert refused.value.why == "an amount is at least 1 and at most 10^30"


@given(st.one_of(st.integers(), st.text(), st.floats(), st.booleans(), st.none()))
def test_whatever_is_sent_is_an_amount_in_range_or_refused(value: object) -> None:
    try:
        amount = parse_amount(value, "amount")
    except InvalidAmount:
        return
    assert type(amount) is int
    assert 1 <= amount <= MAX_AMOUNT
    assert value in (amount, str(amount))


def test_no_limit_is_no_limit() -> None:
    assert parse_limit(None, "min_balance") is None


@pytest.mark.parametrize("limit", [0, -1, 1, 2**53 + 1, 10**30, -(10**30)])
def test_a_limit_may_be_negative(limit: int) -> None:
    assert parse_limit(limit, "min_balance") == limit
    assert parse_limit(str(limit), "min_balance") == limit


@pytest.mark.parametrize(
    "value",
    [10**30 + 1, -(10**30) - 1, "-1" + "0" * 29 + "1", "-" + "9" * 5000],
    ids=lambda value: repr(value)[:40],
)
def test_a_limit_lies_between_minus_and_plus_10_to_the_30(value: object) -> None:
    with pytest.raises(InvalidAmount) as refused:
        parse_limit(value, "max_balance")

    assert refused.value.where == "max_balance"
    assert refused.value.why == "a limit lies between -10^30 and 10^30"


@pytest.mark.parametrize("value", [False, 0.0, "-0", "-01", "", "\u0660"])
def test_a_limit_is_read_as_strictly_as_an_amount(value: object) -> None:
    with pytest.raises(InvalidAmount, match="min_balance: an amount is a whole number"):
        parse_limit(value, "min_balance")


@pytest.mark.parametrize("value", [True, 1.0, "1", 10**5000], ids=["bool", "float", "text", "long"])
def test_only_an_integer_in_range_passes_for_an_amount_or_a_limit(value: Any) -> None:
    check_amount(1, "amount")
    check_limit(-1, "amount")
    for check in (check_amount, check_limit):
        with pytest.raises(InvalidAmount):
            check(value, "amount")
