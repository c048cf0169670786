"""What a journal becomes, for journals of any shape: names that can be read back, whole parts."""

import re
from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journals.comparing import Difference, differences
from journals.model import Extra, Journal, JournalTransaction, Notices, Posting
from journals.names import account_id, asset_code
from journals.plan import Plan, plan_of
from twofold import Account, Ledger, Problem

from chalicelib.domain.fields import check_asset, check_new_id

COMMODITIES = ("USD", "$", "Chocolate Frogs")
ACCOUNTS = ("assets:bank", "assets:bank:USD", "Übersetzung & co", "a.b_c-d")

postings = st.builds(
    Posting,
    account=st.sampled_from(ACCOUNTS),
    commodity=st.sampled_from(COMMODITIES),
    number=st.decimals(min_value=-100, max_value=100, places=3),
    is_virtual=st.booleans(),
    note=st.text(max_size=60),
)
transactions = st.builds(
    JournalTransaction,
    date=st.dates(min_value=date(1, 1, 1)),
    description=st.text(max_size=300),
    reference=st.text(max_size=300),
    metadata=st.dictionaries(st.text(max_size=10), st.text(max_size=3000), max_size=3),
    postings=st.lists(postings, max_size=230).map(tuple),
)


def read_back(written: str) -> str:
    """The name that was written so."""
    if written.startswith("x..") or written == "x.":
        written = written[2:]
    return re.sub(
        r"_|\.([0-9a-f]+)\.", lambda found: chr(int(found[1], 16)) if found[1] else " ", written
    )


@settings(max_examples=50)
@given(st.text(max_size=25), st.text(max_size=6))
def test_names_can_be_read_back_from_ids(account: str, commodity: str) -> None:
    id, code = account_id(account, commodity), asset_code(commodity)

    check_new_id(id, "id")
    check_asset(f"{code}/2")
    if len(id) < 128 and len(code) < 32:
        assert tuple(map(read_back, id.rsplit(":", 1))) == (account, commodity)


@settings(max_examples=20)
@given(st.text(min_size=100, max_size=300), st.text(min_size=1, max_size=3))
def test_long_names_differ_where_their_ends_do(account: str, more: str) -> None:
    one, other = account_id(account, "USD"), account_id(account + more, "USD")

    check_new_id(one, "id")
    assert one != other


@settings(max_examples=30)
@given(st.lists(transactions, min_size=1, max_size=4))
def test_every_plan_balances_fits_and_holds_what_the_journal_holds(
    given: list[JournalTransaction],
) -> None:
    extra = Extra("equity:conversion", "equity:unbalanced", "equity:split")
    held: Counter[tuple[str, str]] = Counter()
    for each in given:
        for posting in each.postings:
            held[posting.account, posting.commodity] += Fraction(posting.number)  # type: ignore[assignment]
    journal = Journal("hledger", tuple(given), held, extra, ("equity",), Notices())  # type: ignore[arg-type]

    plan = plan_of(journal, {"USD": 5})

    total: Counter[str] = Counter()
    for new in plan.transactions:
        sums: Counter[str | None] = Counter()
        for entry in new.entries:
            signed = entry.amount if entry.direction == "debit" else -entry.amount
            sums[entry.asset] += signed
            total[entry.account] += signed
            assert plan.accounts[entry.account].asset == entry.asset
        assert set(sums.values()) == {0}
        assert 2 <= len(new.entries) <= 96
    scale = {id: int(new.asset.rpartition("/")[2]) for id, new in plan.accounts.items()}
    assert {id: Fraction(total[id], 10 ** scale[id]) for id in plan.accounts} == {
        id: plan.expected[id] for id in plan.accounts
    }
    assert all(plan.expected[id] == 0 for id in plan.expected.keys() - plan.accounts.keys())
    assert len({new.id for new in plan.transactions}) == len(plan.transactions)


def test_a_second_plan_is_the_same_and_what_was_added_leaves_the_ids_of_the_rest() -> None:
    def journal(*amounts: str) -> Journal:
        made = tuple(
            JournalTransaction(
                date(2024, 1, 1),
                "coffee",
                "coffee",
                {},
                (
                    Posting("expenses", "USD", Decimal(amount)),
                    Posting("cash", "USD", -Decimal(amount)),
                ),
            )
            for amount in amounts
        )
        return Journal("hledger", made, {}, Extra("c", "u", "s"), (), Notices())

    def ids(*amounts: str) -> list[str | None]:
        return [new.id for new in plan_of(journal(*amounts), {}).transactions]

    assert ids("3.10", "2.00", "3.10") == ids("3.10", "2.00", "3.10")
    assert set(ids("3.10", "2.00", "3.10")) < set(ids("1.00", "3.10", "3.10", "2.00", "3.10"))


class Slow:
    """A Read API whose one account comes nearer to its version each time it is listed, up to a
    point, and that has it never within the time that a read may wait.
    """

    def __init__(self, up_to: int) -> None:
        self.accounts, self._up_to, self._version = self, up_to, 0

    def list(self) -> list[Account]:
        self._version = min(self._version + 1, self._up_to)
        return [msgspec.convert({**ACCOUNT, "version": self._version}, Account, strict=False)]

    def get(self, id: str, *, min_version: int) -> Account:
        raise Problem(503, {"code": "projection_behind", "detail": f"{id} {min_version}"})


ACCOUNT = {
    **dict.fromkeys(("posted", "pending_debits", "pending_credits", "available"), "0"),
    **dict.fromkeys(("opened_at", "recorded_at"), "2026-01-01T00:00:00Z"),
    "id": "cash:USD",
    "ledger": "l",
    "asset": "USD/2",
    "normal_balance": "debit",
    "min_balance": None,
    "max_balance": None,
    "frozen": {"debits": False, "credits": False},
    "state": "open",
    "metadata": {},
}


def test_a_read_side_that_moves_is_waited_for_and_one_that_stands_still_is_not() -> None:
    told: list[int] = []

    def compare(up_to: int) -> list[Difference]:
        slow = cast(Ledger, Slow(up_to))
        return differences(slow, Plan(), {"cash:USD": 4}, lambda _, done, __: told.append(done))

    assert compare(4) == []
    assert told == [0, 0, 0, 1]
    with pytest.raises(Problem, match="projection_behind"):
        compare(3)
