"""The inboxes that every test of an inbox runs on, each beside its event store."""

import pytest

from chalicelib.commands.combining.dynamodb import DynamoInbox
from chalicelib.commands.combining.inbox import Inbox
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.store import EventStore
from tests.memory_inbox import MemoryInbox
from tests.memory_store import MemoryStore


@pytest.fixture(params=["memory", "moto", "ministack", "dynamodb_local"])
def stores(request: pytest.FixtureRequest) -> tuple[EventStore, Inbox]:
    """An event store and an inbox: in memory, or DynamoDB as an engine plays it."""
    if request.param == "memory":
        books = MemoryStore()
        return books, MemoryInbox(books)
    request.getfixturevalue(request.param)
    store = DynamoStore()
    return store, DynamoInbox(store)


@pytest.fixture
def store(stores: tuple[EventStore, Inbox]) -> EventStore:
    """The event store beside the inbox."""
    return stores[0]


@pytest.fixture
def inbox(stores: tuple[EventStore, Inbox]) -> Inbox:
    """An inbox."""
    return stores[1]
