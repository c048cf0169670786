"""Rules: the invariants of an account at every version, and of a transaction's events.

Sums are counted entry by entry, independently of the domain's `evolve`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec.structs import asdict

from chalicelib.domain.account import events as account_events
from chalicelib.domain.account.state import Account
from chalicelib.domain.stripes import is_stripe
from chalicelib.domain.transaction import events as transaction_events
from chalicelib.domain.transaction.events import HoldExpired, HoldPosted, HoldVoided
from chalicelib.events.aggregates import schema_of, stored_schema
from chalicelib.events.recorded import Recorded
from chalicelib.ledger.aggregates import Event

_MAY_CHANGE = {
    HoldPosted: {"entries", "resolution", "account_events"},
    HoldVoided: {"resolution", "account_events"},
    HoldExpired: {"resolution", "account_events"},
    transaction_events.TransactionReversed: {"reversed_by", "account_events"},
}
"""The fields that may differ from the event before."""


@dataclass
class Tally:
    """An account's entries, counted one by one. `known` is false after a gap."""

    posted: Counter[str] = field(default_factory=Counter)
    open: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    net: int = 0
    known: bool = True
    breached: bool = False

    def take(self, event: Event) -> Iterator[str]:
        """Counts an event; the violated rules."""
        match event:
            case account_events.EntryPosted():
                self._move(event.direction, event.amount)
            case account_events.EntryHeld():
                self.open[event.transaction, event.direction, event.amount] += 1
            case account_events.HeldEntryPosted():
                self._move(event.direction, event.amount)
                held = event.amount + event.released
                yield from self._resolve((event.transaction, event.direction, held))
            case account_events.HeldEntryReleased():
                yield from self._resolve((event.transaction, event.direction, event.amount))
            case _:
                pass

    def compare(self, account: Account) -> Iterator[str]:
        """The differences between the account's state and the counts."""
        if not self.known:
            return
        posted = (account.debits, account.credits)
        if posted != (self.posted["debit"], self.posted["credit"]):
            yield "its totals are not the sum of its entries"
        held: Counter[str] = Counter()
        for (_, direction, amount), count in self.open.items():
            held[direction] += amount * count
        if (account.pending_debits, account.pending_credits) != (held["debit"], held["credit"]):
            yield "what it has pending is not the sum of its open holds"

    def within(self, account: Account) -> Iterator[str]:
        """A violation if the account newly breaches its limits."""
        least, most = account.available, account.posted + account.pending_in
        breached = (account.min_balance is not None and least < account.min_balance) or (
            account.max_balance is not None and most > account.max_balance
        )
        if breached and not self.breached:
            yield f"it breaches its limits, with {least} available and at most {most}"
        self.breached = breached

    def lose(self) -> None:
        """Stops the count, since an earlier event is missing or altered."""
        self.known = False

    def _resolve(self, hold: tuple[str, str, int]) -> Iterator[str]:
        if self.known and not self.open[hold]:
            yield f"nothing was held by {hold[0]} that it could resolve"
        self.open[hold] -= 1
        if self.open[hold] <= 0:
            del self.open[hold]

    def _move(self, direction: str, amount: int) -> None:
        self.posted[direction] += amount
        self.net += amount if direction == "debit" else -amount


def of_account(one: Recorded, event: Event, before: Account | None) -> Iterator[str]:
    """The rules that an event violates after the state `before` it."""
    if isinstance(event, account_events.AccountOpened) and event.opened_at != one.recorded_at:
        yield "it was not opened when that was recorded"
    if before is None:
        return
    if before.closed:
        yield "the account was closed before"
    if isinstance(event, account_events.EntryPosted | account_events.EntryHeld):
        debit = event.direction == "debit"
        if before.frozen_debits if debit else before.frozen_credits:
            yield f"the account was frozen for {event.direction}s"
        if event.amount < 1:
            yield f"an entry of {event.amount}"
        if before.stripes > 1:
            yield "the account is striped, and takes no entries itself"
    # Only the sum of all stripes must be 0 (`stripes`).
    held = 0 if is_stripe(one.stream.id) else before.posted
    if isinstance(event, account_events.AccountClosed) and (
        held or before.pending_debits or before.pending_credits
    ):
        yield "it was closed though it was not empty"


def of_transaction(
    one: Recorded, event: transaction_events.Event, before: transaction_events.Event | None
) -> Iterator[str]:
    """The rules that a transaction's event violates, by itself and after the one before it."""
    sums: Counter[str] = Counter()
    for entry in event.entries:
        sums[entry.asset] += entry.amount if entry.direction == "debit" else -entry.amount
    for asset, sum in sorted(sums.items()):
        if sum:
            yield f"its debits less its credits of {asset} are {sum}"
    first = isinstance(
        event, transaction_events.TransactionPosted | transaction_events.TransactionHeld
    )
    if first and event.created_at != one.recorded_at:
        yield "it was not created when that was recorded"
    if isinstance(event, HoldPosted | HoldVoided | HoldExpired) and (
        event.resolution is None or event.resolution.at != one.recorded_at
    ):
        yield "it was not resolved when that was recorded"
    yield from _of_account_events(one, event)
    if before is None or first:
        return
    may = _MAY_CHANGE[type(event)]
    if isinstance(event, HoldPosted) and before.effective_when_posted:
        may = {*may, "effective_at"}
        if event.effective_at != one.recorded_at:
            yield "it does not take effect when it was posted"
    for name, value in asdict(event).items():
        if name not in may and value != getattr(before, name):
            yield f"its {name} is not that of the event before"
    if isinstance(event, HoldPosted):
        held = [(entry.account, entry.direction, entry.asset) for entry in before.entries]
        if held != [(entry.account, entry.direction, entry.asset) for entry in event.entries]:
            yield "its entries are not those that were held"
        elif any(
            now.amount > then.amount
            for now, then in zip(event.entries, before.entries, strict=True)
        ):
            yield "more was posted than was held"


def _of_account_events(one: Recorded, event: transaction_events.Event) -> Iterator[str]:
    named = event.account_events
    if named is None:
        if stored_schema(one.data) == schema_of(one.type):
            yield "it does not name the account events of its entries"
        return
    made = () if isinstance(event, transaction_events.TransactionReversed) else event.entries
    if len(named) != len(made):
        yield f"it names {len(named)} account events, and has {len(made)} entries"
    elif not isinstance(event, HoldVoided | HoldExpired):
        versions = [entry.version for entry in made]
        if versions != [each.version for each in named]:
            yield "the account events that it names are not those of its entries"
