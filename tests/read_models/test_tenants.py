"""Tenants: ledgers with the same ids never see one another, whatever is asked."""

from datetime import timedelta

import msgspec
import pytest

from chalicelib.domain.errors import AccountNotFound, LedgerNotFound, TransactionNotFound
from chalicelib.read_models.balances.queries import GetAccount, ListAccounts
from chalicelib.read_models.statements.queries import (
    AccountBalance,
    AccountEntries,
    AccountStatement,
)
from chalicelib.read_models.totals.queries import TrialBalance
from chalicelib.read_models.transactions.queries import GetTransaction, ListTransactions
from tests.ask import Query, ask
from tests.books import Bookkeeper, deliver, later
from tests.read_models.shelves import shelves_of

pytestmark = pytest.mark.usefixtures("moto")


def questions(ledger: str) -> list[Query]:
    """Everything that can be asked about what both ledgers have under the same names."""
    return [
        GetAccount(ledger=ledger, account="alice"),
        ListAccounts(ledger=ledger),
        ListAccounts(ledger=ledger, prefix="a"),
        AccountBalance(ledger=ledger, account="alice", at=later(days=1)),
        AccountEntries(ledger=ledger, account="alice"),
        AccountEntries(ledger=ledger, account="alice", order="desc"),
        AccountStatement(ledger=ledger, account="alice", to=later(days=1)),
        GetTransaction(ledger=ledger, transaction="t1"),
        ListTransactions(ledger=ledger),
        ListTransactions(ledger=ledger, reference="invoice"),
        ListTransactions(ledger=ledger, from_=later(days=-1), to=later(days=1)),
        TrialBalance(ledger=ledger),
    ]


def answers(ledger: str) -> list[str]:
    """What is answered about a ledger, without its name."""
    found = [msgspec.json.encode(ask(question)).decode() for question in questions(ledger)]
    return [answer.replace(ledger, "ledger") for answer in found]


def test_a_ledger_answers_as_if_it_were_the_only_one(ledger: str) -> None:
    # Names of which one begins with the other, in every way that an id can go on.
    names = [ledger, f"{ledger}0", f"{ledger}-", f"{ledger}.", f"{ledger}:", f"{ledger}_alice"]
    alone = []
    for amount, name in enumerate(names, start=1):
        books = Bookkeeper(name)
        books.now += timedelta(hours=amount)
        books.open_till()
        books.pay_in("t1", amount, reference="invoice")
        books.tell()
        alone.append((answers(name), shelves_of(name)))

    assert [(answers(name), shelves_of(name)) for name in names] == alone
    assert len({str(found) for found, _ in alone}) == len(names)


def test_one_batch_may_bring_news_of_several_ledgers(ledger: str) -> None:
    keepers = [Bookkeeper(f"{ledger}-{number}") for number in range(3)]
    for keeper in keepers:
        keeper.open_till()
        keeper.pay_in("t1", 5, reference="invoice")
    deliver(
        event
        for events in zip(*(each.recorded for each in keepers), strict=True)
        for event in events
    )

    first, *others = [answers(keeper.ledger) for keeper in keepers]

    assert '"posted":"5"' in first[0]
    assert others == [first, first]


def test_a_ledger_knows_nothing_of_what_only_another_has(books: Bookkeeper) -> None:
    books.pay_in("t1", 5)
    books.tell()
    stranger = f"{books.ledger}-stranger"

    for question in questions(stranger):
        name = type(question).__name__
        if name.startswith(("GetAccount", "Account")):
            with pytest.raises(AccountNotFound):
                ask(question)
        elif isinstance(question, GetTransaction):
            with pytest.raises(TransactionNotFound):
                ask(question)
        else:
            with pytest.raises(LedgerNotFound):
                ask(question)
