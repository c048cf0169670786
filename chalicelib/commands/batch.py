"""Batch: several transactions by one request, all or none, or each on its own."""

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import TypedDict

import msgspec

from chalicelib.commands.batched import (
    PATIENCE_SECONDS,
    ProblemDocument,
    command_of,
    retry_after,
)
from chalicelib.commands.executor import (
    Executed,
    Executor,
    Refused,
)
from chalicelib.commands.idempotency import id_of
from chalicelib.commands.responses import transaction_of
from chalicelib.commands.routing import target_stream
from chalicelib.commands.transaction_requests import BatchRequest, NewTransactionRequest
from chalicelib.domain.errors import (
    BatchAborted,
    BatchTooLarge,
    IdempotencyKeyReused,
    InvalidField,
    NotAttempted,
    OutcomeUnknown,
    Refusal,
)
from chalicelib.domain.transaction.commands import (
    HoldTransaction,
    PostTransaction,
    is_repeated,
)
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.http.bodies import TransactionBody
from chalicelib.http.problems import Problem, refused
from chalicelib.ledger.aggregates import transaction_event

MAX_TRANSACTIONS = 100
MAX_EVENTS = 99
"""Of an atomic batch: one append holds a hundred."""

Outcome = Executed | Problem
_New = PostTransaction | HoldTransaction


class _Asked(TypedDict):
    """Who asks, and by which request."""

    actor: str
    request: str


class ResultBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one transaction of a batch: it, or why it was refused."""

    status: int
    transaction: TransactionBody | None = None
    replayed: bool = False
    problem: ProblemDocument | None = None


class ResultsBody(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each transaction of a batch, in their order."""

    results: list[ResultBody]

    @property
    def retry_after(self) -> dict[str, str]:
        """The header that asks for the same batch again, where a transaction may yet be done."""
        return retry_after(self.results)


def run(
    batch: BatchRequest,
    ledger: str,
    *,
    key: str | None,
    new_id: Callable[[], str],
    executor: Executor,
    actor: str,
    request_id: str,
) -> ResultsBody:
    """Does a batch. Raises InvalidField, BatchTooLarge or Contention for it as a whole."""
    if not batch.transactions:
        raise InvalidField("transactions", "a batch has at least 1 transaction")
    if len(batch.transactions) > MAX_TRANSACTIONS:
        raise BatchTooLarge(len(batch.transactions), MAX_TRANSACTIONS, "transactions")
    commands = [
        _read(raw, ledger, None if key is None else id_of(f"{key}:{place}"), new_id())
        for place, raw in enumerate(batch.transactions)
    ]
    do = _all_or_none if batch.atomic else _each
    outcomes = do(commands, executor, _Asked(actor=actor, request=request_id))
    return ResultsBody(results=[_result(outcome) for outcome in outcomes])


def _read(raw: msgspec.Raw, ledger: str, key: str | None, new_id: str) -> _New | Problem:
    return command_of(
        raw,
        NewTransactionRequest,
        lambda asked: asked.command(ledger, key=key if asked.id is None else None, new_id=new_id),
    )


def _each(commands: Sequence[_New | Problem], executor: Executor, asked: _Asked) -> list[Outcome]:
    """Each on its own, in their order. The first that was done before lets all others be looked up
    together; at least one that was not is attempted, however long that took.
    """
    until = executor.monotonic() + PATIENCE_SECONDS
    outcomes: dict[int, Outcome] = {}
    before: Mapping[Stream, Recorded] | None = None
    attempted, left = 0, dict[int, _New]()
    for place, command in enumerate(commands):
        if isinstance(command, Problem):
            outcomes[place] = command
        elif before and target_stream(command) in before:
            outcomes[place] = _again(command, before[target_stream(command)])
        elif attempted and executor.monotonic() > until:
            left[place] = command
        else:
            within = until - executor.monotonic() if attempted else None
            outcomes[place] = outcome = _do(command, executor, asked, within)
            replayed = isinstance(outcome, Executed) and outcome.replayed
            attempted += not replayed
            if replayed and before is None:
                before = executor.first_events(_sound(commands[place + 1 :])) or {}
    outcomes |= _not_attempted(left, executor)
    return [outcomes[place] for place in range(len(commands))]


def _do(command: _New, executor: Executor, asked: _Asked, within: float | None = None) -> Outcome:
    try:
        return executor.execute(command, **asked, within=within)
    except Refusal as refusal:
        return refused(refusal)


def _again(command: _New, first: Recorded) -> Outcome:
    """The answer of a transaction that was done before, or that its id was used for another."""
    if not is_repeated(command, transaction_event(first)):
        return refused(IdempotencyKeyReused(command.transaction))
    return Executed(first, replayed=True)


def _not_attempted(left: Mapping[int, _New], executor: Executor) -> dict[int, Outcome]:
    """What is said of those for which there was no time: perhaps an earlier sending did them."""
    if not left:
        return {}
    found = executor.first_events(left.values())
    if found is None:
        return dict.fromkeys(left, refused(OutcomeUnknown()))
    return {
        place: _again(command, found[target_stream(command)])
        if target_stream(command) in found
        else refused(NotAttempted())
        for place, command in left.items()
    }


def _sound(commands: Sequence[_New | Problem]) -> list[_New]:
    return [command for command in commands if not isinstance(command, Problem)]


def _all_or_none(
    commands: Sequence[_New | Problem], executor: Executor, asked: _Asked
) -> list[Outcome]:
    size = sum(1 + len(one.entries) for one in commands if not isinstance(one, Problem))
    if size > MAX_EVENTS:
        raise BatchTooLarge(size, MAX_EVENTS, "events")
    sound: list[_New] = []
    for place, command in enumerate(commands):
        if isinstance(command, Problem):
            return _aborted(len(commands), place, command)
        sound.append(command)
    try:
        return list(executor.execute_together(sound, **asked))
    except Refused as error:
        return _aborted(len(commands), error.index, refused(error.refusal))


def _aborted(size: int, place: int, problem: Problem) -> list[Outcome]:
    outcomes: list[Outcome] = list(repeat(refused(BatchAborted()), size))
    outcomes[place] = problem
    return outcomes


def _result(outcome: Outcome) -> ResultBody:
    if isinstance(outcome, Problem):
        return ResultBody(status=outcome.status, problem=outcome.document())
    body = transaction_of(outcome.recorded)
    if outcome.replayed:
        return ResultBody(status=200, transaction=body, replayed=True)
    return ResultBody(status=201, transaction=body)
