"""Memory: the newest events that this process wrote itself, so that it need not load them again.

What is remembered may be stale, since other processes write too. That harms nobody: an append is
conditional on the versions it was decided on, so what is accepted on a remembered state was true,
and nothing is refused, or called done, before it was looked up. Losing on it costs a round trip
and write units, so a stream that others write too is not remembered for a while.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from threading import Lock

from chalicelib.events.recorded import Recorded, Stream

SIZE = 4000
"""Streams, of about a kilobyte each."""

SHY_SECONDS = 5.0
"""For so long a stream that another process wrote is loaded every time."""


class Memory:
    """The newest events of the streams that were written last. Safe under threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._heads: OrderedDict[Stream, Recorded] = OrderedDict()
        self._shy_until: OrderedDict[Stream, float] = OrderedDict()
        self._monotonic = monotonic
        self._lock = Lock()

    def recall(self, streams: Iterable[Stream]) -> dict[Stream, Recorded]:
        """Those of these streams that are remembered."""
        with self._lock:
            return {stream: self._heads[stream] for stream in streams if stream in self._heads}

    def remember(self, heads: Iterable[Recorded]) -> None:
        """What was just written."""
        with self._lock:
            for head in heads:
                if self._shy_until.get(head.stream, 0.0) > self._monotonic():
                    continue
                known = self._heads.get(head.stream)
                if known is None or known.version < head.version:
                    self._heads[head.stream] = head
                    self._heads.move_to_end(head.stream)
            while len(self._heads) > SIZE:
                self._heads.popitem(last=False)

    def forget(self, streams: Iterable[Stream], *, lost: Stream | None = None) -> None:
        """What can no longer be trusted; `lost` is the one that another process has written."""
        with self._lock:
            for stream in streams:
                self._heads.pop(stream, None)
            if lost is not None:
                self._shy_until[lost] = self._monotonic() + SHY_SECONDS
                self._shy_until.move_to_end(lost)
                if len(self._shy_until) > SIZE:
                    self._shy_until.popitem(last=False)
