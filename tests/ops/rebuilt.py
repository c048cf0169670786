"""Books to be rebuilt: written by some, projected by others, and damaged, all at the same time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from click.testing import CliRunner, Result

from chalicelib.commands.execute import Executor
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import Append
from ops.chaos_books import Client, Writer, open_accounts
from ops.chaos_check import books_of, stored, wrong_rows
from ops.rebuild import rebuild
from tests.books import deliver


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
    client = Client(Executor(store))
    open_accounts(client)
    Writer(client, seed, f"before-{seed}").write(commands)
    _project(store.told)


def rebuilt(*arguments: str) -> Result:
    """`ops rebuild` with these arguments, which succeeds."""
    result = CliRunner().invoke(rebuild, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def wrong() -> list[str]:
    """What of the rooms is other than the events say."""
    return list(wrong_rows(books_of(stored())))


@contextmanager
def traffic(*, writers: int = 2, commands: int = 20) -> Iterator[None]:
    """Writers write and a projector projects until the end, and beyond it what is left."""
    store = ToldStore()
    client = Client(Executor(store))
    written = threading.Event()

    def go_on_writing(name: str) -> None:
        round_ = 0
        while not written.is_set():
            round_ += 1
            Writer(client, round_, f"{name}-{round_}").write(commands)

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
    assert errors == []


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
