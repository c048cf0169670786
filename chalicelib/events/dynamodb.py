"""The event store on DynamoDB.

A load is one strongly consistent query for the newest item. An append puts each event on the
condition that its version does not exist yet: one event is one PutItem, several are one
TransactWriteItems. Botocore does not retry appends: this module decides whether one was done, and
raises Unanswered if that is unknown.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from botocore.parsers import ResponseParserError
from pynamodb.connection.base import BOTOCORE_EXCEPTIONS
from pynamodb.constants import ALL_OLD
from pynamodb.exceptions import CancellationReason, PutError, TransactWriteError
from pynamodb.transactions import TransactGet, TransactWrite

from chalicelib.domain.fields import rfc3339
from chalicelib.events.dynamodb_faults import TAKEN, of_append, reading
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Append, Conflict, Place, Unanswered, check, with_current_state
from chalicelib.events.table import EventItem
from chalicelib.tables import (
    CONDITION_FAILED,
    connection,
    in_parallel,
    in_time,
    response_code,
    sent_once,
)

_LOST = {"ConditionalCheckFailed", "TransactionConflict"}
_ABSENT = EventItem.version.does_not_exist()


class DynamoStore:
    """The implementation of EventStore."""

    def load(self, streams: Collection[Stream]) -> dict[Stream, Recorded]:
        """See EventStore.load."""
        with in_time():
            heads = in_parallel(_newest, streams)
        return {
            head.stream: with_current_state(head, self.history)
            for head in heads
            if head is not None
        }

    def append(self, *appends: Append) -> None:
        """See EventStore.append."""
        check(appends)
        items = [to_item(event) for append in appends for event in append.events]
        with sent_once():
            lost = _put(items[0]) if len(items) == 1 else _put_together(items)
        if lost:
            there = {
                stream: found and with_current_state(found, self.history) for stream, found in lost
            }
            raise Conflict(lost[0][0], there)

    def snapshot(self, places: Collection[Place]) -> dict[Place, Recorded]:
        """See EventStore.snapshot."""
        with reading(), sent_once(), TransactGet(connection=connection()) as transaction:
            asked = {
                place: transaction.get(EventItem, str(place[0]), place[1])
                for place in dict.fromkeys(places)
            }
        found = {}
        for place, future in asked.items():
            with suppress(EventItem.DoesNotExist):
                found[place] = with_current_state(from_item(future.get()), self.history)
        return found

    def read(self, stream: Stream, version: int) -> Recorded:
        """See EventStore.read."""
        with in_time():
            found = from_item(_stored(str(stream), version))
        return with_current_state(found, self.history)

    def history(self, stream: Stream, *, newest_first: bool = False) -> Iterator[Recorded]:
        """See EventStore.history."""
        found = EventItem.query(
            str(stream), consistent_read=True, scan_index_forward=not newest_first
        )
        with reading():
            for item in found:
                yield from_item(item)


def _newest(stream: Stream) -> Recorded | None:
    found = EventItem.query(str(stream), consistent_read=True, scan_index_forward=False, limit=1)
    with reading():
        return next((from_item(item) for item in found), None)


_Lost = list[tuple[Stream, Recorded | None]]
"""The streams of an append that have another event, with that event if it is visible yet."""


def _put(item: EventItem) -> _Lost:
    stream = Stream.parse(item.stream)
    try:
        arguments = item.get_save_kwargs_from_instance(_ABSENT, ALL_OLD)
        connection().dispatch("PutItem", arguments)
    except BOTOCORE_EXCEPTIONS as cause:
        error = PutError(f"Failed to put item: {cause}", cause)
        code = response_code(error)
        if code in TAKEN:
            return [(stream, None)]
        if code != CONDITION_FAILED:
            raise of_append(error) from error
        # The item that the condition failed on, which not every engine returns.
        response = getattr(cause.__cause__, "response", None) or {}
        returned = response.get("Item")
        stored = _from_raw(returned) if returned else _stored(item.stream, item.version)
        if not _is_ours(item, stored):
            return [(stream, from_item(stored))]
    except ResponseParserError as error:
        raise Unanswered(str(error)) from error
    return []


def _stored(stream: str, version: int) -> EventItem:
    with reading():
        return EventItem.get(stream, version, consistent_read=True)


def _put_together(items: list[EventItem]) -> _Lost:
    try:
        # All items are puts, so PynamoDB keeps their order, and so do the reasons.
        with TransactWrite(connection=connection()) as transaction:
            for item in items:
                transaction.save(item, _ABSENT, return_values=ALL_OLD)
    except TransactWriteError as error:
        reasons = list(zip(items, error.cancellation_reasons, strict=False))
        there = [_there(item, reason) for item, reason in reasons]
        # An item that is being written is not returned; an append is written wholly or not at all.
        if "ours" in there and set(there) <= {"ours", "under way"}:
            return []
        lost = [
            (
                Stream.parse(item.stream),
                from_item(_from_raw(reason.raw_item)) if reason.raw_item else None,
            )
            for item, reason in reasons
            if reason is not None and reason.code in _LOST
        ]
        if lost:
            return lost
        codes = {reason.code for _, reason in reasons if reason is not None}
        raise of_append(error, codes) from error
    except ResponseParserError as error:
        raise Unanswered(str(error)) from error
    return []


def _there(item: EventItem, reason: CancellationReason | None) -> str:
    """What a cancelled append found at an item's key."""
    if reason is None:
        return "nothing"
    if reason.raw_item:
        return "ours" if _is_ours(item, _from_raw(reason.raw_item)) else "another's"
    return "under way" if reason.code == "TransactionConflict" else "nothing"


def _is_ours(item: EventItem, stored: EventItem) -> bool:
    """Whether the stored event is the same: an earlier request wrote it, and its reply was lost."""
    return bool(stored.hash == item.hash)


def event_of(attributes: dict[str, Any]) -> Recorded:
    """The event of an item as DynamoDB returns it. Raises UnknownEvent."""
    return from_item(_from_raw(attributes))


def _from_raw(attributes: dict[str, Any]) -> EventItem:
    item = EventItem()
    item.deserialize(attributes)
    return item


def to_item(event: Recorded) -> EventItem:
    """The item that an event is stored as."""
    return EventItem(
        stream=str(event.stream),
        version=event.version,
        type=event.type,
        data=event.data,
        state=event.state_data,
        recorded_at=rfc3339(event.recorded_at),
        command_id=event.command_id,
        actor=event.actor,
        hash=event.hash,
    )


def from_item(item: EventItem) -> Recorded:
    """The event that an item stores. Raises UnknownEvent for an unknown kind of stream."""
    return Recorded(
        stream=Stream.parse(item.stream),
        version=item.version,
        type=item.type,
        data=item.data,
        state_data=item.state,
        recorded_at=datetime.fromisoformat(item.recorded_at),
        command_id=item.command_id,
        actor=item.actor,
        hash=item.hash,
    )
