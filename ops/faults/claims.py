"""Claims: what each request was answered, and whether the stored events agree with it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from chalicelib.commands.executor import Executor
from chalicelib.commands.routing import Command, target_stream
from chalicelib.domain.errors import Refusal
from chalicelib.events.dynamodb import to_item
from chalicelib.events.recorded import Recorded, Stream
from ops.independent import check
from ops.verifying.events import stored

UNKNOWN = frozenset({"outcome_unknown", "internal_error"})
"""Answers that leave open whether anything was written."""

NOT_REFUSED = frozenset({"done", "replayed", *UNKNOWN})


@dataclass(frozen=True)
class Claim:
    """What one request was answered about one command.

    `code` is "done" or "replayed", with the event that is the answer, or a problem's code. `key`:
    the command has an idempotency key or an id, so that a second request is known to be the same.
    """

    request: str
    stream: Stream
    code: str
    event: Recorded | None = None
    key: bool = True


def send(executor: Executor, request: str, *commands: Command, key: bool = True) -> list[Claim]:
    """Executes commands, several of them all or none; what each is answered."""
    try:
        if len(commands) == 1:
            done = [executor.execute(commands[0], actor="faults", request=request)]
        else:
            done = executor.execute_together(commands, actor="faults", request=request)
    except Exception as error:  # noqa: BLE001  # Any other is an internal error to a client.
        refusal = getattr(error, "refusal", error)
        code = refusal.code if isinstance(refusal, Refusal) else "internal_error"
        return [Claim(request, target_stream(command), code, key=key) for command in commands]
    return [
        Claim(
            request,
            each.recorded.stream,
            "replayed" if each.replayed else "done",
            each.recorded,
            key,
        )
        for each in done
    ]


def false_claims(claims: Sequence[Claim], events: Collection[Recorded]) -> Iterator[str]:
    """Claims that the events contradict. The claims about a stream are in the order of time."""
    stored = {event.place: event.hash for event in events}
    written: dict[tuple[str, Stream], list[Recorded]] = defaultdict(list)
    for event in events:
        written[event.command_id, event.stream].append(event)
    known: set[Stream] = set()
    for claim in claims:
        own = written[claim.request, claim.stream]
        text = f"{claim.request} on {claim.stream} was answered {claim.code}"
        if claim.event is not None:
            if stored.get(claim.event.place) != claim.event.hash:
                yield f"{text}, and its event is not stored"
            if (claim.code == "done") != (claim.event.command_id == claim.request):
                yield f"{text}, and the event is of {claim.event.command_id}"
        if claim.code == "done" and not own:
            yield f"{text}, and it wrote nothing"
        if claim.code not in UNKNOWN | {"done"} and own:
            yield f"{text}, and it wrote {[event.type for event in own]}"
        created = claim.key and claim.stream.kind == "transaction"
        if created and claim.stream in known and claim.code not in NOT_REFUSED:
            yield f"{text}, after it was answered that it is done"
        if created and claim.code in ("done", "replayed"):
            known.add(claim.stream)
    firsts = Counter(event.stream for event in events if event.version == 1)
    for stream in {event.stream for event in events}:
        if firsts[stream] != 1:
            yield f"{stream} has {firsts[stream]} first events"


def false_replays(
    claims: Sequence[Claim], again: Callable[[Claim], Claim | None], events: Collection[Recorded]
) -> Iterator[str]:
    """Sends again what had an unknown outcome; the answers that the events contradict.

    `again` returns the new claim, or None for a command that cannot be sent again.
    """
    streams = {event.stream for event in events}
    unknown = {claim.stream: claim for claim in claims if claim.code in UNKNOWN and claim.key}
    for claim in unknown.values():
        answer, was_stored = again(claim), claim.stream in streams
        if answer is not None and was_stored and answer.code != "replayed":
            yield f"{claim.stream} is stored, and sent again it was answered {answer.code}"
        if answer is not None and not was_stored and answer.code == "replayed":
            yield f"{claim.stream} was not stored, and sent again it was answered a replay"


def events_of(ledger: str) -> list[Recorded]:
    """All stored events of a ledger."""
    return [event for event in stored() if event.stream.ledger == ledger]


def invalid_events(events: Collection[Recorded]) -> list[str]:
    """What is wrong with the events themselves."""
    return list(check.wrong_events(to_item(event).serialize() for event in events))
