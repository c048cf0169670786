"""The inbox on DynamoDB. Writes are not retried, so that a reply is the outcome of its request."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
from botocore.parsers import ResponseParserError
from pynamodb.connection.base import BOTOCORE_EXCEPTIONS
from pynamodb.constants import ALL_OLD
from pynamodb.exceptions import DeleteError, GetError, PutError, TransactWriteError, UpdateError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactGet, TransactWrite

from chalicelib.commands.combining.inbox import (
    FREE,
    Answer,
    Commit,
    Lease,
    Lost,
    Missing,
    Polled,
    Row,
)
from chalicelib.commands.combining.limits import BUCKETS
from chalicelib.commands.combining.table import (
    LEASE,
    InboxItem,
    encoded,
    expiry,
    item_from,
    item_of,
    key_of,
    lease_of,
    micro,
    raw_key,
    row_of,
)
from chalicelib.events.dynamodb import event_of, from_item, to_item
from chalicelib.events.dynamodb_faults import TAKEN, of_append, reading
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.store import Busy, EventStore, Place, Unanswered, with_current_state
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
_WAITS = InboxItem.command_id.exists() & InboxItem.answer.does_not_exist()
_ABSENT = EventItem.version.does_not_exist()


class DynamoInbox:
    """The implementation of Inbox. `store` reads the earlier events of a stream."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def lease(self, account: Stream) -> Lease:
        """See Inbox.lease."""
        try:
            with in_time(), reading(), suppress(InboxItem.DoesNotExist):
                return lease_of(InboxItem.get(str(account), LEASE))
        except GetError as error:
            if response_code(error) == "ResourceNotFoundException":
                raise Missing(InboxItem.Meta.table_name) from error
            raise
        return FREE

    def put(self, row: Row) -> None:
        """See Inbox.put."""
        item = item_of(row)
        item.commands = row.commands
        item.command_id, item.actor = row.command_id, row.actor
        item.gives_up = micro(row.gives_up)
        item.also = msgspec.json.encode(row.also).decode() if row.also else None
        _done(lambda: item.save(InboxItem.id.does_not_exist()))

    def take(self, account: Stream, seen: Lease, lease: Lease) -> bool:
        """See Inbox.take."""
        item = InboxItem(str(account), LEASE, expires=expiry())
        item.owner, item.epoch, item.until = lease.owner, lease.epoch, micro(lease.until)
        same = (InboxItem.epoch == seen.epoch) & (InboxItem.until == micro(seen.until))
        if seen == FREE:
            same |= InboxItem.epoch.does_not_exist()
        return _done(lambda: item.save(same))

    def appoint(self, row: Row, lease: Lease) -> bool:
        """See Inbox.appoint."""
        leads = InboxItem.leads.set(encoded(lease))
        return _done(lambda: item_of(row).update([leads], _WAITS))

    def rows(self, account: Stream) -> list[Row]:
        """See Inbox.rows."""

        def waiting(bucket: int) -> list[Row]:
            found = InboxItem.query(f"{account}#{bucket}", consistent_read=True)
            with reading():
                waits = [each for each in found if each.command_id and each.answer is None]
                return [row_of(account, item) for item in waits]

        with in_time():
            found = [row for each in in_parallel(waiting, range(BUCKETS)) for row in each]
        return sorted(found, key=lambda row: row.id)

    def poll(self, row: Row, event: Place | None, *, lease: bool) -> Polled:
        """See Inbox.poll."""
        key, inbox, events = key_of(row), InboxItem.Meta.table_name, EventItem.Meta.table_name
        keys = [raw_key(*key), *([raw_key(str(row.account), LEASE)] if lease else [])]
        requested: dict[str, Any] = {inbox: {"Keys": keys}}
        if event is not None:
            stream, version = event
            event_key = {"stream": {"S": str(stream)}, "version": {"N": str(version)}}
            requested[events] = {"Keys": [event_key]}
        found = _batch(requested)
        items = {item.id: item for item in map(item_from, found.get(inbox, []))}
        there = [event_of(raw) for raw in found.get(events, [])]
        return Polled(
            self._current(there[0]) if there else None,
            row_of(row.account, items[row.id]) if row.id in items else None,
            (lease_of(items[LEASE]) if LEASE in items else FREE) if lease else None,
        )

    def outcome(
        self, row: Row, places: Sequence[Place]
    ) -> tuple[Row | None, dict[Place, Recorded]]:
        """See Inbox.outcome."""
        with reading(), sent_once(), TransactGet(connection=connection()) as transaction:
            mine = transaction.get(InboxItem, *key_of(row))
            asked = {
                place: transaction.get(EventItem, str(place[0]), place[1])
                for place in dict.fromkeys(places)
            }
        events = {}
        for place, future in asked.items():
            with suppress(EventItem.DoesNotExist):
                events[place] = self._current(from_item(future.get()))
        with suppress(InboxItem.DoesNotExist):
            return row_of(row.account, mine.get()), events
        return None, events

    def withdraw(self, row: Row, *, leave_mark: bool = False) -> bool:
        """See Inbox.withdraw."""
        item = item_of(row)
        if not leave_mark:
            return _done(lambda: item.delete(_WAITS))
        mark = InboxItem.answer.set(encoded(Answer(kind="withdrawn")))
        actions: list[Action] = [mark, InboxItem.expires.set(item.expires)]
        return _done(lambda: item.update(actions, InboxItem.answer.does_not_exist()))

    def delete(self, row: Row) -> None:
        """See Inbox.delete."""
        _done(lambda: item_of(row).delete())

    def commit(self, commit: Commit) -> None:
        """See Inbox.commit."""
        events = [event for append in commit.appends for event in append.events]
        deleted = [row for row, answer in commit.settled if answer is None]
        answered = [(row, answer) for row, answer in commit.settled if answer is not None]
        # PynamoDB sends the kinds of writes in this order, so the reasons are in it too.
        subjects: list[Row | Recorded | Place] = [*commit.absent, *deleted, *events]
        subjects += [row for row, _ in answered]
        try:
            with sent_once(), TransactWrite(connection=connection()) as transaction:
                for stream, version in commit.absent:
                    transaction.condition_check(EventItem, str(stream), version, _ABSENT)
                for row in deleted:
                    transaction.delete(item_of(row), _WAITS)
                for event in events:
                    transaction.save(to_item(event), _ABSENT, return_values=ALL_OLD)
                for row, answer in answered:
                    action = InboxItem.answer.set(encoded(answer))
                    transaction.update(item_of(row), [action], _WAITS)
        except TransactWriteError as error:
            raise self._lost(subjects, error) from error
        except ResponseParserError as error:
            raise Unanswered(str(error)) from error

    def _lost(
        self, subjects: Sequence[Row | Recorded | Place], error: TransactWriteError
    ) -> Exception:
        """The exception for a failed transaction, whose writes were of these subjects."""
        rows: set[str] = set()
        heads: dict[Stream, Recorded | None] = {}
        codes = {response_code(error)}
        for subject, reason in zip(subjects, error.cancellation_reasons, strict=False):
            codes.add(reason.code if reason else "None")
            if reason is None or reason.code not in _LOST:
                continue
            if isinstance(subject, Row):
                rows.add(subject.id)
            elif isinstance(subject, Recorded):
                raw = reason.raw_item
                # Later events overwrite earlier ones, so the newest returned one stays.
                heads[subject.stream] = self._current(event_of(raw)) if raw else None
            else:
                heads[subject[0]] = None
        if rows or heads:
            return Lost(rows, heads)
        if "ValidationException" in codes or "ValidationError" in codes:
            return ValueError(str(error))
        return of_append(error, codes)

    def _current(self, event: Recorded) -> Recorded:
        return with_current_state(event, self._store.history)


def _done(write: Callable[[], object]) -> bool:
    """Does a conditional write; whether its condition was true. Raises Busy, Unanswered."""
    try:
        with sent_once():
            write()
    except (PutError, UpdateError, DeleteError) as error:
        code = response_code(error)
        if code == CONDITION_FAILED:
            return False
        if code in TAKEN:
            raise Busy(code) from error
        raise of_append(error) from error
    except ResponseParserError as error:
        raise Unanswered(str(error)) from error
    return True


def _batch(requested: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The items of a BatchGetItem, by table. Raises Busy."""
    with _as_reading(), sent_once():  # The next poll is the retry.
        # PynamoDB's own batches are of one table.
        reply = connection().dispatch("BatchGetItem", {"RequestItems": requested})
    if reply.get("UnprocessedKeys"):
        raise Busy("a poll was not processed")
    found: dict[str, list[dict[str, Any]]] = reply["Responses"]
    return found


@contextmanager
def _as_reading() -> Iterator[None]:
    """Translates errors like `reading`, also those of botocore, as `dispatch` raises them."""
    with reading():
        try:
            yield
        except BOTOCORE_EXCEPTIONS as cause:
            raise GetError(f"Failed to batch get items: {cause}", cause) from cause
