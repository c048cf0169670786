"""Books: accounts and transactions in plain dicts, and commands in short, for tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chalicelib.domain.account import decide as account_decide
from chalicelib.domain.account.commands import Command as AccountCommand
from chalicelib.domain.account.commands import OpenAccount
from chalicelib.domain.account.events import Event as AccountEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.account.state import evolve as evolve_account
from chalicelib.domain.fields import Direction
from chalicelib.domain.transaction import decide as transaction_decide
from chalicelib.domain.transaction.commands import Command as TransactionCommand
from chalicelib.domain.transaction.commands import Entry, PostTransaction
from chalicelib.domain.transaction.events import Event as TransactionEvent
from chalicelib.domain.transaction.state import Transaction
from chalicelib.domain.transaction.state import evolve as evolve_transaction

Command = AccountCommand | TransactionCommand

NOW = datetime(2026, 11, 1, 12, 30, 15, 250, tzinfo=UTC)


def opening(
    account: str = "cash",
    *,
    asset: str = "USD/2",
    normal_balance: Direction = "debit",
    min_balance: int | None = 0,
    max_balance: int | None = None,
    metadata: Mapping[str, str] | None = None,
    stripes: int = 1,
    ledger: str = "acme",
) -> OpenAccount:
    """The command that opens an account."""
    return OpenAccount(
        ledger=ledger,
        account=account,
        asset=asset,
        normal_balance=normal_balance,
        min_balance=min_balance,
        max_balance=max_balance,
        metadata=metadata or {},
        stripes=stripes,
    )


def debit(account: str, amount: int, asset: str | None = None) -> Entry:
    """An entry on the debit side."""
    return Entry(account=account, direction="debit", amount=amount, asset=asset)


def credit(account: str, amount: int, asset: str | None = None) -> Entry:
    """An entry on the credit side."""
    return Entry(account=account, direction="credit", amount=amount, asset=asset)


def posting(
    id: str,
    *entries: Entry,
    reference: str | None = None,
    effective_at: datetime | None = None,
    metadata: Mapping[str, str] | None = None,
    ledger: str = "acme",
) -> PostTransaction:
    """The command that posts a transaction."""
    return PostTransaction(
        ledger=ledger,
        transaction=id,
        entries=entries,
        reference=reference,
        effective_at=effective_at,
        metadata=metadata or {},
    )


@dataclass
class Books:
    """A ledger as its states and its events, with nothing but the domain's functions between."""

    accounts: dict[str, Account] = field(default_factory=dict)
    transactions: dict[str, Transaction] = field(default_factory=dict)
    account_events: dict[str, list[AccountEvent]] = field(default_factory=dict)
    transaction_events: dict[str, list[TransactionEvent]] = field(default_factory=dict)

    def do(self, command: Command, now: datetime = NOW) -> bool:
        """Whether the command changed anything. Raises what the domain raises."""
        if isinstance(command, AccountCommand):
            id = command.account
            events = account_decide.decide(command, self.accounts.get(id), now)
            self._follow(id, events)
            return bool(events)
        decision = self.decide(command, now)
        for account, moved in decision.accounts.items():
            self._follow(account, moved)
        for id, told in decision.transactions.items():
            for event in told:
                self.transactions[id] = evolve_transaction(self.transactions.get(id), event)
                self.transaction_events.setdefault(id, []).append(event)
        return bool(decision.transactions)

    def decide(
        self, command: TransactionCommand, now: datetime = NOW
    ) -> transaction_decide.Decision:
        """What the command would do. Raises what the domain raises."""
        newest = {id: events[-1] for id, events in self.transaction_events.items()}
        return transaction_decide.decide(
            command, transaction_decide.Books(transactions=newest, accounts=self.accounts), now
        )

    def posted(self) -> dict[str, int]:
        """What each account holds."""
        return {id: account.posted for id, account in self.accounts.items()}

    def _follow(self, id: str, events: list[AccountEvent]) -> None:
        for event in events:
            self.accounts[id] = evolve_account(self.accounts.get(id), event)
            self.account_events.setdefault(id, []).append(event)
