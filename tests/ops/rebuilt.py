"""Books to be rebuilt: written by some, projected by others, and damaged, all at the same time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from queue import Empty, SimpleQueue

from click.testing import CliRunner, Result

from chalicelib.commands.executor import Executor
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import Append
from chalicelib.events.table import EventItem
from chalicelib.local.environment import TABLES
from chalicelib.tables import Table
from ops.chaos.workload import RANDOM, Client, open_accounts
from ops.independent.check import wrong_rows
from ops.rebuild import rebuild
from ops.verifying.raw import all_items, client, name_of
from ops.verifying.read_models import stored_rows
from ops.workload import RandomWriter
from tests.books import deliver
from tests.ops.audited import Item, items
from tests.soak import examples


class ToldStore(DynamoStore):
    """An event store whose events are put into a queue, as into a stream."""

    def __init__(self) -> None:
        self.told: SimpleQueue[Recorded] = SimpleQueue()

    def append(self, *appends: Append) -> None:
        super().append(*appends)
        for append in appends:
            for event in append.events:
                self.told.put(event)


def write(commands: int = 150, *, seed: int = 1) -> None:
    """Books of the random ledger, projected."""
    store = ToldStore()
    client = Client([Executor(store)])
    open_accounts(client)
    RandomWriter(client.send, RANDOM, seed, f"before-{seed}").write(commands)
    _project(store.told)


_stocks: dict[int, dict[type[Table], list[Item]]] = {}
"""What `stock` has written once, by the number of commands."""


def stock(commands: int = examples(60, 150)) -> None:
    """Fills empty tables with books of the random ledger, projected: the same ones every time."""
    if commands not in _stocks:
        write(commands)
        _stocks[commands] = {table: items(table) for table in TABLES}
        return
    for table, rows in _stocks[commands].items():
        for start in range(0, len(rows), 25):
            puts = [{"PutRequest": {"Item": row}} for row in rows[start : start + 25]]
            client().batch_write_item(RequestItems={name_of(table): puts})


def rebuilt(*arguments: str) -> Result:
    """`ops rebuild` with these arguments, which succeeds."""
    result = CliRunner().invoke(rebuild, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def wrong() -> list[str]:
    """What of the rooms is other than the events say."""
    return list(wrong_rows(all_items(EventItem), stored_rows()))


@contextmanager
def traffic(*, writers: int = 2, commands: int = 20) -> Iterator[None]:
    """Writers write and a projector projects until the end, and beyond it what is left."""
    pause = examples(100, 0) / 1000
    store = ToldStore()
    client = Client([Executor(store)])
    written = threading.Event()

    def go_on_writing(name: str) -> None:
        for round_ in count(1):
            writer = RandomWriter(client.send, RANDOM, round_, f"{name}-{round_}")
            for _ in range(commands):
                writer.write(1)
                written.wait(pause)
            if written.is_set():
                return

    def go_on_projecting() -> None:
        while not written.is_set():
            _project(store.told)
            time.sleep(0.02)  # So that projections lag, and batches have more than one event.

    with together(
        *(lambda name=f"w{number}": go_on_writing(name) for number in range(writers)),
        go_on_projecting,
    ):
        try:
            yield
        finally:
            written.set()
    _project(store.told)
    assert len(client.acknowledged) > 20


@contextmanager
def together(*work: Callable[[], None]) -> Iterator[None]:
    """Work that goes on in threads of its own, and has ended when this ends; its errors count."""
    errors: list[Exception] = []

    def run(each: Callable[[], None]) -> None:
        try:
            each()
        except Exception as error:  # noqa: BLE001  # Told where the work is waited for.
            errors.append(error)

    threads = [threading.Thread(target=run, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join(60)
    if errors:
        raise errors[0]


def _project(told: "SimpleQueue[Recorded]") -> None:
    """Delivers what is in the queue, in batches of up to 50."""
    while True:
        batch: list[Recorded] = []
        try:
            while len(batch) < 50:
                batch.append(told.get_nowait())
        except Empty:
            pass
        if not batch:
            return
        deliver(batch)
