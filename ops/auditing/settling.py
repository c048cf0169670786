"""Settling: reads both sides of a transaction again whose assertions differ."""

from collections import Counter
from collections.abc import Iterable, Iterator

from chalicelib.domain.fields import rfc3339
from chalicelib.domain.transaction.events import Event as TransactionEvent
from chalicelib.events.recorded import Recorded, UnknownEvent
from chalicelib.events.table import EventItem
from ops.auditing import assertions
from ops.auditing.assertions import Assertion
from ops.auditing.findings import Finding, ledger_of
from ops.verifying.events import Coordinates, event_at, event_of, recorded
from ops.verifying.raw import query


def read(coordinates: Coordinates) -> Recorded | None:
    """The stored event; None if it does not exist, or is unreadable: a finding of its stream."""
    try:
        one = event_at(coordinates)
        if one is not None:
            event_of(one)
    except UnknownEvent:
        return None
    return one


def settle(of: str, asserting: Iterable[Coordinates]) -> tuple[list[Finding], list[Assertion]]:
    """The differences between a transaction and the assertions about it.

    `asserting` are known events with such assertions, which are returned too.
    """
    own = list(_of_transaction(of))
    known = set(asserting)
    wanted = known | {(each.stream, each.version) for _, each in own if each.version}
    for one, each in own:
        if not each.version:
            wanted |= set(_recorded_with(one, each.stream))
    of_others = {at: list(_of_others(of, at)) for at in sorted(wanted)}
    others = [each for found in of_others.values() for each in found]
    findings = []
    seen = Counter(each.digest for each in others)
    stored = Counter((each.digest, each.named) for each in others)
    for one, each in own:
        seen[each.digest] -= 1
        stored[each.digest, each.named] -= 1
        if seen[each.digest] < 0:
            what = f"says {_words(each)}, and {_where(each)} does not"
        elif each.named is not None and stored[each.digest, each.named] < 0:
            what = f"names another hash of {_where(each)} than that has"
        else:
            continue
        findings.append(Finding(ledger_of(of), of, one.version, what))
    unmatched = Counter(each.digest for _, each in own)
    for each in others:
        unmatched[each.digest] -= 1
        if unmatched[each.digest] < 0:
            what = f"says {_words(each)}, and {of} does not"
            findings.append(Finding(ledger_of(of), each.stream, each.version, what))
    return findings, [each for at in known for each in of_others[at]]


def _of_transaction(of: str) -> Iterator[tuple[Recorded, Assertion]]:
    before: TransactionEvent | None = None
    for item in query(EventItem, of):
        try:
            one = recorded(item)
            event = event_of(one)
        except (UnknownEvent, ValueError, LookupError):
            before = None
            continue
        if isinstance(event, TransactionEvent):
            for each in assertions.of_transaction(one, before):
                if each.side < 0:
                    yield one, each
            before = event


def _of_others(of: str, coordinates: Coordinates) -> Iterator[Assertion]:
    one = read(coordinates)
    found: Iterable[Assertion] = ()
    if one is not None and one.stream.kind == "account":
        found = assertions.of_account(one)
    elif one is not None and isinstance(one.event, TransactionEvent):
        found = assertions.of_transaction(one, None)
    return (each for each in found if each.side > 0 and each.of == of)


def _recorded_with(one: Recorded, stream: str) -> Iterator[Coordinates]:
    """The events of an account that have the recorded time of another event."""
    recorded_at = rfc3339(one.recorded_at)
    for item in query(EventItem, stream, newest_first=True, page=20):
        at = item.get("recorded_at", {}).get("S", "")
        if at == recorded_at:
            yield stream, int(item["version"]["N"])
        elif at < recorded_at:
            return


def _words(each: Assertion) -> str:
    kind, *rest = each.payload
    if kind == "reversal":
        return f"that {rest[0]} reverses it"
    account, _, direction, amount, asset, balance = rest[:6]
    left = "" if kind == "freed" else f", leaving {balance}"
    return f"{kind} {direction} {amount} {asset} on {account}{left}"


def _where(each: Assertion) -> str:
    return f"{each.stream} {each.version}" if each.version else each.stream
