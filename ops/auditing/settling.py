"""Settling: reads both sides of transactions again whose assertions differ."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from chalicelib.domain.fields import rfc3339
from chalicelib.domain.transaction.events import Event as TransactionEvent
from chalicelib.events.recorded import Recorded, UnknownEvent
from chalicelib.events.table import EventItem
from ops.auditing import assertions
from ops.auditing.assertions import Assertion
from ops.auditing.findings import Finding, ledger_of
from ops.auditing.scratch import Scratch
from ops.bars import Tick
from ops.verifying.events import Coordinates, event_of, recorded
from ops.verifying.raw import query
from ops.verifying.reader import Reader

WAITS = (0.1, 0.3, 1.0)
"""Seconds between reads of items that may have been read during a write."""

_AT_ONCE = 50
"""Transactions that are read together; few, since their accounts' events are read with them."""


@dataclass(frozen=True)
class Settled:
    """What differs between a transaction and the assertions about it, as of the last look.

    `asserted` are the assertions of the events that were known beforehand.
    """

    of: str
    findings: list[Finding]
    asserted: list[Assertion]


def settle_all(scratch: Scratch, sleep: Callable[[float], None], tick: Tick) -> Iterator[Settled]:
    """Settles every transaction whose sides differ in the scratch file."""
    scratch.index_assertions()
    one_sided = scratch.one_sided()
    while left := list(islice(one_sided, _AT_ONCE)):
        tick(len(left))
        settled: dict[str, Settled] = {}
        for wait in WAITS:
            settled |= {each.of: each for each in _settle(left, scratch)}
            left = [of for of in left if settled[of].findings]
            if not left:
                break
            sleep(wait)
        yield from settled.values()


def _settle(transactions: Sequence[str], scratch: Scratch) -> Iterator[Settled]:
    reader = Reader()
    reader.fetch_streams({of: scratch.version_of(of) for of in transactions})
    own = {of: list(_of_transaction(of, reader)) for of in transactions}
    known = {of: set(scratch.asserting(of)) for of in transactions}
    wanted = {of: sorted(known[of] | set(_wanted(own[of]))) for of in transactions}
    reader.fetch(each for coordinates in wanted.values() for each in coordinates)
    for of in transactions:
        of_others = {at: list(_of_others(of, reader.read(at))) for at in wanted[of]}
        others = [each for found in of_others.values() for each in found]
        asserted = [each for at in sorted(known[of]) for each in of_others[at]]
        yield Settled(of, list(_differences(of, own[of], others)), asserted)


def _wanted(own: Iterable[tuple[Recorded, Assertion]]) -> Iterator[Coordinates]:
    for one, each in own:
        if each.version:
            yield each.stream, each.version
        else:
            yield from _recorded_with(one, each.stream)


def _differences(
    of: str, own: Sequence[tuple[Recorded, Assertion]], others: Sequence[Assertion]
) -> Iterator[Finding]:
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
        yield Finding(ledger_of(of), of, one.version, what)
    unmatched = Counter(each.digest for _, each in own)
    for each in others:
        unmatched[each.digest] -= 1
        if unmatched[each.digest] < 0:
            what = f"says {_words(each)}, and {of} does not"
            yield Finding(ledger_of(of), each.stream, each.version, what)


def _of_transaction(of: str, reader: Reader) -> Iterator[tuple[Recorded, Assertion]]:
    before: TransactionEvent | None = None
    for item in reader.stream(of):
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


def _of_others(of: str, one: Recorded | None) -> Iterator[Assertion]:
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
