"""Random commands for runs with faults: payments, holds, reversals and changes of accounts."""

import random
from collections.abc import Callable, Iterator
from itertools import count

from chalicelib.domain.account.commands import (
    ChangeAccount,
    CloseAccount,
    FreezeAccount,
    OpenAccount,
    UnfreezeAccount,
)
from chalicelib.domain.transaction.commands import (
    Entry,
    HoldTransaction,
    PostHold,
    PostTransaction,
    ReverseTransaction,
    VoidHold,
)

ASSETS = {"USD/2": "usd", "EUR/2": "eur"}
"""Each asset, and what its accounts' ids begin with."""

ACCOUNTS_PER_ASSET = 6
_STRIPES = 3


def openings(ledger: str, accounts: int = ACCOUNTS_PER_ASSET) -> Iterator[OpenAccount]:
    """Opens the accounts: per asset number 0 is striped and has no limit, the others have one."""
    for asset, name in ASSETS.items():
        for number in range(accounts):
            yield OpenAccount(
                ledger=ledger,
                account=f"{name}:{number}",
                asset=asset,
                normal_balance="credit" if number else "debit",
                min_balance=0 if number else None,
                stripes=1 if number else _STRIPES,
            )


def transfer(debit: str, credit: str, amount: int) -> tuple[Entry, Entry]:
    """The entries that debit one account and credit another."""
    return (
        Entry(account=debit, direction="debit", amount=amount),
        Entry(account=credit, direction="credit", amount=amount),
    )


class RandomWriter:
    """Sends random commands to a ledger.

    `send` executes commands together, and returns something false if they were refused. The same
    seed and name draw the same commands, as long as the same ones are accepted. No other writer
    uses its ids. `accounts` is how many there are of each asset: the fewer, the more writers meet.
    """

    def __init__(
        self,
        send: Callable[..., object],
        ledger: str,
        seed: int,
        name: str,
        accounts: int = ACCOUNTS_PER_ASSET,
    ) -> None:
        self.send = send
        self.ledger = ledger
        self.accounts = accounts
        self.name = name
        self.chance = random.Random(f"{seed} {name}")
        self._numbers = count(1)
        self._held: list[str] = []
        self._posted: list[str] = []

    def write(self, requests: int) -> None:
        """Makes this many requests, one after the other."""
        weights = self.weights()
        for make in self.chance.choices(list(weights), list(weights.values()), k=requests):
            make()

    def weights(self) -> dict[Callable[[], None], int]:
        """Each kind of request, and how often it is made in proportion to the others."""
        return {
            self._post: 40,
            self._hold: 18,
            self._resolve: 14,
            self._reverse: 8,
            self._freeze: 6,
            self._change: 6,
            self._post_together: 6,
            self._open_and_close: 2,
        }

    def new_id(self) -> str:
        """An id that was not used before."""
        return f"{self.name}-{next(self._numbers)}"

    def payment(self) -> PostTransaction:
        """A new transaction, of one asset or of both, from any account to any other."""
        entries: list[Entry] = []
        for name in self.chance.sample(list(ASSETS.values()), self.chance.choice([1, 1, 1, 2])):
            debit, credit = self.chance.sample(range(self.accounts), 2)
            if self.chance.random() < 0.3:
                debit, credit = 0, credit or 1
            amount = self.chance.choice([1, 7, 100, 2**53 + 1])
            entries += transfer(f"{name}:{debit}", f"{name}:{credit}", amount)
        return PostTransaction(
            ledger=self.ledger,
            transaction=self.new_id(),
            entries=tuple(entries),
            reference=self.chance.choice([None, "rent", "salary"]),
        )

    def _post(self) -> None:
        payment = self.payment()
        if self.send(payment):
            self._posted.append(payment.transaction)

    def _post_together(self) -> None:
        payments = [self.payment() for _ in range(self.chance.randint(2, 6))]
        if self.send(*payments):
            self._posted += [payment.transaction for payment in payments]

    def _hold(self) -> None:
        payment = self.payment()
        hold = HoldTransaction(
            ledger=self.ledger,
            transaction=payment.transaction,
            entries=payment.entries,
            timeout_seconds=self.chance.choice([None, 1, 3600]),
        )
        if self.send(hold):
            self._held.append(hold.transaction)

    def _resolve(self) -> None:
        """Posts or voids a hold, and now and then one that was resolved before."""
        if not self._held:
            return
        hold = self.chance.choice(self._held)
        if self.chance.random() < 0.8:
            self._held.remove(hold)
        key = self.chance.choice([None, f"key-{hold}", f"key-{hold}"])
        if self.chance.random() < 0.5:
            self.send(VoidHold(ledger=self.ledger, transaction=hold, key=key, reason="changed"))
        elif self.send(PostHold(ledger=self.ledger, transaction=hold, key=key)):
            self._posted.append(hold)

    def _reverse(self) -> None:
        if self._posted:
            original = self._posted.pop(self.chance.randrange(len(self._posted)))
            self.send(
                ReverseTransaction(ledger=self.ledger, transaction=self.new_id(), reverses=original)
            )

    def _freeze(self) -> None:
        ledger, account, debits = self.ledger, self._account(), self.chance.random() < 0.5
        self.send(FreezeAccount(ledger=ledger, account=account, debits=debits, credits=not debits))
        self._post()
        self.send(UnfreezeAccount(ledger=ledger, account=account, debits=True, credits=True))

    def _change(self) -> None:
        change = ChangeAccount(
            ledger=self.ledger,
            account=self._account(),
            metadata={"mood": self.chance.choice(["calm", "wild"]), "by": self.new_id()},
            if_version=self.chance.choice([None, None, 9]),
        )
        self.send(change)

    def _open_and_close(self) -> None:
        ledger, account = self.ledger, f"brief:{self.new_id()}"
        opening = OpenAccount(
            ledger=ledger, account=account, asset="USD/2", normal_balance="credit"
        )
        self.send(opening)
        self.send(CloseAccount(ledger=ledger, account=account))

    def _account(self) -> str:
        name = self.chance.choice(list(ASSETS.values()))
        return f"{name}:{self.chance.randrange(self.accounts)}"
