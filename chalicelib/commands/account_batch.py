"""Account batch: several accounts opened by one request, each on its own."""

import random
from collections.abc import Sequence
from typing import Annotated

import msgspec

from chalicelib.commands.account_requests import AccountBatchRequest, OpenAccountRequest, account_of
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
from chalicelib.commands.executor import Executor
from chalicelib.domain.account.commands import OpenAccount
from chalicelib.events.store import Busy
from chalicelib.http.bodies import AccountBody
from chalicelib.http.field_types import described
from chalicelib.http.problems import Problem, outcome_unknown
from chalicelib.tables import in_parallel


class AccountResultBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one account of a batch: it, or why it was refused."""

    status: PartStatus
    account: Annotated[
        AccountBody | None, described("The account; absent where it was refused.")
    ] = None
    replayed: Replayed = False
    problem: Annotated[
        ProblemDocument | None, described("Why it was refused; absent where it was opened.")
    ] = None


class AccountResultsBody(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each account of a batch, in their order."""

    results: Annotated[
        list[AccountResultBody],
        described("A result for each account, in the order of the request."),
    ]


def run(batch: AccountBatchRequest, sender: Sender) -> AccountResultsBody:
    """Opens accounts, many at the same time. Raises InvalidField or BatchTooLarge for the batch."""
    check_size(batch.accounts, "accounts")
    commands = [
        _command(raw, sender.ledger, sender.id_by_key(index) or sender.new_id())
        for index, raw in enumerate(batch.accounts)
    ]
    # Those of one id after each other: the first of them opens it.
    of_one_id: dict[str | int, list[int]] = {}
    for index, command in enumerate(commands):
        id = index if isinstance(command, Problem) else command.account
        of_one_id.setdefault(id, []).append(index)
    # In any order, so that a batch that is sent again does not begin with the same ones each time.
    groups = random.sample(list(of_one_id.values()), len(of_one_id))
    until = sender.executor.monotonic() + PATIENCE_SECONDS
    opened = in_parallel(
        lambda group: _open([commands[index] for index in group], sender, until), groups
    )
    results = {
        index: result
        for group, found in zip(groups, opened, strict=True)
        for index, result in zip(group, found, strict=True)
        if result is not None
    }
    left = {
        index: command
        for index, command in enumerate(commands)
        if index not in results and not isinstance(command, Problem)
    }
    # What the account is like now would take another read.
    outcomes = sender.not_attempted(left, lambda *_: outcome_unknown())
    results |= {index: _result(outcome, sender.executor) for index, outcome in outcomes.items()}
    return AccountResultsBody(results=[results[index] for index in range(len(commands))])


def _command(raw: msgspec.Raw, ledger: str, new_id: str) -> OpenAccount | Problem:
    return command_of(raw, OpenAccountRequest, lambda body: body.command(ledger, new_id=new_id))


def _open(
    commands: Sequence[OpenAccount | Problem], sender: Sender, until: float
) -> list[AccountResultBody | None]:
    """Opens accounts of one id, in their order; None is for each there was no time for."""
    results: list[AccountResultBody | None] = []
    for command in commands:
        left = until - sender.executor.monotonic()
        if isinstance(command, Problem):
            results.append(_result(command, sender.executor))
        elif left <= 0:
            results.append(None)
        else:
            results.append(_result(sender.execute(command, left), sender.executor))
    return results


def _result(outcome: Outcome, executor: Executor) -> AccountResultBody:
    if isinstance(outcome, Problem):
        return AccountResultBody(status=outcome.status, problem=outcome.document())
    try:
        body = executor.retrying(
            lambda: account_of(outcome.recorded, outcome.stripes, executor.store)
        )
    except Busy:
        return _result(outcome_unknown(), executor)
    if outcome.replayed:
        return AccountResultBody(status=200, account=body, replayed=True)
    return AccountResultBody(status=201, account=body)
