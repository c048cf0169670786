"""The model of a journal, independent of its tool."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

Tool = Literal["beancount", "hledger", "ledger"]

Balances = Mapping[tuple[str, str], Fraction]
"""The balance of each account in each commodity; positive is debit."""


class JournalError(Exception):
    """A journal that cannot be read or loaded; its text is one line for a person."""


@dataclass(frozen=True)
class Posting:
    """One line of a journal's transaction; a positive number is a debit.

    `is_virtual` is one in brackets, which need not balance. `note` is what its entry cannot say:
    cost, price, comment, tags.
    """

    account: str
    commodity: str
    number: Decimal
    is_virtual: bool = False
    note: str = ""


@dataclass(frozen=True)
class JournalTransaction:
    """A transaction as the journal has it. `where` is for people: its date and description."""

    date: date
    description: str
    reference: str
    metadata: Mapping[str, str]
    postings: tuple[Posting, ...]

    @property
    def where(self) -> str:
        """Its date and description."""
        return f"{self.date} {self.description or '(no description)'}"


@dataclass(frozen=True)
class Extra:
    """The accounts that this program adds to transactions that Twofold would refuse."""

    conversion: str
    unbalanced: str
    split: str

    @property
    def accounts(self) -> tuple[str, str, str]:
        """All of them."""
        return self.conversion, self.unbalanced, self.split


@dataclass
class Notices:
    """What is loaded differently: the transactions, by the kind of change."""

    by_kind: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, where: str) -> None:
        """Adds one transaction."""
        self.by_kind[kind].append(where)

    def lines(self, most: int | None = None) -> list[str]:
        """The notices as text, with up to `most` transactions of each kind."""
        told = []
        for kind, places in self.by_kind.items():
            shown = places[:most]
            told.append(f"  {len(places):,} x {kind}")
            told += [f"      {place}" for place in shown]
            if len(shown) < len(places):
                told.append(f"      … and {len(places) - len(shown):,} more (--all lists them)")
        return told


@dataclass(frozen=True)
class Journal:
    """A journal, and the balances that its own tool reports for it.

    `credit_roots` are the first parts of names, in small letters, of accounts that grow by credits.
    """

    tool: Tool
    transactions: tuple[JournalTransaction, ...]
    balances: Balances
    extra: Extra
    credit_roots: tuple[str, ...]
    notices: Notices

    def renamed(self, names: Mapping[str, str]) -> "Journal":
        """The journal with other names for commodities, such as USD for $. Raises JournalError for
        a commodity that it does not have, and where two would be one.
        """
        used = {one.commodity for each in self.transactions for one in each.postings}
        for old, new in names.items():
            if old not in used:
                raise JournalError(f"--asset {old}={new}: the journal has no commodity {old!r}")
            if new in used or list(names.values()).count(new) > 1:
                raise JournalError(f"--asset {old}={new}: another commodity has that name")
        return replace(
            self,
            transactions=tuple(
                replace(each, postings=tuple(_renamed(one, names) for one in each.postings))
                for each in self.transactions
            ),
            balances={
                (account, names.get(commodity, commodity)): held
                for (account, commodity), held in self.balances.items()
            },
        )


def _renamed(posting: Posting, names: Mapping[str, str]) -> Posting:
    return replace(posting, commodity=names.get(posting.commodity, posting.commodity))


CREDIT_ROOTS = ("liabilit", "debt", "equity", "income", "revenue")
"""Prefixes of accounts that grow by credits, where a journal does not declare them."""

ASSERTIONS = (
    "balance assertion: checked by the tool while it reads, not stored; "
    "Twofold's own checks are min_balance and max_balance, and the comparison at the end"
)
