"""The race: threads on a real engine; what was acknowledged is what is in the books, no more."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from threading import Barrier

import pytest

from chalicelib.commands.execution import Executed
from chalicelib.commands.executor import executor
from chalicelib.commands.routing import Command
from chalicelib.domain.account.events import AccountOpened, EntryPosted
from chalicelib.domain.errors import Contention, InsufficientFunds
from chalicelib.events.recorded import FIRST_LINK, Recorded, Stream
from chalicelib.ledger.aggregates import account_state, account_stream, transaction_stream
from tests.domain.books import credit, debit, opening, posting
from tests.soak import examples

pytestmark = pytest.mark.usefixtures("ministack")

THREADS, TRANSFERS, FUNDS = 8, examples(15, 60), 300
ACCOUNTS = [f"customer-{number}" for number in range(5)]


@dataclass(frozen=True)
class Transfer:
    """A transfer as a client knows it, whatever the ledger makes of it."""

    id: str
    payer: str
    payee: str
    amount: int


@dataclass
class Outcome:
    """What a client was told: which transfers were acknowledged, and which were not."""

    acknowledged: list[Transfer] = field(default_factory=list)
    turned_down: list[Transfer] = field(default_factory=list)


def do(command: Command) -> Executed:
    """Executes a command as the Lambdas do."""
    return replace(executor(), take_turns=nullcontext).execute(command, actor="key-1")


def at_once(work: Callable[[int], Executed], threads: int) -> list[Executed]:
    """What each of so many threads gets, all of them let go together."""
    start = Barrier(threads)

    def run(thread: int) -> Executed:
        start.wait()
        return work(thread)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def send(ledger: str, thread: int) -> Outcome:
    """One client's transfers between accounts that all clients use, chosen by its own chance."""
    chance, outcome = random.Random(thread), Outcome()
    for number in range(TRANSFERS):
        payer, payee = chance.sample(ACCOUNTS, 2)
        transfer = Transfer(f"t{thread}-{number}", payer, payee, chance.randint(1, 900))
        entries = debit(payer, transfer.amount), credit(payee, transfer.amount)
        try:
            do(posting(transfer.id, *entries, ledger=ledger))
        except (InsufficientFunds, Contention):
            outcome.turned_down.append(transfer)
        else:
            outcome.acknowledged.append(transfer)
    return outcome


def histories(ledger: str) -> dict[str, list[Recorded]]:
    """All that is in the books of each account."""
    ids = ["bank", *ACCOUNTS]
    return {id: list(executor().store.history(account_stream(ledger, id))) for id in ids}


def test_what_was_acknowledged_is_what_is_in_the_books(ledger: str) -> None:
    do(opening("bank", min_balance=None, ledger=ledger))
    for id in ACCOUNTS:
        do(opening(id, normal_balance="credit", ledger=ledger))
        do(posting(f"fund-{id}", debit("bank", FUNDS), credit(id, FUNDS), ledger=ledger))

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(lambda thread: send(ledger, thread), range(THREADS)))

    acknowledged = [each for outcome in outcomes for each in outcome.acknowledged]
    turned_down = [each for outcome in outcomes for each in outcome.turned_down]
    assert len(acknowledged) + len(turned_down) == THREADS * TRANSFERS
    assert len(acknowledged) > THREADS
    assert_transactions_are(ledger, acknowledged, turned_down)
    books = histories(ledger)
    assert_balances_are(books, acknowledged)
    assert_entries_are(books, acknowledged)
    for history in books.values():
        assert_sound(history)
    newest = [account_state(history[-1]) for history in books.values()]
    assert sum(state.debits for state in newest) == sum(state.credits for state in newest)


def assert_transactions_are(
    ledger: str, acknowledged: list[Transfer], turned_down: list[Transfer]
) -> None:
    asked = {transaction_stream(ledger, each.id) for each in [*acknowledged, *turned_down]}
    found: dict[Stream, Recorded] = executor().store.load(asked)
    assert {stream.id for stream in found} == {each.id for each in acknowledged}
    assert {recorded.version for recorded in found.values()} == {1}


def assert_balances_are(books: dict[str, list[Recorded]], acknowledged: list[Transfer]) -> None:
    balances = Counter({**dict.fromkeys(ACCOUNTS, FUNDS), "bank": FUNDS * len(ACCOUNTS)})
    for each in acknowledged:
        balances[each.payer] -= each.amount
        balances[each.payee] += each.amount
    posted = {id: account_state(history[-1]).posted for id, history in books.items()}
    assert posted == dict(balances)


def assert_entries_are(books: dict[str, list[Recorded]], acknowledged: list[Transfer]) -> None:
    made = Counter(
        (id, event.transaction, event.direction, event.amount)
        for id, history in books.items()
        for event in (recorded.event for recorded in history)
        if isinstance(event, EntryPosted) and not event.transaction.startswith("fund-")
    )
    asked = [(each.payer, each.id, "debit", each.amount) for each in acknowledged]
    asked += [(each.payee, each.id, "credit", each.amount) for each in acknowledged]
    assert made == Counter(asked)


def assert_sound(history: list[Recorded]) -> None:
    """Versions without a gap, times in order, an unbroken chain, and no limit breached."""
    assert isinstance(history[0].event, AccountOpened)
    previous = FIRST_LINK
    for version, recorded in enumerate(history, start=1):
        assert recorded.version == account_state(recorded).version == version
        assert recorded.hash == recorded.chained_to(previous)
        assert account_state(recorded).min_balance is None or account_state(recorded).posted >= 0
        previous = recorded.hash
    times = [recorded.recorded_at for recorded in history]
    assert times == sorted(times)  # Commands that were combined share an instant.


def test_a_transaction_sent_by_16_threads_at_once_has_one_effect_and_one_answer(
    ledger: str,
) -> None:
    do(opening("bank", min_balance=None, ledger=ledger))
    do(opening("alice", normal_balance="credit", max_balance=7, ledger=ledger))
    payment = posting("payment", debit("bank", 7), credit("alice", 7), ledger=ledger)

    answers = at_once(lambda _: do(payment), 16)

    assert [answer.recorded for answer in answers] == [answers[0].recorded] * 16
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 15
    heads = executor().store.load([account_stream(ledger, id) for id in ("bank", "alice")])
    assert {account_state(head).posted for head in heads.values()} == {7}
    assert {head.version for head in heads.values()} == {2}


def test_an_account_opened_by_16_threads_at_once_is_opened_once(ledger: str) -> None:
    answers = at_once(lambda _: do(opening("cash", ledger=ledger)), 16)

    assert [answer.recorded for answer in answers] == [answers[0].recorded] * 16
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 15
