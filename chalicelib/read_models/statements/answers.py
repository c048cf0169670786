"""What this room answers: entries as an account's owner sees them."""

import msgspec

from chalicelib.read_models.statements.table import StatementRow


class EntryBody(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of an account, with the balance that it left."""

    version: int
    transaction: str
    direction: str
    amount: str
    balance_after: str
    recorded_at: str
    effective_at: str
    reference: str | None


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """A page of an account's entries."""

    entries: list[EntryBody]
    next_cursor: str | None


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """The posted balance after the last event recorded at or before `at`.

    `final` says that nothing which may still be recorded can change it.
    """

    account: str
    asset: str
    at: str
    posted: str
    version: int
    final: bool


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a period. Both balances are the period's, on every page of it.

    `final` says that nothing which may still be recorded can belong to it.
    """

    account: str
    asset: str
    from_: str = msgspec.field(name="from")
    to: str
    opening_balance: str
    entries: list[EntryBody]
    closing_balance: str
    final: bool
    next_cursor: str | None


def entry_body(row: StatementRow) -> EntryBody:
    """A row that is an entry, as the API shows it."""
    return EntryBody(
        version=row.version,
        transaction=row.transaction,
        direction=row.direction,
        amount=str(row.amount),
        balance_after=str(row.balance),
        recorded_at=row.recorded_at,
        effective_at=row.effective_at,
        reference=row.reference,
    )
