"""Ledgers: which are there, and which assets their accounts hold; a registry in each stack.

A row per ledger and asset, written by the first event of an account that holds it, or of a
transaction that moves it. All rows of a stack are one partition, so that a page of them is one
query; each process of a projector writes a row once. The range key is the ledger, a space, and the
asset: a space comes before every character of an id, so that the order of the rows is that of the
ledgers.
"""

from collections.abc import Callable, Iterable, Sequence
from weakref import WeakKeyDictionary

from pynamodb.attributes import UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import PutError

from chalicelib.domain.errors import LedgerNotFound
from chalicelib.events.recorded import Recorded
from chalicelib.ledger.aggregates import account_state, transaction_event
from chalicelib.read_models.generations import Generations, into_each
from chalicelib.tables import (
    CONDITION_FAILED,
    Table,
    connection,
    in_parallel,
    response_code,
)

PARTITION = "ledgers"

_known: WeakKeyDictionary[Connection, set[tuple[str, str]]] = WeakKeyDictionary()
"""The tables and places whose row this process has written, or found, already; by engine."""


class LedgerRow(Table):
    """An asset of a ledger."""

    partition = UnicodeAttribute(hash_key=True)
    place = UnicodeAttribute(range_key=True)


class AccountsLedger(LedgerRow):
    """The registry of the accounts stack."""

    class Meta(metaclass=Generations):
        room = "accounts_ledgers"
        billing_mode = "PAY_PER_REQUEST"


class JournalLedger(LedgerRow):
    """The registry of the journal stack."""

    class Meta(metaclass=Generations):
        room = "journal_ledgers"
        billing_mode = "PAY_PER_REQUEST"


def place_of(ledger: str, asset: str) -> str:
    """The range key of a row."""
    return f"{ledger} {asset}"


def parts_of(place: str) -> tuple[str, str]:
    """The ledger and the asset of a row."""
    ledger, _, asset = place.partition(" ")
    return ledger, asset


def registered(registry: type[LedgerRow]) -> Callable[[Sequence[Recorded]], None]:
    """The projector of a registry: one conditional put for each ledger and asset that this process
    has not seen before.
    """

    @into_each(registry.Meta.room)  # type: ignore[attr-defined]  # Of the classes above.
    def project(events: Sequence[Recorded]) -> None:
        table = registry.Meta.table_name
        known = _known.setdefault(connection(), set())
        places = {(table, place) for place in places_of(events)} - known
        in_parallel(lambda new: _put(registry(PARTITION, new[1])), places)
        known.update(places)

    return project


def places_of(events: Iterable[Recorded]) -> set[str]:
    """The range keys of the rows that events ask for."""
    return {place_of(event.stream.ledger, asset) for event in events for asset in _assets_of(event)}


def _assets_of(event: Recorded) -> set[str]:
    """Those that it is about: a transaction may arrive before its accounts do."""
    if event.stream.kind == "account":
        return {account_state(event).asset}
    return {entry.asset for entry in transaction_event(event).entries}


def forget() -> None:
    """Lets the next batch write its rows again."""
    _known.clear()


def require_ledger(registry: type[LedgerRow], ledger: str) -> None:
    """Raises LedgerNotFound for a ledger of which nothing has arrived in this stack."""
    rows = registry.query(PARTITION, LedgerRow.place.startswith(place_of(ledger, "")), limit=1)
    if next(iter(rows), None) is None:
        raise LedgerNotFound(ledger)


def _put(row: LedgerRow) -> None:
    try:
        row.save(LedgerRow.place.does_not_exist())
    except PutError as error:
        if response_code(error) != CONDITION_FAILED:
            raise
