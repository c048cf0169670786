"""Both pictures: whatever happened, the event table and the rooms tell the same."""

import random
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest

from chalicelib.domain.errors import (
    AccountNotFound,
    InvalidField,
    ProjectionBehind,
    TransactionNotFound,
)
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.read_models.ask import ask
from chalicelib.read_models.balances.queries import GetAccount
from chalicelib.read_models.transactions.queries import GetTransaction
from chalicelib.settings import settings
from tests import engines
from tests.books import Bookkeeper
from tests.domain.books import credit, debit

OF_ASSET = {"USD/2": ["cash", "alice", "bob"], "EUR/2": ["till", "carol"]}
ACCOUNTS = [account for accounts in OF_ASSET.values() for account in accounts]
AMOUNTS = [1, 20, 300, 2**53 + 1, 10**30]


@pytest.fixture(params=["moto", "ministack"])
def stored(
    request: pytest.FixtureRequest, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bookkeeper]:
    """Books kept in the event table of an engine, of a stage that may read it."""
    request.getfixturevalue(request.param)
    monkeypatch.setenv("TWOFOLD_STRONG_READS", "1")
    settings.cache_clear()
    yield Bookkeeper(ledger, DynamoStore())
    monkeypatch.undo()
    settings.cache_clear()
    settings()


def live(books: Bookkeeper, chance: random.Random, first: int, last: int) -> None:
    """Posts transactions of these numbers, of one or two transfers each, between any accounts."""
    for number in range(first, last):
        entries = []
        for accounts in chance.sample(list(OF_ASSET.values()), chance.randint(1, 2)):
            debited, credited = chance.sample(accounts, 2)
            amount = chance.choice(AMOUNTS)
            entries += [debit(debited, amount), credit(credited, amount)]
        books.post(
            f"t{number}",
            *entries,
            reference=chance.choice([None, "invoice 1"]),
            metadata=chance.choice([None, {"k": "é"}]),
        )


def questions(books: Bookkeeper, transactions: int) -> list[GetAccount | GetTransaction]:
    """Every account and transaction, asked for strongly."""
    return [
        *(GetAccount(ledger=books.ledger, account=id, consistency="strong") for id in ACCOUNTS),
        *(
            GetTransaction(ledger=books.ledger, transaction=f"t{number}", consistency="strong")
            for number in range(transactions)
        ),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_both_pictures_agree_field_for_field(stored: Bookkeeper, seed: int) -> None:
    chance = random.Random(seed)
    for asset, accounts in OF_ASSET.items():
        for account in accounts:
            stored.open(
                account,
                chance.choice(["debit", "credit"]),
                asset=asset,
                metadata=chance.choice([None, {"of": account}]),
            )
    live(stored, chance, 0, 4)
    stored.tell()
    live(stored, chance, 4, 7)
    fresh = [ask(question) for question in questions(stored, 7)]
    stored.tell()

    caught_up = [
        ask(msgspec.structs.replace(question, consistency="eventual", min_version=answer.version))
        for question, answer in zip(questions(stored, 7), fresh, strict=True)
    ]

    assert fresh == caught_up
    assert msgspec.json.encode(fresh) == msgspec.json.encode(caught_up)


def test_a_strong_read_is_as_new_as_the_write_whatever_the_room_knows(stored: Bookkeeper) -> None:
    stored.open_till()
    stored.pay_in("t0", 5)
    stored.tell()
    stored.pay_in("t1", 7)
    ledger = stored.ledger

    eventual = ask(GetAccount(ledger=ledger, account="alice"))
    strong = ask(GetAccount(ledger=ledger, account="alice", consistency="strong", min_version=3))

    assert (eventual.posted, eventual.version) == ("5", 2)
    assert (strong.posted, strong.version) == ("12", 3)
    # The metadata comes from the event that set it, two before the newest.
    assert strong.metadata == eventual.metadata == {"name": "Alice"}


def test_a_version_that_was_never_written_is_said_to_be_behind_without_a_wait(
    stored: Bookkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored.open_till()
    stored.pay_in("t0", 5)
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("a strong read waited"))
    ledger = stored.ledger

    with pytest.raises(ProjectionBehind):
        ask(GetAccount(ledger=ledger, account="alice", min_version=3, consistency="strong"))
    with pytest.raises(ProjectionBehind):
        ask(GetTransaction(ledger=ledger, transaction="t0", min_version=2, consistency="strong"))


def test_what_does_not_exist_is_not_found_at_any_version(stored: Bookkeeper) -> None:
    stored.open_till()
    stored.pay_in("t0", 5)
    here, elsewhere = stored.ledger, f"{stored.ledger}-other"

    for ledger, account in [(here, "nobody"), (elsewhere, "alice")]:
        with pytest.raises(AccountNotFound):
            ask(GetAccount(ledger=ledger, account=account, consistency="strong", min_version=1))
    for ledger, transaction in [(here, "t9"), (elsewhere, "t0"), (here, "alice")]:
        with pytest.raises(TransactionNotFound):
            ask(
                GetTransaction(
                    ledger=ledger, transaction=transaction, consistency="strong", min_version=1
                )
            )


@pytest.mark.usefixtures("moto")
def test_without_strong_reads_not_even_the_absence_is_told(ledger: str) -> None:
    with pytest.raises(InvalidField, match="consistency"):
        ask(GetAccount(ledger=ledger, account="nobody", consistency="strong"))
    with pytest.raises(InvalidField, match="consistency"):
        ask(GetTransaction(ledger=ledger, transaction="t9", consistency="strong"))


def test_the_queries_load_no_event_store_until_one_is_asked() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, chalicelib.read_models.balances.routes\n"
            "import chalicelib.read_models.transactions.routes\n"
            "print([name for name in sys.modules if name.startswith('chalicelib.events')])",
        ],
        cwd=engines.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "chalicelib.events.recorded" in done.stdout
    assert "chalicelib.events.dynamodb" not in done.stdout
