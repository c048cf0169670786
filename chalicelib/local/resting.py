"""How long the pollers rest between two reads of the event table's stream."""

import threading
import time
from typing import Any

_IDLE_SECONDS = 1.0
"""For an idle stream, until this process writes. Other processes write at their own pace."""

_BUSY_SECONDS = (0.05, 0.25)
"""At least and at most between reads of a busy stream."""


class Rest:
    """The rest of one poller.

    Of a busy stream it is as long as the last read and its projection took, so that requests have
    half of the time and batches grow with the load.
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
            time.sleep(min(longest, max(shortest, seconds)))
        elif self._written.wait(_IDLE_SECONDS):
            self._written.clear()
