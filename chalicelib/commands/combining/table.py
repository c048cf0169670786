"""The inbox table: rows with waiting commands, and the lease of each account that was hot."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from pynamodb.attributes import BinaryAttribute, TTLAttribute, UnicodeAttribute

from chalicelib.commands.combining.inbox import Answer, Lease, Row
from chalicelib.commands.combining.limits import BUCKETS, KEEP_SECONDS
from chalicelib.events.recorded import Stream
from chalicelib.tables import Integer, Named, Table, bucket_of

LEASE = "lease"
"""The range key of a lease, whose hash key is the account. The range key of a row is its id."""

MICRO = 1_000_000
"""Microseconds in a second. Times are stored in microseconds."""


class InboxItem(Table):
    """A row or a lease. The table has no stream, since it holds no history."""

    class Meta(metaclass=Named):
        name = "inbox"

    account = UnicodeAttribute(hash_key=True)
    id = UnicodeAttribute(range_key=True)
    expires = TTLAttribute()

    commands = BinaryAttribute(legacy_encoding=False, null=True)
    command_id = UnicodeAttribute(null=True)
    actor = UnicodeAttribute(null=True)
    gives_up = Integer(null=True)
    also = UnicodeAttribute(null=True)
    answer = UnicodeAttribute(null=True)
    leads = UnicodeAttribute(null=True)

    owner = UnicodeAttribute(null=True)
    epoch = Integer(null=True)
    until = Integer(null=True)


def key_of(row: Row) -> tuple[str, str]:
    """The key of a row's item."""
    return f"{row.account}#{bucket_of(row.id, BUCKETS)}", row.id


def raw_key(account: str, id: str) -> dict[str, Any]:
    """A key in DynamoDB's format."""
    return {"account": {"S": account}, "id": {"S": id}}


def item_of(row: Row) -> InboxItem:
    """The item of a row, with its key only."""
    return InboxItem(*key_of(row), expires=expiry())


def expiry() -> datetime:
    """When DynamoDB deletes an item that is written now."""
    return datetime.now(UTC) + timedelta(seconds=KEEP_SECONDS)


def item_from(attributes: dict[str, Any]) -> InboxItem:
    """The item of attributes in DynamoDB's format."""
    item = InboxItem()
    item.deserialize(attributes)
    return item


def row_of(account: Stream, item: InboxItem) -> Row:
    """The row that an item stores."""
    return Row(
        account=account,
        id=item.id,
        commands=item.commands or b"[]",
        command_id=item.command_id or "",
        actor=item.actor or "",
        gives_up=(item.gives_up or 0) / MICRO,
        also=msgspec.json.decode(item.also or "[]", type=tuple[Stream, ...]),
        answer=msgspec.json.decode(item.answer, type=Answer) if item.answer else None,
        leads=msgspec.json.decode(item.leads, type=Lease) if item.leads else None,
    )


def lease_of(item: InboxItem) -> Lease:
    """The lease that an item stores."""
    return Lease(owner=item.owner or "", epoch=item.epoch or 0, until=(item.until or 0) / MICRO)


def encoded(answer: Answer | Lease) -> str:
    """An answer or a lease as JSON, in which it is stored."""
    return msgspec.json.encode(answer).decode()


def micro(seconds: float) -> int:
    """Seconds in microseconds."""
    return round(seconds * MICRO)
