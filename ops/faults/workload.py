"""Clients of a run with faults: they send random commands, some of them twice, and note answers."""

from collections.abc import Callable
from typing import Any

import msgspec

from chalicelib.commands.batch import run
from chalicelib.commands.batched import Sender
from chalicelib.commands.executor import Executor
from chalicelib.commands.routing import Command
from chalicelib.commands.transaction_requests import BatchRequest
from chalicelib.domain.account.commands import OpenAccount
from chalicelib.domain.transaction.commands import (
    HoldTransaction,
    PostTransaction,
    ReverseTransaction,
)
from chalicelib.ledger.aggregates import transaction_stream
from ops.faults.claims import NOT_REFUSED, Claim, send
from ops.workload import RandomWriter, openings, transfer

_CREATING = (HoldTransaction, OpenAccount, PostTransaction, ReverseTransaction)
"""Commands with an id of their own, so that a second request is known to be the same."""

_FUNDS = 200

ACCOUNTS = 3
"""Of each asset, one of them striped: so few that clients lose races and are combined."""


def open_accounts(executor: Executor, ledger: str) -> None:
    """Opens the accounts, and pays some money into those that have a limit."""
    for opening in openings(ledger, ACCOUNTS):
        executor.execute(opening, actor="faults")
        if opening.min_balance is not None:
            bank, _, _ = opening.account.partition(":")
            funding = PostTransaction(
                ledger=ledger,
                transaction=f"in-{opening.account}",
                entries=transfer(f"{bank}:0", opening.account, _FUNDS),
            )
            executor.execute(funding, actor="faults")


class Client(RandomWriter):
    """One client of an executor, and what its requests were answered."""

    def __init__(self, executor: Executor, ledger: str, seed: int, name: str) -> None:
        super().__init__(self._send, ledger, seed, name, ACCOUNTS)
        self.claims: list[Claim] = []
        self._commands: dict[str, tuple[Command, ...]] = {}
        self._executor = executor

    def weights(self) -> dict[Callable[[], None], int]:
        """As of any writer, and batches of which each transaction is for itself."""
        return {**super().weights(), self._post_each: 7}

    def _send(self, *commands: Command) -> bool:
        """Sends commands, and now and then sends them again; False if they were refused."""
        for _ in range(self.chance.choice([1, 1, 2])):
            request = self.new_id()
            self._commands[request] = commands
            key = all(isinstance(command, _CREATING) for command in commands)
            claims = send(self._executor, request, *commands, key=key)
            self.claims += claims
        return all(claim.code in NOT_REFUSED for claim in claims)

    def again(self, claim: Claim) -> Claim | None:
        """Sends the command of a claim as another request; None if it was one of several."""
        commands = self._commands.get(claim.request, ())
        if len(commands) != 1:
            return None
        [answer] = send(self._executor, self.new_id(), *commands)
        return answer

    def _post_each(self) -> None:
        ids = [self.new_id() for _ in range(4)]
        entries = [
            {"account": entry.account, "direction": entry.direction, "amount": "1"}
            for entry in self.payment().entries
        ]
        bodies = [{"id": id, "entries": entries} for id in ids]
        batch = {"atomic": False, "transactions": bodies}
        for _ in range(2):
            request = self.new_id()
            for id, code in zip(ids, self._codes(batch, request), strict=True):
                self.claims.append(Claim(request, transaction_stream(self.ledger, id), code))

    def _codes(self, batch: dict[str, Any], request: str) -> list[str]:
        """What each transaction of a batch is answered."""
        asked = msgspec.json.decode(msgspec.json.encode(batch), type=BatchRequest)
        sender = Sender(self._executor, self.ledger, "faults", request, None, self.new_id)
        try:
            results = run(asked, sender).results
        except Exception:  # noqa: BLE001  # Any of them is an internal error to a client.
            return ["internal_error"] * len(batch["transactions"])
        return [
            str(result.problem["code"])
            if result.problem
            else ("replayed" if result.replayed else "done")
            for result in results
        ]
