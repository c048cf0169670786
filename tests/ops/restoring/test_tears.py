"""Tears: what is left of a torn end are whole commits, and all that are whole and untangled."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.commands.routing import Command
from chalicelib.domain.account.commands import ChangeAccount, CloseAccount, FreezeAccount
from chalicelib.domain.transaction.commands import (
    ExpireHold,
    HoldTransaction,
    PostHold,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.events.recorded import Recorded
from ops.restoring.tears import Commit, Coordinates, Cut, Tail, commit_of, cuts
from tests.domain.books import NOW, credit, debit, opening, posting
from tests.ops.restoring.history import (
    LEDGER,
    History,
    Place,
    Script,
    opened,
    place,
    scripts,
    visible,
    whole,
    written,
)

pytestmark = pytest.mark.usefixtures("own_home")

ALWAYS = NOW - timedelta(days=1)


def torn(
    events: Iterable[Recorded], since: datetime, witness: Iterable[Recorded] = ()
) -> list[Cut]:
    """The cuts of these events, which were recorded in any order."""
    tail = Tail(since)
    in_order = sorted(events, key=lambda one: (str(one.stream), one.version))
    for stream, of_stream in groupby(in_order, key=lambda one: str(one.stream)):
        tail.take(stream, of_stream)
    known: defaultdict[Commit, set[Coordinates]] = defaultdict(set)
    for one in witness:
        known[commit_of(one)].add(place(one))
    return cuts(tail, known)


def left(events: list[Recorded], cuts: list[Cut]) -> set[Place]:
    """What is left of these events."""
    keep = {cut.stream: cut.keep for cut in cuts}
    return {
        (stream, version)
        for stream, version in map(place, events)
        if version <= keep.get(stream, version)
    }


@dataclass(frozen=True)
class Tear:
    """What is done, and what is there of it: of its last commits any part may be missing."""

    script: Script
    commits: int
    share: float
    random: Random

    def made(self) -> tuple[History, list[Recorded]]:
        """The history, and the events that are there, in any order."""
        history = written(self.script)
        last = {place(event) for commit in history.commits[-self.commits :] for event in commit}
        lost = {one for one in sorted(last) if self.random.random() < self.share}
        there = [one for one in history.events if place(one) not in lost]
        self.random.shuffle(there)
        return history, there


TEARS = st.builds(
    Tear,
    scripts(),
    st.integers(2, 12),
    st.sampled_from([0.03, 0.1, 0.3]),
    st.integers(0, 2**32).map(Random),  # Whose chances are even, unlike those that are drawn.
)


@settings(max_examples=60, deadline=None)
@given(TEARS)
def test_with_a_witness_exactly_the_whole_commits_are_left(tear: Tear) -> None:
    history, there = tear.made()
    commits = [[place(event) for event in commit] for commit in history.commits]

    cuts = torn(there, ALWAYS, witness=history.events)

    assert left(there, cuts) == whole(commits, set(map(place, there)))
    places = left(there, cuts)
    assert torn([one for one in there if place(one) in places], ALWAYS, history.events) == []


@settings(max_examples=60, deadline=None)
@given(TEARS)
def test_without_a_witness_all_is_cut_that_what_is_there_tells_of(tear: Tear) -> None:
    history, there = tear.made()
    places = set(map(place, there))
    commits = [visible(commit, places) for commit in history.commits]

    assert left(there, torn(there, ALWAYS)) == whole(commits, places)


@settings(max_examples=20, deadline=None)
@given(scripts())
def test_of_whole_books_nothing_is_cut(script: Script) -> None:
    assert torn(written(script).events, ALWAYS) == []


def hold(id: str, *, seconds: int | None = None) -> HoldTransaction:
    """Five are held on each of two accounts, twice on Alice's."""
    entries = (debit("alice", 2), debit("alice", 3), credit("bob", 5))
    return HoldTransaction(ledger=LEDGER, transaction=id, entries=entries, timeout_seconds=seconds)


BEFORE: list[Command] = [
    posting("p", debit("cash", 9), credit("alice", 9)),
    hold("h"),
    hold("late", seconds=1),
    posting("q", debit("cash", 9), credit("hot", 9)),
]
COMMITS: dict[str, list[Command]] = {
    "a posting": [posting("n", debit("alice", 1), credit("bob", 1))],
    "a hold": [hold("n")],
    "a posted hold": [PostHold(ledger=LEDGER, transaction="h")],
    "a voided hold": [VoidHold(ledger=LEDGER, transaction="h")],
    "an expired hold": [ExpireHold(ledger=LEDGER, transaction="late")],
    "a reversal": [ReverseTransaction(ledger=LEDGER, transaction="n", reverses="p")],
    "an opening in stripes": [opening("new", min_balance=None, stripes=3)],
    "a freeze of all stripes": [
        FreezeAccount(ledger=LEDGER, account="hot", debits=True, credits=True)
    ],
    "a closing of all stripes": [CloseAccount(ledger=LEDGER, account="wide")],
    "a batch": [
        posting("n1", debit("alice", 1), credit("bob", 1)),
        posting("n2", debit("carol", 1), credit("bob", 1)),
    ],
}


