"""Well formed: a command that exists is one the ledger can take, whoever made it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from chalicelib.domain.errors import InvalidAmount, InvalidField
from chalicelib.domain.transaction.commands import Entry
from tests.domain.books import credit, debit, opening, posting


@pytest.mark.parametrize("amount", [True, 1.0, "1", None], ids=repr)
def test_an_amount_that_is_no_integer_makes_no_command(amount: Any) -> None:
    with pytest.raises(InvalidAmount) as refused:
        posting("t", debit("cash", amount), credit("alice", amount))

    assert refused.value.where == "entries[0].amount"


@pytest.mark.parametrize("limit", [True, -1.5, "-1"], ids=repr)
def test_a_limit_that_is_no_integer_makes_no_command(limit: Any) -> None:
    with pytest.raises(InvalidAmount) as refused:
        opening(min_balance=limit)

    assert refused.value.where == "min_balance"


@pytest.mark.parametrize("side", ["sideways", "Debit", "", None], ids=repr)
def test_a_side_that_is_neither_debit_nor_credit_makes_no_command(side: Any) -> None:
    with pytest.raises(InvalidField) as refused:
        opening(normal_balance=side)
    assert refused.value.where == "normal_balance"

    with pytest.raises(InvalidField) as refused:
        posting("t", Entry(account="cash", direction=side, amount=1), credit("alice", 1))
    assert refused.value.where == "entries[0].direction"


@pytest.mark.parametrize(
    "effective_at",
    [
        datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    ],
    ids=["without an offset", "before the year 1"],
)
def test_an_instant_that_not_all_clocks_agree_on_makes_no_command(effective_at: datetime) -> None:
    with pytest.raises(InvalidField) as refused:
        posting("t", debit("cash", 1), credit("alice", 1), effective_at=effective_at)

    assert refused.value.where == "effective_at"
