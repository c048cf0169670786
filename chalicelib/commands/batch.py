"""Batch: several transactions by one request, all or none, or each on its own."""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Annotated, Any, TypedDict

import msgspec

from chalicelib.commands.answers import transaction_of
from chalicelib.commands.execute import Executed, Executor, Refused
from chalicelib.commands.requests import BatchRequest, NewTransactionRequest
from chalicelib.domain.refusals import (
    BatchAborted,
    BatchTooLarge,
    Contention,
    InvalidField,
    Refusal,
)
from chalicelib.domain.transaction import HoldTransaction, PostTransaction
from chalicelib.http.bodies import TransactionBody
from chalicelib.http.door import message_of
from chalicelib.http.problems import Problem, refused

MAX_TRANSACTIONS = 100
MAX_EVENTS = 99
"""Of an atomic batch: one append holds a hundred."""

PATIENCE_SECONDS = 7.0
"""After which a batch begins no more transactions: the Lambda's time is short of 10 s."""

ProblemDocument = Annotated[
    dict[str, Any], msgspec.Meta(extra_json_schema={"$ref": "#/components/schemas/Problem"})
]
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
        _read(raw, ledger, None if key is None else f"{key}:{place}", new_id())
        for place, raw in enumerate(batch.transactions)
    ]
    do = _all_or_none if batch.atomic else _each
    outcomes = do(commands, executor, _Asked(actor=actor, request=request_id))
    return ResultsBody(results=[_result(outcome) for outcome in outcomes])


def _read(raw: msgspec.Raw, ledger: str, key: str | None, new_id: str) -> _New | Problem:
    try:
        request = message_of(raw, NewTransactionRequest)
        return request.command(ledger, key=key if request.id is None else None, new_id=new_id)
    except Refusal as refusal:
        return refused(refusal)
    except Problem as problem:
        return problem


def _each(commands: Sequence[_New | Problem], executor: Executor, asked: _Asked) -> list[Outcome]:
    until = executor.monotonic() + PATIENCE_SECONDS
    outcomes: list[Outcome] = []
    for command in commands:
        if isinstance(command, Problem):
            outcomes.append(command)
            continue
        try:
            if executor.monotonic() > until:
                raise Contention
            outcomes.append(executor.execute(command, **asked))
        except Refusal as refusal:
            outcomes.append(refused(refusal))
    return outcomes


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
        return _aborted(len(commands), error.place, refused(error.refusal))


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
