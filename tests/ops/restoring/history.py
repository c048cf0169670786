"""A history that the executor wrote, commit by commit, and what is whole of it, told otherwise."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import strategies as st

from chalicelib.commands.execution import Refused
from chalicelib.commands.executor import Executor
from chalicelib.commands.routing import Command
from chalicelib.domain.account.commands import (
    ChangeAccount,
    CloseAccount,
    FreezeAccount,
    UnfreezeAccount,
)
from chalicelib.domain.errors import Refusal
from chalicelib.domain.transaction.commands import (
    ExpireHold,
    HoldTransaction,
    PostHold,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import Append
from tests.domain.books import NOW, credit, debit, opening, posting
from tests.memory_store import MemoryStore

LEDGER = "acme"
PLAIN = ["cash", "alice", "bob", "carol", "dave"]
STRIPED = {"hot": 2, "wide": 3}

Place = tuple[str, int]


class CommittedStore(MemoryStore):
    """A store in memory that keeps what was appended, append by append."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: list[list[Recorded]] = []

    def append(self, *appends: Append) -> None:
        super().append(*appends)
        self.commits.append([event for append in appends for event in append.events])


@dataclass
class History:
    """Commits, each decided by the executor after those before it."""

    store: CommittedStore = field(default_factory=CommittedStore)

    def __post_init__(self) -> None:
        self.now = NOW
        self._executor = Executor(self.store, clock=lambda: self.now, sleep=lambda _: None)

    def do(self, *commands: Command, seconds: float = 0.01) -> None:
        """The commands in one commit; nothing where they are refused."""
        with suppress(Refused, Refusal):
            self._executor.execute_together(commands, actor="key-1")
        self.now += timedelta(seconds=seconds)

    @property
    def commits(self) -> Sequence[list[Recorded]]:
        """What was appended, in order."""
        return self.store.commits

    @property
    def events(self) -> list[Recorded]:
        """All of it."""
        return [event for commit in self.commits for event in commit]


def opened() -> History:
    """A history that begins with accounts, two of them striped."""
    history = History()
    for account in PLAIN:
        history.do(opening(account, min_balance=None))
    for account, stripes in STRIPED.items():
        history.do(opening(account, min_balance=None, stripes=stripes))
    return history


_ACCOUNTS = st.sampled_from([*PLAIN, *PLAIN, *STRIPED])
_IDS = st.integers(1, 12).map(lambda number: f"t{number}")


@st.composite
def _new(draw: st.DrawFn) -> Command:
    pairs = draw(st.integers(1, 2))
    entries = []
    for _ in range(pairs):
        amount = draw(st.integers(1, 9))
        entries += [debit(draw(_ACCOUNTS), amount), credit(draw(_ACCOUNTS), amount)]
    id = draw(_IDS)
    if draw(st.booleans()):
        return posting(id, *entries)
    seconds = draw(st.sampled_from([None, 1, 10**6]))
    return HoldTransaction(
        ledger=LEDGER, transaction=id, entries=tuple(entries), timeout_seconds=seconds
    )


@st.composite
def _resolving(draw: st.DrawFn) -> Command:
    id = draw(_IDS)
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return PostHold(ledger=LEDGER, transaction=id, amount=draw(st.sampled_from([None, 1])))
    if kind == 1:
        return VoidHold(ledger=LEDGER, transaction=id)
    if kind == 2:
        return ExpireHold(ledger=LEDGER, transaction=id)
    return ReverseTransaction(ledger=LEDGER, transaction=f"r-{id}-{draw(_IDS)}", reverses=id)


@st.composite
def _managing(draw: st.DrawFn) -> Command:
    account = draw(_ACCOUNTS)
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return FreezeAccount(ledger=LEDGER, account=account, debits=True, credits=False)
    if kind == 1:
        return UnfreezeAccount(ledger=LEDGER, account=account, debits=True, credits=True)
    if kind == 2:
        return CloseAccount(ledger=LEDGER, account=account)
    if kind == 3:
        name = draw(st.sampled_from(["new", "newer"]))
        return opening(name, min_balance=None, stripes=draw(st.sampled_from([1, 2])))
    return ChangeAccount(ledger=LEDGER, account=account, metadata={"n": str(draw(st.integers()))})


Script = list[tuple[list[Command], float]]
"""The commands of each commit, and the seconds after it."""


def scripts() -> st.SearchStrategy[Script]:
    """What is done in a history, in every kind of commit."""
    single = st.one_of(_new(), _new(), _new(), _resolving(), _resolving(), _managing())
    batch = st.lists(_new(), min_size=2, max_size=3)
    commands = st.one_of(single.map(lambda one: [one]), batch)
    return st.lists(st.tuples(commands, st.sampled_from([0.01, 0.01, 2])), min_size=8, max_size=20)


def written(script: Script) -> History:
    """The history of a script."""
    history = opened()
    for commands, seconds in script:
        history.do(*commands, seconds=seconds)
    return history


def place(event: Recorded) -> Place:
    """Where an event stands."""
    return str(event.stream), event.version


def whole(commits: Sequence[Iterable[Place]], there: set[Place]) -> set[Place]:
    """The places of the commits that are wholly there, and behind nothing that is not kept.

    Told by what was committed, and not by what events say of each other.
    """
    left = {number: set(places) for number, places in enumerate(commits)}
    while True:
        kept = set().union(*left.values())
        torn = [
            number
            for number, places in left.items()
            if not places <= there
            or any(version > 1 and (stream, version - 1) not in kept for stream, version in places)
        ]
        if not torn:
            return kept
        for number in torn:
            del left[number]


def visible(commit: Sequence[Recorded], there: set[Place]) -> set[Place]:
    """Of a commit, what those of its events that are there tell of: they name what belongs to the
    same transaction, or is done to the same account, and a reversal both its transactions.
    """
    groups: defaultdict[str, set[Place]] = defaultdict(set)
    names: dict[str, str] = {}
    for event in commit:
        other = getattr(event.event, "reverses", None)
        if other is not None:
            names[f"transaction/{other}"] = f"transaction/{event.stream.id}"
    for event in commit:
        of = getattr(event.event, "transaction", None)
        if of is None and event.stream.kind == "transaction":
            of = event.stream.id
        account = event.stream.id.partition("~")[0]
        name = f"account/{account}" if of is None else f"transaction/{of}"
        groups[names.get(name, name)].add(place(event))
    seen = [places for places in groups.values() if places & there]
    return set().union(*seen)
