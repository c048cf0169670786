"""Forging: the event table as somebody rewrites it who knows all of this code."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
from moto.dynamodb.models import dynamodb_backends

from chalicelib.domain.fields import rfc3339
from chalicelib.events.dynamodb import from_item, to_item
from chalicelib.events.recorded import FIRST_LINK, Recorded, Stream, encode_state, evolve
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_state
from chalicelib.local.environment import TABLES
from chalicelib.read_models.integrity.table import IntegrityRow
from chalicelib.tables import Table
from ops.verifying.read_models import READ_MODELS
from tests.ops.audited import delete, project, put
from tests.projected import forget_written

Streams = dict[str, list[Recorded]]


class Forger:
    """Takes all events into hand, changes them, and stores them again."""

    def __init__(self, stored: Streams | None = None) -> None:
        self._stored = stored_events() if stored is None else stored
        self.streams = {name: list(events) for name, events in self._stored.items()}

    def said(self, stream: str, version: int) -> dict[str, Any]:
        """What an event says. The newest one is at -1."""
        said: dict[str, Any] = json.loads(self.streams[stream][_place(version)].data)
        return said

    def say(self, stream: str, version: int, **fields: Any) -> None:
        """An event's data says something else."""
        data = {**self.said(stream, version), **fields}
        self.sign(stream, version, data=json.dumps(data, separators=(",", ":")))

    def sign(self, stream: str, version: int, **attributes: Any) -> None:
        """An event has another actor, command or time, or any other attribute."""
        events = self.streams[stream]
        place = _place(version)
        events[place] = replace(events[place], **attributes)

    def delay(self, stream: str, version: int, seconds: float) -> None:
        """An event was recorded later, and says so wherever it says when that was."""
        one = self.streams[stream][_place(version)]
        then, now = rfc3339(one.recorded_at), rfc3339(one.recorded_at + timedelta(seconds=seconds))
        self.sign(
            stream,
            version,
            recorded_at=one.recorded_at + timedelta(seconds=seconds),
            data=one.data.replace(then, now),
        )

    def cut(self, stream: str, version: int) -> None:
        """The stream ends at this version; at 0 it is gone."""
        self.streams[stream] = self.streams[stream][:version]

    def leave_out(self, stream: str, version: int) -> None:
        """An event is gone, and those behind it move up."""
        del self.streams[stream][version - 1]

    def swap(self, stream: str, version: int) -> None:
        """An event and the one behind it change places."""
        events = self.streams[stream]
        one, two = events[version - 1 : version + 1]
        events[version - 1 : version + 1] = [
            replace(two, version=one.version),
            replace(one, version=two.version),
        ]

    def copy(self, stream: str, to: str, **envelope: Any) -> None:
        """A stream is written a second time under another name."""
        ledger, kind, _ = stream.split("/")
        other = Stream(ledger, kind, to)
        self.streams[str(other)] = [
            replace(one, stream=other, **envelope) for one in self.streams[stream]
        ]

    def chain(self, stream: str) -> None:
        """Versions, states and hashes of a stream fit again."""
        state, previous, chained = None, FIRST_LINK, []
        for version, one in enumerate(self.streams[stream], start=1):
            fresh = replace(one, version=version)
            state = evolve(state, fresh.event)
            fresh = replace(fresh, state_data=encode_state(state))
            previous = fresh.chained_to(previous)
            chained.append(replace(fresh, hash=previous))
        self.streams[stream] = chained

    def agree(self) -> None:
        """Everything fits: all accounts are chained, and all transactions say what these say."""
        self.streams = {name: events for name, events in self.streams.items() if events}
        accounts = [name for name in self.streams if "/account/" in name]
        for name in accounts:
            self.chain(name)
        made = {
            (one.event.transaction, one.command_id, one.stream.id): one
            for name in accounts
            for one in self.streams[name]
            if hasattr(one.event, "transaction")
        }
        for name in self.streams.keys() - set(accounts):
            for one in list(self.streams[name]):
                self._say_as(one, made)
            self.chain(name)

    def store(self) -> None:
        """The event table is as it is in hand."""
        before, after = _by_place(self._stored), _by_place(self.streams)
        for place in before.keys() - after.keys():
            delete(EventItem, to_item(before[place]).serialize())
        for place, one in after.items():
            if before.get(place) != one:
                put(EventItem, to_item(one).serialize())

    def _say_as(self, one: Recorded, made: dict[tuple[str, str, str], Recorded]) -> None:
        said = json.loads(one.data)
        for place, _ in enumerate(said["account_events"]):
            entry = said["entries"][place]
            account = made.get((one.stream.id, one.command_id, entry["account"]))
            if account is None:
                continue  # There is none: it says what it said.
            said["account_events"][place] = [
                account.version,
                msgspec.to_builtins(account.short_hash),
            ]
            if one.type not in ("HoldVoided", "HoldExpired"):
                entry["version"] = account.version
                entry["balance_after"] = account_state(account).posted
        self.say(str(one.stream), one.version, **said)


def stored_events() -> Streams:
    """All events as they are stored, by stream."""
    streams: Streams = {}
    for item in sorted(EventItem.scan(), key=lambda item: (item.stream, item.version)):
        streams.setdefault(item.stream, []).append(from_item(item))
    return streams


def _by_place(streams: Streams) -> dict[tuple[str, int], Recorded]:
    return {(name, one.version): one for name, events in streams.items() for one in events}


def _place(version: int) -> int:
    return version - 1 if version > 0 else version


def rebuild_rows() -> None:
    """All rows are made anew out of the events."""
    for room in READ_MODELS.values():
        stored(room.table).items.clear()
    forget_written()
    project()


def forget_audits() -> None:
    """No verdict and no checkpoint is left in the table."""
    stored(IntegrityRow).items.clear()


def stored(table: type[Table]) -> Any:
    """A table as moto has it: its `items` can be exchanged in no time."""
    (backend,) = (each["us-east-1"] for each in dynamodb_backends.values())
    return backend.tables[table.Meta.table_name]


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is done to moto's tables within is undone."""
    before = {model: deepcopy(stored(model).items) for model in TABLES}
    try:
        yield
    finally:
        for model, stood in before.items():
            stored(model).items = stood
