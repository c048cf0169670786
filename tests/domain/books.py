"""Books: accounts and transactions in plain dicts, and commands in short, for tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chalicelib.domain import account as accounts_domain
from chalicelib.domain import booking, managing
from chalicelib.domain import transaction as transactions_domain
from chalicelib.domain.account import Account
from chalicelib.domain.fields import Direction
from chalicelib.domain.managing import OpenAccount
from chalicelib.domain.transaction import Entry, PostTransaction, Transaction

Command = managing.Command | transactions_domain.Command

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
    account_events: dict[str, list[accounts_domain.Event]] = field(default_factory=dict)
    transaction_events: dict[str, list[transactions_domain.Event]] = field(default_factory=dict)

    def do(self, command: Command, now: datetime = NOW) -> bool:
        """Whether the command changed anything. Raises what the domain raises."""
        if isinstance(command, managing.Command):
            id = command.account
            events = managing.decide(command, self.accounts.get(id), now)
            self._follow(id, events)
            return bool(events)
        decision = self.decide(command, now)
        for account, moved in decision.accounts.items():
            self._follow(account, moved)
        for id, told in decision.transactions.items():
            for event in told:
                self.transactions[id] = transactions_domain.evolve(self.transactions.get(id), event)
                self.transaction_events.setdefault(id, []).append(event)
        return bool(decision.transactions)

    def decide(self, command: transactions_domain.Command, now: datetime = NOW) -> booking.Decision:
        """What the command would do. Raises what the domain raises."""
        newest = {id: events[-1] for id, events in self.transaction_events.items()}
        return booking.decide(
            command, booking.Books(transactions=newest, accounts=self.accounts), now
        )

    def posted(self) -> dict[str, int]:
        """What each account holds."""
        return {id: account.posted for id, account in self.accounts.items()}

    def _follow(self, id: str, events: list[accounts_domain.Event]) -> None:
        for event in events:
            self.accounts[id] = accounts_domain.evolve(self.accounts.get(id), event)
            self.account_events.setdefault(id, []).append(event)
