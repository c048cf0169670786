"""Virtual time: threads that run one at a time, each until it sleeps; no real time passes.

The thread whose sleep ends first runs next. So code that uses threads and a clock is simulated
unchanged, and its result depends on the seed only.
"""

import heapq
from collections.abc import Callable, Sequence
from itertools import count
from threading import Event, Lock, Thread
from typing import TypeVar

_Result = TypeVar("_Result")


class VirtualTime:
    """A clock in seconds, and the threads that sleep on it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleeping: list[tuple[float, int, Lock]] = []
        self._numbers = count()
        self._failed: list[BaseException] = []
        self._ended = Event()
        self._alive = 0

    def start(self, work: Callable[[], object]) -> None:
        """Begins a thread at this instant."""
        turn = Lock()
        turn.acquire()
        self._alive += 1
        self._push(0.0, turn)
        Thread(target=self._run, args=(work, turn), daemon=True).start()

    def run(self) -> None:
        """Lets time pass until all threads have ended. Raises what one of them raised."""
        self._switch()
        self._ended.wait()
        if self._failed:
            raise self._failed[0]

    def sleep(self, seconds: float) -> None:
        """Lets the others run until so many seconds have passed."""
        turn = Lock()
        turn.acquire()
        self._push(seconds, turn)
        self._switch()
        turn.acquire()

    def together(self, works: Sequence[Callable[[], _Result]]) -> list[_Result]:
        """The results of works that run at the same time. Raises the first error in order."""
        if not works:
            return []
        results: dict[int, _Result] = {}
        errors: dict[int, BaseException] = {}
        done, left = Lock(), [len(works)]
        done.acquire()

        def run(place: int) -> None:
            try:
                results[place] = works[place]()
            except BaseException as error:  # noqa: BLE001  # Raised below.
                errors[place] = error
            left[0] -= 1
            if not left[0]:
                self._push(0.0, done)

        for place in range(len(works)):
            self.start(lambda place=place: run(place))  # type: ignore[misc]  # Of this turn.
        self._switch()
        done.acquire()
        for place in sorted(errors):
            raise errors[place]
        return [results[place] for place in range(len(works))]

    def _push(self, seconds: float, turn: Lock) -> None:
        heapq.heappush(self._sleeping, (self.now + seconds, next(self._numbers), turn))

    def _switch(self) -> None:
        """Lets the thread go on that is due first."""
        self.now, _, turn = heapq.heappop(self._sleeping)
        turn.release()

    def _run(self, work: Callable[[], object], turn: Lock) -> None:
        turn.acquire()
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # Raised by `run`.
            self._failed.append(error)
        self._alive -= 1
        if self._failed or not self._alive:
            self._ended.set()
        else:
            self._switch()
