"""Backoff: how long a command waits between attempts, and when it is given up."""

import random
from dataclasses import dataclass

GRACE_SECONDS = 1.0
"""For so long after the deadline is it read again and again what became of a command."""


@dataclass(frozen=True)
class Backoff:
    """Full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015)."""

    base: float = 0.05
    cap: float = 2.0
    deadline: float = 4.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait after an attempt; attempts count from 0."""
        return random.uniform(0, min(self.cap, self.base * 2**attempt))