@pytest.mark.parametrize("kind", COMMITS)
def test_each_event_of_a_commit_takes_the_others_with_it(kind: str) -> None:
    history = opened()
    for command in BEFORE:
        history.do(command, seconds=2)
    history.do(*COMMITS[kind])
    last, earlier = history.commits[-1], history.commits[:-1]
    assert len(last) > 2
    kept = {place(event) for commit in earlier for event in commit}

    for missing in last:
        there = [event for event in history.events if event is not missing]
        cuts = torn(there, ALWAYS)

        assert left(there, cuts) == kept
        gone = {(fact.stream, fact.version) for cut in cuts for fact in cut.gone}
        assert gone == {place(event) for event in last if event is not missing}


@pytest.mark.parametrize("kind", COMMITS)
def test_an_event_that_is_left_alone_of_its_commit_is_cut(kind: str) -> None:
    history = opened()
    for command in BEFORE:
        history.do(command, seconds=2)
    history.do(*COMMITS[kind])
    last = history.commits[-1]
    earlier = [event for commit in history.commits[:-1] for event in commit]

    for alone in last:
        assert left([*earlier, alone], torn([*earlier, alone], ALWAYS)) == set(map(place, earlier))


def test_only_a_witness_knows_of_a_transaction_of_a_batch_of_which_nothing_is_left() -> None:
    history = opened()
    history.do(
        posting("n1", debit("alice", 1), credit("bob", 1)),
        posting("n2", debit("carol", 1), credit("dave", 1)),
    )
    there = [
        event
        for event in history.events
        if (event.version == 1 and event.stream.id != "n2") or event.stream.id in ("alice", "bob")
    ]
    n1 = {("acme/account/alice", 2), ("acme/account/bob", 2), ("acme/transaction/n1", 1)}

    assert torn(there, ALWAYS) == []
    assert set(map(place, there)) - left(there, torn(there, ALWAYS, history.events)) == n1


def test_what_follows_a_torn_commit_goes_in_whatever_order_it_is_looked_at() -> None:
    history = opened()
    history.do(posting("first", debit("carol", 1), credit("dave", 1)))
    history.do(posting("second", debit("alice", 1), credit("carol", 1)))
    history.do(posting("third", debit("alice", 1), credit("bob", 1)))
    there = [event for event in history.events if place(event) != ("acme/account/dave", 2)]

    assert {one for one in left(there, torn(there, ALWAYS)) if one[1] > 1} == set()


def test_a_commit_of_which_one_event_follows_a_missing_one_goes_wholly() -> None:
    history = opened()
    freeze = [
        FreezeAccount(ledger=LEDGER, account=account, debits=True, credits=False)
        for account in ("alice", "bob")
    ]
    history.do(ChangeAccount(ledger=LEDGER, account="alice", metadata={"n": "1"}))
    history.do(*freeze)
    there = [event for event in history.events if place(event) != ("acme/account/alice", 2)]

    gone = set(map(place, there)) - left(there, torn(there, ALWAYS))

    assert gone == {("acme/account/alice", 3), ("acme/account/bob", 2)}


def test_a_cut_names_the_transactions_that_go_newest_first() -> None:
    history = opened()
    history.do(posting("n1", debit("alice", 1), credit("bob", 1)))
    history.do(posting("n2", debit("alice", 1), credit("carol", 1)))
    there = [event for event in history.events if place(event) != ("acme/account/bob", 2)]

    cuts = {cut.stream: cut for cut in torn(there, ALWAYS)}

    assert set(cuts) == {
        "acme/account/alice",
        "acme/account/carol",
        "acme/transaction/n1",
        "acme/transaction/n2",
    }
    assert [fact.transaction for fact in cuts["acme/account/alice"].gone] == ["n2", "n1"]
    assert (cuts["acme/account/alice"].keep, cuts["acme/transaction/n1"].keep) == (1, 0)


def test_what_is_older_than_the_end_is_left_to_the_audit() -> None:
    history = opened()
    history.do(posting("old", debit("alice", 1), credit("bob", 1)), seconds=3600)
    history.do(posting("new", debit("alice", 1), credit("carol", 1)))
    there = [event for event in history.events if place(event) != ("acme/account/bob", 2)]

    assert torn(there, since=history.now - timedelta(minutes=10)) == []


def test_a_witness_that_was_altered_since_then_bears_no_witness() -> None:
    history = opened()
    history.do(posting("n", debit("alice", 1), credit("bob", 1)))
    other = opened()
    other.now = history.now - timedelta(seconds=0.01)
    other.do(posting("m", debit("alice", 2), credit("carol", 2)))

    assert torn(history.events, ALWAYS, witness=other.events) == []
