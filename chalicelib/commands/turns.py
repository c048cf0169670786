"""Turns: threads of one process execute commands on the same stream one after the other.

They would otherwise lose races to each other, and each lost race costs several calls of the store.
A Lambda's process answers one request at a time, so it needs none.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from chalicelib.commands.execution import Run
from chalicelib.settings import settings
from chalicelib.tables import bucket_of

TakeTurns = Callable[[Run], AbstractContextManager[object]]
"""Inside the block no other thread executes commands on the streams of the run's."""


class Turns:
    """A number of locks, of which each stream has one. Safe under threads.

    They save work only: what is recorded does not depend on them, so a thread that has waited for
    as long as its command may take goes on without.
    """

    def __init__(self, locks: int) -> None:
        self.locks = [threading.Lock() for _ in range(locks)]

    @contextmanager
    def take(self, run: Run) -> Iterator[None]:
        """See TakeTurns. The time that it waits is added to the run's.

        Streams that only become known from what is stored, such as the accounts of a hold, are not
        among those of a run.
        """
        began = time.monotonic()
        with ExitStack() as taken:
            for lock in self._of(run):
                if not lock.acquire(timeout=max(0.0, run.until - time.monotonic())):
                    break
                taken.callback(lock.release)
            run.until += time.monotonic() - began
            yield

    def _of(self, run: Run) -> list[threading.Lock]:
        """In one order for all, so that no two threads wait for each other."""
        streams = run.required_streams(with_target=False)
        indexes = {bucket_of(str(each), len(self.locks)) for each in streams}
        return [self.locks[index] for index in sorted(indexes)]


def turns() -> TakeTurns:
    """Those of this process."""
    return nullcontext if settings().in_lambda else Turns(256).take
