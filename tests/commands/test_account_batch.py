"""A batch of accounts on a slow engine: it goes on where it stopped, and says what is so."""

from collections.abc import Collection
from threading import Lock
from typing import Any

import msgspec

from chalicelib.commands import account_batch
from chalicelib.commands.account_requests import AccountBatchRequest
from chalicelib.commands.batched import Sender
from chalicelib.commands.executor import Executor
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import Append, Place
from tests.memory_store import MemoryStore

ACCOUNTS = [
    {"id": f"a{number}", "asset": "USD/2", "normal_balance": "credit"} for number in range(40)
]


class SlowStore(MemoryStore):
    """Each append takes seconds, by its own clock."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds, self.time, self.snapshots = seconds, 0.0, 0
        self._counting = Lock()

    def append(self, *appends: Append) -> None:
        with self._counting:
            self.time += self.seconds
        super().append(*appends)

    def snapshot(self, places: Collection[Place]) -> dict[Place, Recorded]:
        self.snapshots += 1
        return super().snapshot(places)


def codes(store: SlowStore) -> list[Any]:
    """How each account of the batch is answered."""
    results = account_batch.run(
        msgspec.json.decode(msgspec.json.encode({"accounts": ACCOUNTS}), type=AccountBatchRequest),
        Sender(
            Executor(store, monotonic=lambda: store.time),
            "acme",
            "key-1",
            "request-1",
            None,
            lambda: "unused",
        ),
    ).results
    return [one.problem["code"] if one.problem else one.status for one in results]


def test_what_is_left_is_looked_up_at_once_and_said_not_to_be_attempted() -> None:
    store = SlowStore(5)

    said = codes(store)

    assert set(said) == {201, "not_attempted"}
    assert store.snapshots == 1


def test_a_batch_that_is_sent_again_and_again_is_done_however_slow_the_engine_is() -> None:
    store, sendings = SlowStore(5), 0

    # Each sending takes two at least of the forty, in any order: 400 leave none out.
    while "not_attempted" in codes(store) and sendings < 400:
        sendings += 1
    store.seconds = 0

    assert sendings < 400
    assert codes(store) == [200] * 40
