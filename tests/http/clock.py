"""A clock for the whole ledger, set by the test."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.commands import routes
from chalicelib.commands.executor import executor
from chalicelib.read_models import reading

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Clock:
    """What time it is to whoever writes or reads. Waiting for a retry takes none of it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = NOON
        timed = replace(executor(), clock=lambda: self.now, sleep=lambda _: None)
        patch.setattr(routes, "executor", lambda: timed)
        patch.setattr(reading, "clock", lambda: self.now)

    def goes_on(self, **by: float) -> None:
        """Lets time go by."""
        self.now += timedelta(**by)
