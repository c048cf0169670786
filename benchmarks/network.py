"""Network: simulated by delaying each call to a local emulator."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib.tables import connection

DELAY_MILLISECONDS = 5
"""Added to every call where a network is played. Without one, what is compared is how much an
emulator on the same two cores has to do; with one, also how many calls wait for one another."""


@contextmanager
def played(milliseconds: float) -> Iterator[None]:
    """Delays each call of this process's connection."""

    def wait(**_: Any) -> None:
        time.sleep(milliseconds / 1000)

    events = connection().client.meta.events
    if milliseconds:
        events.register("before-send.dynamodb", wait)
    try:
        yield
    finally:
        if milliseconds:
            events.unregister("before-send.dynamodb", wait)
