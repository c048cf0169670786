"""Waiting: looking again until something is so, at growing intervals."""

import time
from collections.abc import Callable
from typing import TypeVar

import click

Found = TypeVar("Found")

FIRST_SECONDS, GROWTH, LONGEST_SECONDS = 0.2, 1.5, 5.0
"""The first interval, by how much each is longer than the last, and the longest."""

sleep, clock = time.sleep, time.monotonic
"""What the tests replace."""


def until(look: Callable[[], Found | None], *, seconds: float, what: str) -> Found:
    """The first answer that is not None. Raises a click error, naming `what`, after `seconds`."""
    deadline = clock() + seconds
    interval = FIRST_SECONDS
    while (found := look()) is None:
        if clock() > deadline:
            raise click.ClickException(f"gave up after {seconds:.0f} s of waiting for {what}")
        sleep(interval)
        interval = min(interval * GROWTH, LONGEST_SECONDS)
    return found
