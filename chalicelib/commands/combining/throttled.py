"""Throttling: a command for which the store had no time looks for a leader before its next attempt.

A leader's transaction needs much of an account's capacity at once. Commands that are sent one by
one would take what is left of it, again and again, and be throttled themselves; so they wait in the
inbox instead.
"""

from typing import TYPE_CHECKING

from chalicelib.commands.combining.hot import Combiner
from chalicelib.commands.combining.limits import LED_SECONDS
from chalicelib.commands.execution import Run

if TYPE_CHECKING:
    from chalicelib.commands.executor import Executor


def note_throttled(combiner: Combiner, executor: "Executor", run: Run) -> None:
    """Notes the accounts of throttled commands as hot, so that their leases are read next time."""
    until = executor.monotonic() + LED_SECONDS
    attempt = run.decider.attempt(run.cache)
    for command in run.commands:
        for stream in attempt.required_streams(command, {}, with_target=False):
            if run.decider.can_be_led(stream):
                combiner.hot[stream] = max(until, combiner.hot.get(stream, 0.0))
