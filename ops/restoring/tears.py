"""Tears: the commits that a restored table has only in part, and the events to delete for them.

"If a table is restored [...] mid-propagation, it can contain only some of the changes made during a
recent transaction", and a backup does "not guarantee causal consistency across items" (Amazon
DynamoDB Developer Guide, "DynamoDB Transactions: How it works" and "Backup and restore").

All events of a commit have the same `recorded_at` and `command_id`. They imply what else belongs to
the commit: a transaction names the account and the version of each entry, an entry its transaction,
a reversal and the reversed transaction each other, and an account its number of stripes. Only where
a whole transaction of a batch is missing at the ends of its streams, no event implies it. Then the
witness helps: the damaged table, which still has the events of those minutes unless they are what
was damaged.

A commit is kept or deleted as a whole, and so is every later event of its streams. The largest set
of events with that property is kept.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import NamedTuple

from chalicelib.domain.account import events as account
from chalicelib.domain.fields import rfc3339
from chalicelib.domain.stripes import is_stripe, stripes_of, whole_of
from chalicelib.domain.transaction import events as transaction
from chalicelib.events.recorded import Recorded
from chalicelib.ledger.aggregates import account_stream, transaction_stream

Coordinates = tuple[str, int]
"""A stream and a version."""

Commit = tuple[str, str]
"""When a commit was recorded, and the id of its command."""


class Need(NamedTuple):
    """What the same commit must have: the event at a version, or at least `least` of a type."""

    stream: str
    version: int = 0
    type: str = ""
    transaction: str = ""
    least: int = 1


class CommitEvent(NamedTuple):
    """One event of a commit. `transaction` is the id of the one that it is about, if any."""

    stream: str
    version: int
    commit: Commit
    type: str
    transaction: str
    needs: tuple[Need, ...]


@dataclass(frozen=True)
class Cut:
    """A stream that is cut back to the version `keep`, and its deleted events, newest first."""

    stream: str
    keep: int
    gone: tuple[CommitEvent, ...]


@dataclass
class Tail:
    """The events that were recorded since an instant.

    `whole_until` has the version of each of their streams up to which none is missing.
    """

    since: datetime
    events: list[CommitEvent] = field(default_factory=list)
    whole_until: dict[str, int] = field(default_factory=dict)

    def take(self, stream: str, events: Iterable[Recorded | int]) -> None:
        """Adds all events of one stream, in any order; an unreadable one by its version."""
        versions: set[int] = set()
        recent, stripes = [], 1
        for one in events:
            if isinstance(one, int):
                versions.add(one)
                continue
            versions.add(one.version)
            if isinstance(one.event, account.AccountOpened):
                stripes = one.event.stripes
            if one.recorded_at >= self.since:
                recent.append(one)
        if recent:
            self.events += [_event_of(one, stripes) for one in recent]
            self.whole_until[stream] = next(
                reached for reached in count() if reached + 1 not in versions
            )


def cuts(tail: Tail, witness: Mapping[Commit, Iterable[Coordinates]]) -> list[Cut]:
    """The streams to cut, so that only whole commits are left, and as many as possible.

    `witness` has further events of commits. One is ignored where the tail has an event of another
    commit at its coordinates.
    """
    ends = dict(tail.whole_until)
    found = {(event.stream, event.version): event for event in tail.events}
    commits: defaultdict[Commit, list[CommitEvent]] = defaultdict(list)
    streams: defaultdict[str, list[CommitEvent]] = defaultdict(list)
    for event in tail.events:
        commits[event.commit].append(event)
        streams[event.stream].append(event)

    def is_kept(at: Coordinates, commit: Commit) -> bool:
        event = found.get(at)
        return event is not None and event.commit == commit and event.version <= ends[event.stream]

    def is_whole(commit: Commit) -> bool:
        events = commits[commit]
        own = [(event.stream, event.version) for event in events]
        own += [at for at in witness.get(commit, ()) if at not in found]
        of_type = Counter((event.stream, event.type, event.transaction) for event in events)
        return all(is_kept(at, commit) for at in own) and all(
            is_kept((need.stream, need.version), commit)
            if need.version
            else of_type[need.stream, need.type, need.transaction] >= need.least
            for event in events
            for need in event.needs
        )

    gone: set[Commit] = set()
    unchecked = deque(commits)
    while unchecked:
        commit = unchecked.popleft()
        if commit in gone or is_whole(commit):
            continue
        gone.add(commit)
        for event in commits[commit]:
            if event.version <= ends[event.stream]:
                ends[event.stream] = event.version - 1
                unchecked += [
                    each.commit for each in streams[event.stream] if each.version > event.version
                ]
    return [
        Cut(stream, ends[stream], tuple(sorted(lost, key=lambda event: -event.version)))
        for stream, events in sorted(streams.items())
        if (lost := [event for event in events if event.version > ends[stream]])
    ]


def _event_of(one: Recorded, stripes: int) -> CommitEvent:
    """An event of a stream; if of an account, then one with `stripes`. Raises UnknownEvent."""
    return CommitEvent(
        *(str(one.stream), one.version, commit_of(one), one.type, _transaction_of(one)),
        needs=tuple(_needs(one, stripes)),
    )


def commit_of(one: Recorded) -> Commit:
    """The commit that an event belongs to."""
    return rfc3339(one.recorded_at), one.command_id


def _transaction_of(one: Recorded) -> str:
    of = getattr(one.event, "transaction", "")
    return of or (one.stream.id if one.stream.kind == "transaction" else "")


def _needs(one: Recorded, stripes: int) -> Iterator[Need]:
    ledger, id, event = one.stream.ledger, one.stream.id, one.event
    match event:
        case account.EntryPosted() | account.EntryHeld():
            yield Need(str(transaction_stream(ledger, event.transaction)), 1)
        case account.HeldEntryPosted() | account.HeldEntryReleased():
            yield Need(str(transaction_stream(ledger, event.transaction)), 2)
        case transaction.HoldVoided() | transaction.HoldExpired():
            # The entries are those of the hold: their versions are those of holding.
            for name, least in Counter(entry.account for entry in event.entries).items():
                released = account.HeldEntryReleased.__name__
                yield Need(str(account_stream(ledger, name)), 0, released, id, least)
        case transaction.TransactionReversed():
            yield Need(str(transaction_stream(ledger, str(event.reversed_by))), 1)
        case (
            transaction.TransactionPosted()
            | transaction.TransactionHeld()
            | transaction.HoldPosted()
        ):
            for entry in event.entries:
                yield Need(str(account_stream(ledger, entry.account)), entry.version)
            if isinstance(event, transaction.TransactionPosted) and event.reverses:
                stream = str(transaction_stream(ledger, event.reverses))
                reversed_ = transaction.TransactionReversed.__name__
                yield Need(stream, 0, reversed_, event.reverses)
        case (
            account.AccountOpened()
            | account.AccountFrozen()
            | account.AccountUnfrozen()
            | account.AccountClosed()
        ):
            others = [whole_of(id)] if is_stripe(id) else stripes_of(id, stripes)
            for other in others:
                yield Need(str(account_stream(ledger, other)), 0, one.type)
