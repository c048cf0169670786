"""The books: what holds after any sequence of commands whatever."""

from collections import Counter
from functools import reduce

from hypothesis import event, given, settings
from hypothesis import strategies as st

from chalicelib.domain.account.commands import OpenAccount
from chalicelib.domain.account.events import AccountOpened, EntryPosted
from chalicelib.domain.account.events import Event as AccountEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.account.state import evolve as evolve_account
from chalicelib.domain.errors import Refusal
from chalicelib.domain.fields import Direction
from chalicelib.domain.transaction.commands import Entry, PostTransaction
from chalicelib.domain.transaction.state import evolve as evolve_transaction
from tests.domain.arithmetic import Arithmetic
from tests.domain.books import Books, opening, posting
from tests.soak import examples

Command = OpenAccount | PostTransaction

BOTH: list[Direction] = ["debit", "credit"]
SIDES = st.sampled_from(BOTH)
ASSETS = st.sampled_from(["USD/2", "USD/2", "USD/2", "EUR/2"])
ACCOUNTS = st.sampled_from("abcd")
AMOUNTS = st.one_of(st.integers(1, 12), st.sampled_from([2**53 + 1, 10**30]))


@st.composite
def openings(draw: st.DrawFn, account: str | None = None) -> OpenAccount:
    low = draw(st.sampled_from([0, 0, None, None, -10, -(10**30), 1]))
    high = draw(st.sampled_from([None, None, 0, 15, 10**30]))
    if None not in (low, high) and (low or 0) > (high or 0):
        high = None
    return opening(
        draw(ACCOUNTS) if account is None else account,
        asset=draw(ASSETS),
        normal_balance=draw(SIDES),
        min_balance=low,
        max_balance=high,
        metadata=draw(st.sampled_from([{}, {}, {"k": "v"}])),
    )


@st.composite
def transfers(draw: st.DrawFn) -> PostTransaction:
    """Debits and credits of equal amounts, shuffled: often, but not always, balanced by asset."""
    entries = []
    for _ in range(draw(st.integers(1, 3))):
        amount = draw(AMOUNTS)
        entries += [Entry(account=draw(ACCOUNTS), direction=side, amount=amount) for side in BOTH]
    return _post(draw, draw(st.permutations(entries)))


@st.composite
def any_transactions(draw: st.DrawFn) -> PostTransaction:
    entry = st.builds(
        Entry, account=st.sampled_from("abcde"), direction=SIDES, amount=st.integers(1, 4)
    )
    return _post(draw, draw(st.lists(entry, min_size=2, max_size=6)))


def _post(draw: st.DrawFn, entries: list[Entry]) -> PostTransaction:
    id = f"t{draw(st.integers(1, 40))}"
    return posting(id, *entries, reference=draw(st.sampled_from([None, None, "r"])))


MADE: dict[str, st.SearchStrategy[Command]] = {
    "transfer": transfers(),
    "any": any_transactions(),
    "open": openings(),
}


@st.composite
def sequences(draw: st.DrawFn) -> list[Command]:
    """Some accounts opened, then anything, with some commands sent again."""
    commands: list[Command] = [draw(openings(id)) for id in draw(st.sampled_from(["abcd", "ab"]))]
    for _ in range(draw(st.integers(1, 30))):
        kind = draw(st.sampled_from(["transfer"] * 6 + ["any", "open", "again", "again"]))
        if kind == "again":
            commands.append(draw(st.sampled_from(commands)))
        else:
            commands.append(draw(MADE[kind]))
    return commands


@settings(max_examples=examples(60, 1000), deadline=None)
@given(sequences())
def test_the_books_agree_with_plain_arithmetic_and_keep_their_rules(
    commands: list[Command],
) -> None:
    books, arithmetic = Books(), Arithmetic()

    for command in commands:
        outcome = carried_out(books, command)
        event(f"{type(command).__name__}: {outcome}")
        assert outcome == expected(arithmetic, command)
        assert books.posted() == arithmetic.balance
    assert_debits_equal_credits(books)
    for id, events in books.account_events.items():
        assert_kept_its_rules(events, books.accounts[id])
    for id, posted in books.transaction_events.items():
        folded = reduce(evolve_transaction, posted, None)
        assert folded == books.transactions[id]
    assert_answers_match_the_accounts(books)


def carried_out(books: Books, command: Command) -> str:
    """What the domain makes of a command, in the model's words."""
    try:
        return "done" if books.do(command) else "again"
    except Refusal as refusal:
        return refusal.code


def expected(arithmetic: Arithmetic, command: Command) -> str:
    """What the model makes of it."""
    if isinstance(command, OpenAccount):
        return arithmetic.open(
            command.account,
            command.asset,
            command.normal_balance,
            (command.min_balance, command.max_balance),
            command.metadata,
        )
    lines = [(entry.account, str(entry.direction), entry.amount) for entry in command.entries]
    return arithmetic.post(command.transaction, lines, command.reference)


def assert_debits_equal_credits(books: Books) -> None:
    debits: Counter[str] = Counter()
    credits: Counter[str] = Counter()
    for account in books.accounts.values():
        debits[account.asset] += account.debits
        credits[account.asset] += account.credits
    assert debits == credits


def assert_kept_its_rules(events: list[AccountEvent], carried: Account) -> None:
    """The carried state is what its events come to, and no limit was passed on the way there."""
    state: Account | None = None
    for version, each in enumerate(events, start=1):
        state = evolve_account(state, each)
        assert state.version == version
        assert isinstance(each, AccountOpened if version == 1 else EntryPosted)
        assert state.min_balance is None or state.posted >= state.min_balance
        assert state.max_balance is None or state.posted <= state.max_balance
    assert state == carried


def assert_answers_match_the_accounts(books: Books) -> None:
    """Every posted entry is the account's event of that version, and says what it left there."""
    answered = [
        (entry.account, entry.version)
        for events in books.transaction_events.values()
        for posted in events
        for entry in posted.entries
    ]
    made = [
        (id, version)
        for id, events in books.account_events.items()
        for version in range(2, len(events) + 1)
    ]
    assert sorted(answered) == sorted(made)
    for id, events in books.transaction_events.items():
        for entry in events[0].entries:
            history = books.account_events[entry.account][: entry.version]
            state = reduce(evolve_account, history, None)
            assert state is not None
            assert (state.posted, state.asset) == (entry.balance_after, entry.asset)
            last = history[-1]
            assert isinstance(last, EntryPosted)
            assert (last.transaction, last.direction, last.amount) == (
                id,
                entry.direction,
                entry.amount,
            )
