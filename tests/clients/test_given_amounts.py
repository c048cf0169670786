"""The amounts that the client takes: ints of the smallest unit, and nothing that is nearly one."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from twofold import Entry, Ledger, NewAccount, credit, debit

NO_AMOUNTS = [10.5, 10.0, float("nan"), True, "1050", "10.50", b"1", Decimal(10), Fraction(1), None]

NOWHERE = Ledger("acme", "http://127.0.0.1:9")

TAKES_AN_AMOUNT: dict[str, Callable[[Any], object]] = {
    "debit": lambda amount: debit("cash", amount),
    "credit": lambda amount: credit("cash", amount),
    "Entry": lambda amount: Entry("cash", "debit", amount),
    "NewAccount": lambda amount: NewAccount(
        asset="USD/2", normal_balance="debit", min_balance=amount
    ),
    "open": lambda amount: NOWHERE.accounts.open(
        asset="USD/2", normal_balance="debit", max_balance=amount
    ),
    "change": lambda amount: NOWHERE.accounts.change("cash", min_balance=amount),
    "post_hold": lambda amount: NOWHERE.transactions.post_hold("h", amount=amount),
}

NONE_HAS_A_MEANING = ("NewAccount", "open", "change", "post_hold")
"""No limit, or all that a hold has."""

CASES = [
    (take, amount)
    for take in TAKES_AN_AMOUNT
    for amount in NO_AMOUNTS
    if amount is not None or take not in NONE_HAS_A_MEANING
]


@pytest.mark.parametrize(("take", "amount"), CASES, ids=map(repr, CASES))
def test_what_is_no_int_is_refused_before_anything_is_sent(take: str, amount: Any) -> None:
    with pytest.raises(TypeError) as refused:
        TAKES_AN_AMOUNT[take](amount)

    kind = type(amount).__name__
    assert f"is {amount!r}, a {kind}: give an int of the asset's smallest unit" in str(
        refused.value
    )


@pytest.mark.parametrize("amount", [1, 0, -5, 10**30])
def test_every_int_is_taken_and_left_to_the_ledger_to_judge(amount: int) -> None:
    assert debit("cash", amount).body()["amount"] == str(amount)
    assert NewAccount(asset="USD/2", normal_balance="debit", min_balance=amount).body()[
        "min_balance"
    ] == str(amount)


def test_no_limit_is_none() -> None:
    new = NewAccount(asset="USD/2", normal_balance="debit", min_balance=None)

    assert (new.body()["min_balance"], new.body()["max_balance"]) == (None, None)
