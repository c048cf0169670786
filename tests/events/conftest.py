"""The event stores that every store test runs on."""

import pytest

from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.store import EventStore
from tests.memory_store import MemoryStore


@pytest.fixture(params=["memory", "moto", "ministack", "dynamodb_local"])
def store(request: pytest.FixtureRequest) -> EventStore:
    """An event store: the twin in memory, or DynamoDB as an engine plays it."""
    if request.param == "memory":
        return MemoryStore()
    request.getfixturevalue(request.param)
    return DynamoStore()
