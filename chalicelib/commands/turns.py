"""Turns: threads of one process execute commands on the same stream one after the other.

They would otherwise lose races to each other, and each lost race costs several calls of the store.
A Lambda's process answers one request at a time, so it needs none.
"""

import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from chalicelib.commands.execution import Run
from chalicelib.settings import settings


class Turns:
    """A number of locks, of which each stream has one; with 0 no thread waits. Safe under threads.

    They save work only. What is recorded does not depend on them, so whoever has waited in vain
    goes on without: others may be waiting for a store that has no time.
    """

    def __init__(self, locks: int) -> None:
        self.locks = [threading.Lock() for _ in range(locks)]

    @contextmanager
    def take(self, run: Run, seconds: float) -> Iterator[None]:
        """Inside the block no other thread executes commands on the streams of these.

        Waits for `seconds` at most, in all, which the run is given back. Streams that only become
        known from what is stored, such as the accounts of a hold, are not among them.
        """
        began = time.monotonic()
        with ExitStack() as taken:
            for lock in self._of(run) if self.locks else ():
                if not lock.acquire(timeout=max(0.0, began + seconds - time.monotonic())):
                    break
                taken.callback(lock.release)
            run.until += time.monotonic() - began
            yield

    def _of(self, run: Run) -> list[threading.Lock]:
        """In one order for all, so that no two threads wait for each other."""
        attempt, indexes = run.decider.attempt(run.cache), set[int]()
        for command in run.commands:
            streams = attempt.required_streams(command, {}, with_target=False)
            indexes |= {zlib.crc32(str(each).encode()) % len(self.locks) for each in streams}
        return [self.locks[index] for index in sorted(indexes)]


NO_TURNS = Turns(0)


def turns() -> Turns:
    """Those of this process."""
    return NO_TURNS if settings().in_lambda else Turns(256)
