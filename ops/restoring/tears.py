"""Tears: which commits of a restored table are there only in part, and what must go for them.

"If a table is restored [...] mid-propagation, it can contain only some of the changes made during a
recent transaction", and a backup does "not guarantee causal consistency across items" (Amazon
DynamoDB Developer Guide, "DynamoDB Transactions: How it works" and "Backup and restore").

All events of a commit share when they were recorded and by which command. What a commit must have
its own events say: a transaction names the account and the version of each entry, an entry its
transaction, a reversal and what it reverses each other, and a striped account has so many stripes.
Of a batch that is written together, a transaction of which nothing is there, on streams that end
before it, is named by no event. A witness knows of it: the table that was restored from, which
still has the events of those minutes unless they are what was damaged.

Commits stand or fall as a whole, and what is behind a missing event falls with it. The rest is the
largest set of events of which that is true.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count, groupby
from typing import NamedTuple

from chalicelib.domain.account.events import (
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    EntryHeld,
    EntryPosted,
    HeldEntryPosted,
    HeldEntryReleased,
)
from chalicelib.domain.fields import rfc3339
from chalicelib.domain.stripes import is_stripe, stripes_of, whole_of
from chalicelib.domain.transaction.events import (
    HoldExpired,
    HoldPosted,
    HoldVoided,
    TransactionHeld,
    TransactionPosted,
    TransactionReversed,
)
from chalicelib.events.recorded import Recorded
from chalicelib.ledger.aggregates import (
    account_stream,
    transaction_stream,
)

Place = tuple[str, int]
"""A stream and a version."""

Commit = tuple[str, str]
"""When a commit was recorded, and the id of its command."""


class Need(NamedTuple):
    """What the same commit must have: the event at a version, or so many of a type."""

    stream: str
    version: int = 0
    type: str = ""
    transaction: str = ""
    least: int = 1


class Fact(NamedTuple):
    """What of one event matters here. `transaction` is the one that it is about, if any."""

    stream: str
    version: int
    commit: Commit
    type: str
    transaction: str
    needs: tuple[Need, ...]


@dataclass(frozen=True)
class Cut:
    """A stream that is cut back to the version `keep`, and its events that go, newest first."""

    stream: str
    keep: int
    gone: tuple[Fact, ...]


@dataclass
class Tail:
    """The facts of all that was recorded since an instant; of what is older nothing is kept."""

    since: datetime
    facts: list[Fact] = field(default_factory=list)
    whole_until: dict[str, int] = field(default_factory=dict)
    """Of each stream with a fact: the version up to which none is missing."""

    def take(self, stream: str, events: Iterable[Recorded | int]) -> None:
        """All events of one stream, in any order; of one that cannot be read, its version."""
        versions: set[int] = set()
        recent, stripes = [], 1
        for one in events:
            if isinstance(one, int):
                versions.add(one)
                continue
            versions.add(one.version)
            if isinstance(one.event, AccountOpened):
                stripes = one.event.stripes
            if one.recorded_at >= self.since:
                recent.append(one)
        if recent:
            self.facts += [fact_of(one, stripes) for one in recent]
            self.whole_until[stream] = next(
                reached for reached in count() if reached + 1 not in versions
            )


def torn(
    events: Iterable[Recorded], since: datetime, witness: Iterable[Recorded] = ()
) -> list[Cut]:
    """What must go of these events, which were recorded in any order. See `cuts`."""
    tail = Tail(since)
    in_order = sorted(events, key=lambda one: (str(one.stream), one.version))
    for stream, of_stream in groupby(in_order, key=lambda one: str(one.stream)):
        tail.take(stream, of_stream)
    known: defaultdict[Commit, set[Place]] = defaultdict(set)
    for one in witness:
        known[_commit(one)].add((str(one.stream), one.version))
    return cuts(tail, known)


def cuts(tail: Tail, witness: Mapping[Commit, Iterable[Place]]) -> list[Cut]:
    """The streams that are cut, so that only whole commits are left, and as many as can be.

    `witness` has further events of commits. Where something else stands in the place of one, it
    is no witness of this table's.
    """
    ends = dict(tail.whole_until)
    there = {(fact.stream, fact.version): fact for fact in tail.facts}
    commits: defaultdict[Commit, list[Fact]] = defaultdict(list)
    streams: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in tail.facts:
        commits[fact.commit].append(fact)
        streams[fact.stream].append(fact)

    def is_kept(place: Place, commit: Commit) -> bool:
        fact = there.get(place)
        return fact is not None and fact.commit == commit and fact.version <= ends[fact.stream]

    def is_whole(commit: Commit) -> bool:
        facts = commits[commit]
        if not all(is_kept((fact.stream, fact.version), commit) for fact in facts):
            return False
        told = [place for place in witness.get(commit, ()) if _is_of(there.get(place), commit)]
        if not all(is_kept(place, commit) for place in told):
            return False
        of_type = Counter((fact.stream, fact.type, fact.transaction) for fact in facts)
        return all(
            is_kept((need.stream, need.version), commit)
            if need.version
            else of_type[need.stream, need.type, need.transaction] >= need.least
            for fact in facts
            for need in fact.needs
        )

    gone: set[Commit] = set()
    doubtful = deque(commits)
    while doubtful:
        commit = doubtful.popleft()
        if commit in gone or is_whole(commit):
            continue
        gone.add(commit)
        for fact in commits[commit]:
            if fact.version <= ends[fact.stream]:
                ends[fact.stream] = fact.version - 1
                doubtful += [
                    each.commit for each in streams[fact.stream] if each.version > fact.version
                ]
    return [
        Cut(stream, ends[stream], tuple(sorted(lost, key=lambda fact: -fact.version)))
        for stream, facts in sorted(streams.items())
        if (lost := [fact for fact in facts if fact.version > ends[stream]])
    ]


def fact_of(one: Recorded, stripes: int) -> Fact:
    """The fact of an event on the stream of an account of so many stripes. Raises UnknownEvent."""
    return Fact(
        str(one.stream),
        one.version,
        _commit(one),
        one.type,
        _transaction_of(one),
        tuple(_needs(one, stripes)),
    )


def _commit(one: Recorded) -> Commit:
    return rfc3339(one.recorded_at), one.command_id


def _is_of(fact: Fact | None, commit: Commit) -> bool:
    return fact is None or fact.commit == commit


def _transaction_of(one: Recorded) -> str:
    match one.event:
        case EntryPosted() | EntryHeld() | HeldEntryPosted() | HeldEntryReleased():
            return one.event.transaction
    return one.stream.id if one.stream.kind == "transaction" else ""


def _needs(one: Recorded, stripes: int) -> Iterator[Need]:
    ledger, id, event = one.stream.ledger, one.stream.id, one.event
    match event:
        case EntryPosted() | EntryHeld():
            yield Need(str(transaction_stream(ledger, event.transaction)), 1)
        case HeldEntryPosted() | HeldEntryReleased():
            yield Need(str(transaction_stream(ledger, event.transaction)), 2)
        case TransactionPosted() | TransactionHeld() | HoldPosted():
            for entry in event.entries:
                yield Need(str(account_stream(ledger, entry.account)), entry.version)
            if isinstance(event, TransactionPosted) and event.reverses:
                reversed_ = str(transaction_stream(ledger, event.reverses))
                yield Need(reversed_, 0, TransactionReversed.__name__, event.reverses)
        case HoldVoided() | HoldExpired():
            # The entries are those of the hold: they name no version at which it was released.
            for account, least in Counter(entry.account for entry in event.entries).items():
                stream = str(account_stream(ledger, account))
                yield Need(stream, 0, HeldEntryReleased.__name__, id, least)
        case TransactionReversed():
            yield Need(str(transaction_stream(ledger, str(event.reversed_by))), 1)
        case AccountOpened() | AccountFrozen() | AccountUnfrozen() | AccountClosed():
            others = [whole_of(id)] if is_stripe(id) else stripes_of(id, stripes)
            for other in others:
                yield Need(str(account_stream(ledger, other)), 0, one.type)
