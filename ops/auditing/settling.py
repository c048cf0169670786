"""Settling: a transaction of which only one side was seen, read again on both sides."""

from collections import Counter
from collections.abc import Iterable, Iterator

from chalicelib.domain.fields import rfc3339
from chalicelib.domain.transaction.events import Event as TransactionEvent
from chalicelib.events.codec import UnknownEvent
from chalicelib.events.recorded import Recorded
from chalicelib.events.table import EventItem
from ops.auditing import assertions
from ops.auditing.assertions import Assertion
from ops.auditing.findings import Finding, ledger_of
from ops.verifying.events import Place, event_at, event_of, recorded
from ops.verifying.raw import query


def read(place: Place) -> Recorded | None:
    """The event at a place now, with a state to be trusted; None if it is not there or unreadable.

    What is unreadable is a finding of its stream already.
    """
    try:
        one = event_at(place)
        if one is not None:
            event_of(one)
    except UnknownEvent:
        return None
    return one


def settle(of: str, sayers: Iterable[Place]) -> tuple[list[Finding], list[Assertion]]:
    """What is wrong between a transaction and those who name it, and what `sayers` say of it."""
    told = list(_of_transaction(of))
    places = {(each.stream, each.version) for _, each in told if each.version}
    places |= set(sayers)
    for at, each in told:
        if not each.version:
            places |= set(_at_time(each.stream, at.recorded_at_text))
    said = {place: list(_of_others(of, place)) for place in sorted(places)}
    others = [each for told_there in said.values() for each in told_there]
    findings = []
    seen = Counter(each.digest for each in others)
    stored = Counter((each.digest, each.named) for each in others)
    for at, each in told:
        seen[each.digest] -= 1
        stored[each.digest, each.named] -= 1
        if seen[each.digest] < 0:
            what = f"says {_words(each)}, and {_where(each)} does not"
        elif each.named is not None and stored[each.digest, each.named] < 0:
            what = f"names another hash of {_where(each)} than that has"
        else:
            continue
        findings.append(Finding(ledger_of(of), of, at.version, what))
    wanted = Counter(each.digest for _, each in told)
    for each in others:
        wanted[each.digest] -= 1
        if wanted[each.digest] < 0:
            what = f"says {_words(each)}, and {of} does not"
            findings.append(Finding(ledger_of(of), each.stream, each.version, what))
    return findings, [each for place in set(sayers) for each in said[place]]


class _At:
    """Which event of a transaction says it."""

    def __init__(self, one: Recorded) -> None:
        self.version = one.version
        self.recorded_at_text = rfc3339(one.recorded_at)


def _of_transaction(of: str) -> Iterator[tuple[_At, Assertion]]:
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
                (_At(one), each) for each in assertions.of_transaction(one, before) if each.side < 0
            )
            before = event


def _of_others(of: str, place: Place) -> Iterator[Assertion]:
    one = read(place)
    if one is None:
        return
    if one.stream.kind == "account":
        found = assertions.of_account(one)
    elif isinstance(one.event, TransactionEvent):
        found = assertions.of_transaction(one, None)
    else:
        return
    yield from (each for each in found if each.side > 0 and each.of == of)


def _at_time(stream: str, recorded_at: str) -> Iterator[Place]:
    """The events of an account that were recorded then, sought from the newest back."""
    for item in query(EventItem, stream, newest_first=True, page=20):
        at = item.get("recorded_at", {}).get("S", "")
        if at == recorded_at:
            yield stream, int(item["version"]["N"])
        elif at < recorded_at:
            return


def _words(each: Assertion) -> str:
    kind, *said = each.payload
    if kind == "reversal":
        return f"that {said[0]} reverses it"
    account, _, direction, amount, asset, balance = said[:6]
    left = "" if kind == "freed" else f", leaving {balance}"
    return f"{kind} {direction} {amount} {asset} on {account}{left}"


def _where(each: Assertion) -> str:
    return f"{each.stream} {each.version}" if each.version else each.stream
