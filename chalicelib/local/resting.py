"""How long the pollers rest between two reads of the event table's stream."""

import threading
import time
from typing import Any

_IDLE_SECONDS = 1.0
"""For an idle stream, until this process writes. Other processes write at their own pace."""

_BUSY_SECONDS = (0.05, 0.5)
"""At least and at most between reads of a busy stream."""

_TIMES = 3.0
"""How many times as long as it works a poller of a busy stream rests."""


class Rest:
    """The rest of one poller.

    Of a busy stream it is three times as long as the last read and its projection took, so that
    requests have most of the time, and batches, which write each row once, grow with the load.
    """

    def __init__(self) -> None:
        self._written = threading.Event()

    def wake(self, **_: Any) -> None:
        """Ends the rest at an idle stream: a handler of botocore's event after-call."""
        self._written.set()

    def __call__(self, busy: bool, seconds: float) -> None:
        """See Poller."""
        if busy:
            shortest, longest = _BUSY_SECONDS
            time.sleep(min(longest, max(shortest, _TIMES * seconds)))
        elif self._written.wait(_IDLE_SECONDS):
            self._written.clear()
