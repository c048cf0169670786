"""Settling: a transaction of which only one side was seen, read again on both sides."""

from collections import Counter
from collections.abc import Iterable, Iterator

from chalicelib.domain.fields import rfc3339
from chalicelib.domain.transaction import Event as TransactionEvent
from chalicelib.events.codec import UnknownEvent
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import trusted
from chalicelib.events.table import EventItem
from ops.auditing import facts
from ops.auditing.facts import Fact
from ops.auditing.findings import Finding, ledger_of
from ops.auditing.items import get, query
from ops.auditing.streams import event_of, recorded

Place = tuple[str, int]


def read(place: Place) -> Recorded | None:
    """The event at a place now, with a state to be trusted; None if it is not there or unreadable.

    What is unreadable is a finding of its stream already.
    """
    item = get(EventItem, *place)
    if item is None:
        return None
    try:
        one = trusted(recorded(item), DynamoStore().history)
        event_of(one)
    except (UnknownEvent, ValueError, LookupError):
        return None
    return one


def settle(of: str, sayers: Iterable[Place]) -> tuple[list[Finding], list[Fact]]:
    """What is wrong between a transaction and those who name it, and what `sayers` say of it."""
    told = list(_of_transaction(of))
    places = {(fact.stream, fact.version) for _, fact in told if fact.version}
    places |= set(sayers)
    for at, fact in told:
        if not fact.version:
            places |= set(_at_time(fact.stream, at.recorded_at_text))
    said = {place: list(_of_others(of, place)) for place in sorted(places)}
    others = [fact for told_there in said.values() for fact in told_there]
    findings = []
    seen = Counter(fact.digest for fact in others)
    for at, fact in told:
        seen[fact.digest] -= 1
        if seen[fact.digest] < 0:
            what = f"says {_words(fact)}, and {_where(fact)} does not"
            findings.append(Finding(ledger_of(of), of, at.version, what))
    wanted = Counter(fact.digest for _, fact in told)
    for fact in others:
        wanted[fact.digest] -= 1
        if wanted[fact.digest] < 0:
            what = f"says {_words(fact)}, and {of} does not"
            findings.append(Finding(ledger_of(of), fact.stream, fact.version, what))
    return findings, [fact for place in set(sayers) for fact in said[place]]


class _At:
    """Which event of a transaction says it."""

    def __init__(self, one: Recorded) -> None:
        self.version = one.version
        self.recorded_at_text = rfc3339(one.recorded_at)


def _of_transaction(of: str) -> Iterator[tuple[_At, Fact]]:
    before: TransactionEvent | None = None
    for item in query(EventItem, of):
        try:
            one = recorded(item)
            event = event_of(one)
        except (UnknownEvent, ValueError, LookupError):
            before = None
            continue
        if isinstance(event, TransactionEvent):
            yield from (
                (_At(one), fact) for fact in facts.of_transaction(one, before) if fact.side < 0
            )
            before = event


def _of_others(of: str, place: Place) -> Iterator[Fact]:
    one = read(place)
    if one is None:
        return
    if one.stream.kind == "account":
        found = facts.of_account(one)
    elif isinstance(one.event, TransactionEvent):
        found = facts.of_transaction(one, None)
    else:
        return
    yield from (fact for fact in found if fact.side > 0 and fact.of == of)


def _at_time(stream: str, recorded_at: str) -> Iterator[Place]:
    """The events of an account that were recorded then, sought from the newest back."""
    for item in query(EventItem, stream, newest_first=True):
        at = item.get("recorded_at", {}).get("S", "")
        if at == recorded_at:
            yield stream, int(item["version"]["N"])
        elif at < recorded_at:
            return


def _words(fact: Fact) -> str:
    kind, *said = fact.said
    if kind == "reversal":
        return f"that {said[0]} reverses it"
    account, _, direction, amount, asset, balance = said[:6]
    left = "" if kind == "freed" else f", leaving {balance}"
    return f"{kind} {direction} {amount} {asset} on {account}{left}"


def _where(fact: Fact) -> str:
    return f"{fact.stream} {fact.version}" if fact.version else fact.stream
