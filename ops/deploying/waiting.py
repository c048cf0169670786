"""Waiting: a condition polled at growing intervals, up to a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

import click

Found = TypeVar("Found")

FIRST_SECONDS, GROWTH, LONGEST_SECONDS = 0.2, 1.5, 5.0
"""The first interval, the factor from each interval to the next, and the longest interval."""

NOTICE_SECONDS = 60
"""The interval of notices about a long wait."""

sleep, clock = time.sleep, time.monotonic
"""What the tests replace."""


def until(
    look: Callable[[], Found | None],
    *,
    seconds: float,
    what: str | Callable[[], str],
    say: Callable[[str], None] = lambda _: None,
    pause: Callable[[float], None] | None = None,
    now: Callable[[], float] | None = None,
) -> Found:
    """The first result that is not None. Raises a click error that names `what` after `seconds`.

    `what` may be a function, called when the text is needed. `pause` and `now` are another clock
    than this module's. `say` gets a notice once a minute.
    """
    now = now or clock
    began = noticed = now()
    interval = FIRST_SECONDS
    while (found := look()) is None:
        at, text = now(), what if isinstance(what, str) else what()
        if at - began > seconds:
            raise click.ClickException(f"gave up after {seconds:.0f} s of waiting for {text}")
        if at - noticed > NOTICE_SECONDS:
            noticed = at
            say(f"  still waiting for {text}")
        (pause or sleep)(interval)
        interval = min(interval * GROWTH, LONGEST_SECONDS)
    return found
