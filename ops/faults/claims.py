"""Claims: what each request was told, and whether the books bear it out."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from chalicelib.commands.executor import (
    Executed,
    Executor,
)
from chalicelib.commands.routing import Command, target_stream
from chalicelib.domain.errors import Refusal
from chalicelib.events.dynamodb import to_item
from chalicelib.events.recorded import Recorded, Stream
from ops.independent import check
from ops.verifying.events import stored

UNKNOWN = frozenset({"outcome_unknown", "internal_error"})
"""What leaves it open whether anything was written."""

NOT_REFUSED = frozenset({"done", "replayed", *UNKNOWN})


@dataclass(frozen=True)
class Claim:
    """What one request was told of one command: that it is done or replayed, with the event that
    answers it, or a problem's code. `key` says that it can be told from others of its kind.
    """

    request: str
    stream: Stream
    code: str
    event: Recorded | None = None
    key: bool = True


def ask(executor: Executor, command: Command, request: str, *, key: bool = True) -> Claim:
    """What a command is told."""
    stream = target_stream(command)
    try:
        executed = executor.execute(command, actor="faults", request=request)
    except Refusal as refusal:
        return Claim(request, stream, refusal.code, key=key)
    except Exception:  # noqa: BLE001  # Whatever it is, a client is told of an internal error.
        return Claim(request, stream, "internal_error", key=key)
    return claim_of(executed, request, key=key)


def ask_together(executor: Executor, commands: Sequence[Command], request: str) -> list[Claim]:
    """What each of several commands is told that are done all or none."""
    streams = [target_stream(command) for command in commands]
    try:
        done = executor.execute_together(commands, actor="faults", request=request)
    except Exception as error:  # noqa: BLE001  # As above.
        refusal = getattr(error, "refusal", error)
        code = refusal.code if isinstance(refusal, Refusal) else "internal_error"
        return [Claim(request, stream, code) for stream in streams]
    return [claim_of(executed, request) for executed in done]


def claim_of(executed: Executed, request: str, *, key: bool = True) -> Claim:
    """What it is told that was done."""
    code = "replayed" if executed.replayed else "done"
    return Claim(request, executed.recorded.stream, code, executed.recorded, key)


def untrue(claims: Sequence[Claim], events: Collection[Recorded]) -> Iterator[str]:
    """All that was said and is not so. The claims about a stream are in the order of their time."""
    stored = {event.place: event.hash for event in events}
    written: dict[tuple[str, Stream], list[Recorded]] = defaultdict(list)
    for event in events:
        written[event.command_id, event.stream].append(event)
    known: set[Stream] = set()
    for claim in claims:
        mine = written[claim.request, claim.stream]
        says = f"{claim.request} on {claim.stream} was told {claim.code}"
        if claim.event is not None:
            if stored.get(claim.event.place) != claim.event.hash:
                yield f"{says}, and its event is not there"
            if (claim.code == "done") != (claim.event.command_id == claim.request):
                yield f"{says}, and it is {claim.event.command_id} that did it"
        if claim.code == "done" and not mine:
            yield f"{says}, and it wrote nothing"
        if claim.code not in UNKNOWN | {"done"} and mine:
            yield f"{says}, and it wrote {[event.type for event in mine]}"
        made = claim.key and claim.stream.kind == "transaction"
        if made and claim.stream in known and claim.code not in NOT_REFUSED:
            yield f"{says}, after it was told that it is done"
        if made and claim.code in ("done", "replayed"):
            known.add(claim.stream)
    for stream, count in _first_events(events).items():
        if count != 1:
            yield f"{stream} was begun {count} times"


def found_out(
    claims: Sequence[Claim], again: Callable[[Claim], Claim | None], events: Collection[Recorded]
) -> Iterator[str]:
    """Unknown outcomes that sending again, in calm, does not tell as the books do."""
    there = {event.stream for event in events}
    unknown = {claim.stream: claim for claim in claims if claim.code in UNKNOWN and claim.key}
    for claim in unknown.values():
        answer, was_there = again(claim), claim.stream in there
        if answer is not None:
            if was_there and answer.code != "replayed":
                yield f"{claim.stream} is there, and sent again it was told {answer.code}"
            if not was_there and answer.code == "replayed":
                yield f"{claim.stream} was not there, and sent again it was called a replay"


def books_of(ledger: str) -> list[Recorded]:
    """All that stands in the event table of one ledger."""
    return [event for event in stored() if event.stream.ledger == ledger]


def unsound(events: Collection[Recorded]) -> list[str]:
    """What is wrong with the events themselves."""
    return list(check.wrong_events(to_item(event).serialize() for event in events))


def _first_events(events: Collection[Recorded]) -> dict[Stream, int]:
    counts: dict[Stream, int] = defaultdict(int)
    for event in events:
        counts[event.stream] += event.version == 1
    return counts
