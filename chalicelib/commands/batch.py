"""Batch: several transactions by one request, all or none, or each on its own."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from chalicelib.commands.batched import (
    PATIENCE_SECONDS,
    Outcome,
    PartStatus,
    ProblemDocument,
    Replayed,
    Sender,
    check_size,
    command_of,
)
from chalicelib.commands.execution import Executed, Refused
from chalicelib.commands.routing import target_stream
from chalicelib.commands.transaction_requests import (
    BatchRequest,
    NewTransactionRequest,
    transaction_of,
)
from chalicelib.domain.errors import BatchAborted, BatchTooLarge, IdempotencyKeyReused
from chalicelib.domain.transaction.commands import HoldTransaction, PostTransaction, is_repeated
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.http.bodies import TransactionBody
from chalicelib.http.field_types import described
from chalicelib.http.problems import Problem, refused
from chalicelib.ledger.aggregates import transaction_event

MAX_EVENTS = 99
"""Of an atomic batch: one append holds a hundred."""

_New = PostTransaction | HoldTransaction


class ResultBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one transaction of a batch: it, or why it was refused."""

    status: PartStatus
    transaction: Annotated[
        TransactionBody | None, described("The transaction; absent where it was refused.")
    ] = None
    replayed: Replayed = False
    problem: Annotated[
        ProblemDocument | None, described("Why it was refused; absent where it was done.")
    ] = None


class ResultsBody(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each transaction of a batch, in their order."""

    results: Annotated[
        list[ResultBody], described("A result for each transaction, in the order of the request.")
    ]


def run(batch: BatchRequest, sender: Sender) -> ResultsBody:
    """Does a batch. Raises InvalidField, BatchTooLarge or Contention for it as a whole."""
    check_size(batch.transactions, "transactions")
    commands = [
        _command(raw, sender.ledger, sender.id_by_key(index), sender.new_id())
        for index, raw in enumerate(batch.transactions)
    ]
    do = _all_or_none if batch.atomic else _each
    outcomes = do(commands, sender)
    return ResultsBody(results=[_result(outcome) for outcome in outcomes])


def _command(raw: msgspec.Raw, ledger: str, key: str | None, new_id: str) -> _New | Problem:
    return command_of(
        raw,
        NewTransactionRequest,
        lambda body: body.command(ledger, key=key if body.id is None else None, new_id=new_id),
    )


def _each(commands: Sequence[_New | Problem], sender: Sender) -> list[Outcome]:
    """Each on its own, in their order. After the first that was done before, all others are looked
    up together; at least one that was not is attempted, however long that took.
    """
    executor = sender.executor
    until = executor.monotonic() + PATIENCE_SECONDS
    outcomes: dict[int, Outcome] = {}
    before: Mapping[Stream, Recorded] | None = None
    attempted, left = 0, dict[int, _New]()
    for index, command in enumerate(commands):
        if isinstance(command, Problem):
            outcomes[index] = command
        elif before and target_stream(command) in before:
            outcomes[index] = _again(command, before[target_stream(command)])
        elif attempted and executor.monotonic() > until:
            left[index] = command
        else:
            within = until - executor.monotonic() if attempted else None
            outcomes[index] = outcome = sender.execute(command, within)
            replayed = isinstance(outcome, Executed) and outcome.replayed
            attempted += not replayed
            if replayed and before is None:
                before = sender.first_events(_sound(commands[index + 1 :])) or {}
    outcomes |= sender.not_attempted(left, _again)
    return [outcomes[index] for index in range(len(commands))]


def _again(command: _New, first: Recorded) -> Outcome:
    """The answer of a transaction that was done before, or that its id was used for another."""
    if not is_repeated(command, transaction_event(first)):
        return refused(IdempotencyKeyReused(command.transaction))
    return Executed(first, replayed=True)


def _sound(commands: Sequence[_New | Problem]) -> list[_New]:
    return [command for command in commands if not isinstance(command, Problem)]


def _all_or_none(commands: Sequence[_New | Problem], sender: Sender) -> list[Outcome]:
    sound = _sound(commands)
    size = sum(1 + len(one.entries) for one in sound)
    if size > MAX_EVENTS:
        raise BatchTooLarge(size, MAX_EVENTS, "events")
    for index, command in enumerate(commands):
        if isinstance(command, Problem):
            return _aborted(len(commands), index, command)
    try:
        return list(
            sender.executor.execute_together(sound, actor=sender.actor, request=sender.request)
        )
    except Refused as error:
        return _aborted(len(commands), error.index, refused(error.refusal))


def _aborted(size: int, index: int, problem: Problem) -> list[Outcome]:
    outcomes: list[Outcome] = [refused(BatchAborted())] * size
    outcomes[index] = problem
    return outcomes


def _result(outcome: Outcome) -> ResultBody:
    if isinstance(outcome, Problem):
        return ResultBody(status=outcome.status, problem=outcome.document())
    body = transaction_of(outcome.recorded)
    if outcome.replayed:
        return ResultBody(status=200, transaction=body, replayed=True)
    return ResultBody(status=201, transaction=body)
