"""What a restore works with: clients of AWS, a clock, and the terminal."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from ops import aws
from ops.deploying import waiting

Found = TypeVar("Found")


@dataclass(frozen=True)
class Cloud:
    """AWS, the time and the terminal, all of which a test replaces."""

    client: Callable[..., Any] = aws.client
    say: Callable[[str], None] = click.echo
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def until(self, look: Callable[[], Found | None], what: str, *, hours: float = 24) -> Found:
        """The first result that is not None, on this clock.

        Raises a click error after some hours: the restore of a large table takes some.
        """
        return waiting.until(
            look,
            seconds=hours * 3600,
            what=what,
            say=self.say,
            pause=self.sleep,
            now=lambda: self.now().timestamp(),
        )

    def wait_until(self, moment: datetime, why: str) -> None:
        """Waits for a moment."""
        left = (moment - self.now()).total_seconds()
        if left > 0:
            self.say(f"  waiting {left:.0f} s: {why}")
            self.sleep(left)
