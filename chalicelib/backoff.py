"""Backoff: how long to wait before something is tried again."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).

    `base` and `cap` are seconds: after the first attempt, and at most. `deadline` is for how many
    seconds a command is tried.
    """

    base: float = 0.05
    cap: float = 2.0
    deadline: float = 4.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait after an attempt; attempts count from 0."""
        return random.uniform(0, min(self.cap, self.base * 2**attempt))
