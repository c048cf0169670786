"""Outcome: what is known of commands whose time is up."""

from typing import TYPE_CHECKING

from chalicelib.commands.execution import Executed, ReadLevel, Run
from chalicelib.domain.errors import Contention, OutcomeUnknown
from chalicelib.events.store import Busy, Conflict, Unanswered

if TYPE_CHECKING:
    from chalicelib.commands.executor import Executor


def give_up(executor: "Executor", run: Run) -> list[Executed]:
    """What was done by this request or an earlier one, once the time is up.

    Raises Contention if nothing was, and OutcomeUnknown if that cannot be read.
    """
    run.is_direct = True
    try:
        unit = run.unanswered
        if unit is not None:
            mine = unit.first_event
            there = executor.stored([mine.place]).get(mine.place)
            if there is None:
                raise OutcomeUnknown  # It may still arrive.
            if there.hash == mine.hash:
                return unit.answers(executor.store)
            run.unanswered = None
        found = executor.stored(
            [at for one in run.commands if (at := executor.decider.completed_at(one))]
        )
        if not found:
            raise Contention
        run.escalate(ReadLevel.REPLAY_CHECKED)
        run.returned = {stream: event for (stream, _), event in found.items()}
        while (done := executor.retrying(lambda: executor.attempt(run))) is None:
            pass  # Each time at a higher level, or with more that is released.
    except (Busy, Conflict, Unanswered):
        raise OutcomeUnknown from None
    return done
