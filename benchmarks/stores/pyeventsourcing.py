"""Contestant: `eventsourcing` with its DynamoDB extension, used as its documentation says.

Run by an interpreter of its own, which has the packages. The extension writes without a condition
and in no transaction, so it loses no race and may lose an event.
"""

# ruff: noqa: E402  # The package reads the environment when it is imported.
# mypy: disable-error-code="import-not-found, misc, untyped-decorator"
# The packages are in an environment of their own.

import os
import sys
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from benchmarks.stores.worker import Refused, serve

os.environ["PERSISTENCE_MODULE"] = "eventsourcing_dynamodb"
os.environ["DYNAMO_TABLE"], os.environ["DYNAMO_ENDPOINT_URL"] = sys.argv[1:3]

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event


class Account(Aggregate):
    """A balance."""

    @event("Opened")
    def __init__(self, name: str) -> None:
        self.name = name
        self.balance = 0
        self.last = ""

    @event("Moved")
    def move(self, amount: int, transfer: str) -> None:
        """Adds to the balance, or takes from it."""
        self.balance += amount
        self.last = transfer

    @staticmethod
    def create_id(name: str) -> UUID:
        """The id of an account of this name."""
        return uuid5(NAMESPACE_URL, f"/accounts/{name}")


class Transfer(Aggregate):
    """What was moved where."""

    @event("Made")
    def __init__(self, source: str, target: str, amount: int) -> None:
        self.source = source
        self.target = target
        self.amount = amount


class EventSourcing:
    """An application of two kinds of aggregates."""

    conflicts = 0

    def __init__(self) -> None:
        self._app: Any = Application()

    def template(self) -> None:
        """Opened, then paid 100."""
        account = Account("template")
        account.move(100, "")
        self._app.save(account)

    def keys(self, accounts: Sequence[str]) -> list[str]:
        """The ids of the aggregates."""
        return [str(Account.create_id(account)) for account in accounts]

    def fill(self, accounts: Sequence[str], events: int) -> None:
        """Not needed: histories are copies of the template."""

    def transfer(self, source: str, target: str, id: str) -> None:
        """Loads both, and saves three aggregates in one transaction."""
        paying = self._app.repository.get(Account.create_id(source))
        paid = self._app.repository.get(Account.create_id(target))
        if paying.balance < 1:
            raise Refused
        paying.move(-1, id)
        paid.move(1, id)
        self._app.save(paying, paid, Transfer(source, target, 1))


if __name__ == "__main__":
    serve(EventSourcing())
