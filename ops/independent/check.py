"""Check: compares stored events and rows with the independent fold."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ops.independent.account_rows import balance_row, statement_rows, total_rows
from ops.independent.accounts import states_of
from ops.independent.stored import STATES, Event, Item, item_of, streams_of, time_of
from ops.independent.transaction_rows import day_row, transaction_row

_DEFAULTS: dict[str, object] = {
    **dict.fromkeys(("debits", "credits", "pending_debits", "pending_credits", "unlisted"), 0),
    **dict.fromkeys(("frozen_debits", "frozen_credits", "closed"), False),
    "expiring": [],
    "unlisted_from": None,
    "stripes": 1,
}
"""The defaults of a state's fields, which are not stored."""


def wrong_events(stored: Iterable[Item]) -> Iterator[str]:
    """Gaps, broken hash chains, wrong states, and transactions that name missing account events."""
    streams = streams_of(stored)
    hashes = {
        (name, event["version"]): event["hash"][:15]
        for name, events in streams.items()
        for event in events
    }
    for name, events in streams.items():
        if [event["version"] for event in events] != list(range(1, len(events) + 1)):
            yield f"{name}: versions are not gapless"
        previous = bytes(32)
        for event, state in zip(events, _states(events), strict=True):
            if event["hash"] != _link(previous, event):
                yield f"{name} {event['version']}: the chain of hashes is broken"
            if not _carries(event, state):
                yield f"{name} {event['version']}: the carried state is no fold of the events"
            if any(hashes.get(coordinates) != hash for coordinates, hash in _named(event)):
                yield f"{name} {event['version']}: it names account events that are not there"
            previous = event["hash"]


def wrong_rows(stored: Iterable[Item], found: Mapping[str, Iterable[Item]]) -> Iterator[str]:
    """Rows, by the name of their read model, that are missing, or differ from the expected ones."""
    known = rows_of(stored)
    for name in sorted(known.keys() & found.keys()):
        expected, there = Counter(map(_text, known[name])), Counter(map(_text, found[name]))
        for row in expected - there:
            yield f"{name}: not there: {row}"
        for row in there - expected:
            yield f"{name}: there, but not of the events: {row}"


def rows_of(stored: Iterable[Item]) -> dict[str, list[Item]]:
    """The expected rows of each read model. A stream without its first event has none."""
    streams = [events for events in streams_of(stored).values() if events[0]["version"] == 1]
    accounts = [events for events in streams if events[0]["kind"] == "account"]
    others = [events for events in streams if events[0]["kind"] == "transaction"]
    assets = {f"{events[0]['ledger']} {events[0]['data']['asset']}" for events in accounts}
    days = {(events[0]["ledger"], events[0]["recorded_at"][:10]) for events in others}
    registry = [item_of(partition="ledgers", place=place) for place in sorted(assets)]
    return {
        "accounts_ledgers": registry,
        "journal_ledgers": registry,
        "balances": [balance_row(events) for events in accounts],
        "statements": [row for events in accounts for row in statement_rows(events)],
        "totals": total_rows(accounts),
        "transactions": [
            *(transaction_row(events) for events in others),
            *(day_row(ledger, day) for ledger, day in sorted(days)),
        ],
    }


def _link(previous: bytes, event: Event) -> bytes:
    names = ("stream", "version", "type", "text", "state", "recorded_at", "command_id", "actor")
    fields = [event[name] for name in names]
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(previous + text.encode()).digest()


def _states(events: Sequence[Event]) -> Iterator[Mapping[str, Any]]:
    if events[0]["version"] != 1:
        yield from ({} for _ in events)
    elif events[0]["kind"] == "account":
        yield from states_of(events)
    else:
        for event in events:
            yield {"version": event["version"], "newest": event["type"]}


def _named(event: Event) -> Iterator[tuple[tuple[str, int], bytes]]:
    """The coordinates and short hashes of the account events that a transaction's event names."""
    named = event["data"].get("account_events")
    for entry, (version, hash) in zip(event["data"].get("entries", ()), named or (), strict=False):
        stream = f"{event['ledger']}/account/{entry['account']}"
        yield (stream, version), base64.b64decode(hash)


def _carries(event: Event, state: Mapping[str, Any]) -> bool:
    """Whether an event carries this state, or one of an unknown schema."""
    carried = json.loads(event["state"])
    if carried.pop("schema", 1) not in (2, 3) or "next_expiry" in carried:
        return True
    expected = {name: value for name, value in state.items() if name != "metadata"}
    if event["kind"] == "transaction":
        # States of older builds also had these fields of the event.
        more = {"state": STATES[event["type"]], "fingerprint": event["data"]["fingerprint"]}
        expected |= {name: value for name, value in more.items() if name in carried}
    return _full(carried, event["kind"]) == _full(expected, event["kind"])


def _full(state: dict[str, Any], kind: str) -> dict[str, Any]:
    full = {**_DEFAULTS, **state} if kind == "account" else state
    instants = {name: full[name] for name in ("opened_at", "unlisted_from") if full.get(name)}
    return full | {name: time_of(instant) for name, instant in instants.items()}


def _text(item: Item) -> str:
    """A row as text; an engine may write a large number as 4E+30."""
    plain = {
        name: {kind: str(int(Decimal(value))) if kind == "N" else value}
        for name, typed in item.items()
        for kind, value in typed.items()
    }
    return json.dumps(plain, sort_keys=True)
