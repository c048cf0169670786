"""Appending: what was decided is written, or a refusal confirmed, or it is known who was first."""

from chalicelib.commands.attempt import ReadLevel, Run, UnitOfWork
from chalicelib.commands.deciding import makes_its_stream, subject
from chalicelib.commands.head_cache import Memory
from chalicelib.events.store import MAX_EVENTS, Busy, Conflict, EventStore


def append(run: Run, unit: UnitOfWork, store: EventStore, memory: Memory) -> None:
    """Writes a unit of work, which may be one that was sent before without an answer.

    Raises Conflict and Busy where it is known that nothing was written, and Unanswered.
    """
    before = run.unanswered
    run.unanswered = unit
    try:
        store.append(*unit.appends())
    except Conflict as conflict:
        if not unit.is_among(conflict.lost.values()):
            memory.lose(conflict.lost)
            there = {stream: event for stream, event in conflict.lost.items() if event}
            if before and not there:
                raise Busy("what was sent first may be under way") from conflict
            # Another's event in its place keeps it out for good, however late it may arrive.
            run.unanswered = None
            run.returned = unit.with_returned(there)
            raise
    except Busy:
        run.unanswered = before
        memory.forget(unit.events)
        raise
    except BaseException:
        memory.forget(unit.events)
        raise
    run.unanswered = None
    memory.remember(events[-1] for events in unit.events.values())


def confirm(run: Run, unit: UnitOfWork, store: EventStore) -> None:
    """Raises Conflict unless a refusal was decided on all there is, at one instant.

    Plain reads may show one item of a transaction and not yet another (Amazon DynamoDB Developer
    Guide, "DynamoDB transactions: how it works", isolation levels). What is accepted on them is
    verified by the append; what is refused, by this. Raises Busy.
    """
    places = unit.next_places()
    for start in range(0, len(places), MAX_EVENTS):
        found = store.snapshot(places[start : start + MAX_EVENTS])
        if found:
            there = {stream: event for (stream, _), event in found.items()}
            run.returned = unit.with_returned(there)
            raise Conflict(next(iter(there)), there)


def decides_at_once(run: Run, conflict: Conflict) -> bool:
    """Whether a lost race is decided again without a wait: the first time, on the heads that came
    back, and every time that the stream came back which a command would have made.
    """
    run.lost += 1
    made = {subject(one) for one in run.commands if makes_its_stream(one)} & conflict.lost.keys()
    level = ReadLevel.REPLAY_CHECKED if made else ReadLevel.FRESH
    first_look, returned = bool(made) and run.level < level, run.returned
    run.escalate(level)
    came_back = all(conflict.lost[stream] for stream in made or conflict.lost)
    if came_back and (made or run.lost == 1) and not run.dry_run:
        run.returned = returned
        return True
    return first_look
