"""Account batch: several accounts opened by one request, each on its own."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from chalicelib.commands.account_requests import AccountBatchRequest, OpenAccountRequest
from chalicelib.commands.batched import (
    PATIENCE_SECONDS,
    ProblemDocument,
    command_of,
    retry_after,
)
from chalicelib.commands.executor import Executor
from chalicelib.commands.idempotency import id_of
from chalicelib.commands.responses import account_of
from chalicelib.commands.routing import target_stream
from chalicelib.domain.account.commands import OpenAccount
from chalicelib.domain.errors import (
    BatchTooLarge,
    InvalidField,
    NotAttempted,
    Refusal,
)
from chalicelib.events.store import Busy
from chalicelib.http.bodies import AccountBody
from chalicelib.http.problems import Problem, outcome_unknown, refused
from chalicelib.tables import in_parallel

MAX_ACCOUNTS = 100


class AccountResultBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one account of a batch: it, or why it was refused."""

    status: int
    account: AccountBody | None = None
    replayed: bool = False
    problem: ProblemDocument | None = None


class AccountResultsBody(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each account of a batch, in their order."""

    results: list[AccountResultBody]

    @property
    def retry_after(self) -> dict[str, str]:
        """The header that asks for the same batch again, where an account may yet be opened."""
        return retry_after(self.results)


@dataclass(frozen=True)
class _Batch:
    """How the accounts of one request are opened, and by when."""

    executor: Executor
    actor: str
    request: str
    until: float

    def open(self, commands: Sequence[OpenAccount | Problem]) -> list[AccountResultBody | None]:
        """Opens accounts of one id, in their order; None is for each there was no time for."""
        return [
            _refused(each) if isinstance(each, Problem) else self._open(each) for each in commands
        ]

    def _open(self, command: OpenAccount) -> AccountResultBody | None:
        left = self.until - self.executor.monotonic()
        if left <= 0:
            return None
        try:
            executed = self.executor.execute(
                command, actor=self.actor, request=self.request, within=left
            )
            body = self.executor.retrying(
                lambda: account_of(executed.recorded, executed.stripes, self.executor.store)
            )
        except Refusal as refusal:
            return _refused(refused(refusal))
        except Busy:
            return _refused(outcome_unknown())
        if executed.replayed:
            return AccountResultBody(status=200, account=body, replayed=True)
        return AccountResultBody(status=201, account=body)

    def not_attempted(self, left: Mapping[int, OpenAccount]) -> dict[int, AccountResultBody]:
        """What is said of those there was no time for: perhaps an earlier request opened them."""
        found = self.executor.first_events(left.values()) if left else {}
        return {
            place: _refused(
                outcome_unknown()
                if found is None or target_stream(command) in found
                else refused(NotAttempted())
            )
            for place, command in left.items()
        }


def run(
    batch: AccountBatchRequest,
    ledger: str,
    *,
    key: str | None,
    new_id: Callable[[], str],
    executor: Executor,
    actor: str,
    request_id: str,
) -> AccountResultsBody:
    """Opens accounts, many at the same time. Raises InvalidField or BatchTooLarge for the batch."""
    if not batch.accounts:
        raise InvalidField("accounts", "a batch has at least 1 account")
    if len(batch.accounts) > MAX_ACCOUNTS:
        raise BatchTooLarge(len(batch.accounts), MAX_ACCOUNTS, "accounts")
    places: dict[str | int, list[int]] = {}
    commands = [
        _read(raw, ledger, new_id() if key is None else id_of(f"{key}:{place}"))
        for place, raw in enumerate(batch.accounts)
    ]
    for place, each in enumerate(commands):
        # Those of one id after each other: the first of them opens it.
        of = place if isinstance(each, Problem) else each.account
        places.setdefault(of, []).append(place)
    opening = _Batch(executor, actor, request_id, executor.monotonic() + PATIENCE_SECONDS)
    # In any order, so that a batch that is sent again does not begin with the same ones each time.
    groups = random.sample(list(places.values()), len(places))
    opened = in_parallel(lambda group: opening.open([commands[place] for place in group]), groups)
    results = {
        place: result
        for group, found in zip(groups, opened, strict=True)
        for place, result in zip(group, found, strict=True)
        if result is not None
    }
    results |= opening.not_attempted(
        {
            place: command
            for place, command in enumerate(commands)
            if place not in results and not isinstance(command, Problem)
        }
    )
    return AccountResultsBody(results=[results[place] for place in range(len(commands))])


def _read(raw: msgspec.Raw, ledger: str, new_id: str) -> OpenAccount | Problem:
    return command_of(raw, OpenAccountRequest, lambda asked: asked.command(ledger, new_id=new_id))


def _refused(problem: Problem) -> AccountResultBody:
    return AccountResultBody(status=problem.status, problem=problem.document())
