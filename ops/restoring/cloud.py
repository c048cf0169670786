"""What a restore works with: clients of AWS, a clock, and somebody to tell."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click
from botocore.exceptions import ClientError

from ops import aws

Found = TypeVar("Found")


@dataclass(frozen=True)
class Cloud:
    """AWS, time and the person at the terminal, all of which a test passes in."""

    client: Callable[..., Any] = aws.client
    say: Callable[[str], None] = click.echo
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def until(
        self, look: Callable[[], Found | None], what: str, *, seconds: float = 5, hours: float = 24
    ) -> Found:
        """The first answer that is not None, looked for every few seconds.

        Raises a click error after some hours: a restore of a large table takes some.
        """
        began = told = self.now()
        while (found := look()) is None:
            now = self.now()
            if now - began > timedelta(hours=hours):
                raise click.ClickException(f"gave up waiting for {what} after {hours} hours")
            if now - told > timedelta(minutes=1):
                told = now
                self.say(f"  still waiting for {what}")
            self.sleep(seconds)
        return found

    def wait_until(self, moment: datetime, why: str) -> None:
        """Waits for a moment."""
        left = (moment - self.now()).total_seconds()
        if left > 0:
            self.say(f"  waiting {left:.0f} s: {why}")
            self.sleep(left)


def code_of(error: ClientError) -> str:
    """What AWS calls an error."""
    return str(error.response["Error"]["Code"])
