"""Worker processes: tasks are done by several processes, or by this one.

A worker that is killed ends the whole work with an error, so that no result lacks a part.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from multiprocessing.connection import wait
from threading import Thread
from typing import TypeVar

import click

from chalicelib import tables

ITEMS_OF_A_PROCESS = 25_000
"""The least items for each process: with fewer, starting a further process takes longer than it
saves."""

processes_option = click.option(
    "--processes",
    type=click.IntRange(1, 256),
    help="Processes that share the work. Default: one for each core, fewer for small tables.",
)

Task = TypeVar("Task")
Result = TypeVar("Result")


class WorkerLost(click.ClickException):
    """A worker process ended before its work did."""

    def __init__(self) -> None:
        super().__init__(
            "a worker process was killed, perhaps because memory ran out, so there is no result. "
            "Run the same command again: unless it is a dry run, it continues where it stopped"
        )


@dataclass(frozen=True)
class Workers:
    """Does tasks in the worker processes of `pool`, or in this process if it is None."""

    pool: ProcessPoolExecutor | None = None

    def run(self, work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """The results, in the order in which they are done. Raises the first error, and WorkerLost.

        With a pool, `work`, tasks and results must be picklable.
        """
        if self.pool is None:
            yield from map(work, tasks)
            return
        try:
            for done in as_completed([self.pool.submit(work, task) for task in tasks]):
                yield done.result()
        except BrokenProcessPool:
            raise WorkerLost from None


@contextmanager
def workers(processes: int, method: str = "spawn") -> Iterator[Workers]:
    """Worker processes, none if `processes` is 1. They end at the end of the block.

    `method` is how processes are started: `spawn` gives them this process's environment variables,
    `fork` also its memory.
    """
    if processes == 1:
        yield Workers()
        return
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(processes, context, initializer=_begin) as pool:
        try:
            yield Workers(pool)
        except BaseException:
            for child in set(multiprocessing.active_children()) - before:
                child.terminate()
            pool.shutdown(cancel_futures=True)
            raise


def processes_for(items: int) -> int:
    """The default number of processes for this many items: at most one for each core."""
    return max(1, min(os.cpu_count() or 1, ceil(items / ITEMS_OF_A_PROCESS)))


def _begin() -> None:
    """Prepares a worker: the parent alone handles Ctrl-C, and no worker outlives it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tables.disconnect()  # A forked process must not use its parent's sockets.
    parent = multiprocessing.parent_process()
    assert parent is not None
    Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
