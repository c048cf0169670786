"""The registry of ledgers and of the assets that their accounts hold, one in each group.

A row per ledger and asset, written with the first event of an account or a transaction that has the
asset. All rows of a group are one partition, so a page of them is one query. The range key is the
ledger, a space and the asset: a space sorts before every character of an id, so the rows are in the
order of the ledgers.
"""

from collections.abc import Iterable, Sequence

from pynamodb.attributes import UnicodeAttribute

from chalicelib.domain.errors import LedgerNotFound
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.ledger.aggregates import account_state, transaction_event
from chalicelib.read_models.blue_green import BlueGreen
from chalicelib.read_models.once import WrittenOnce
from chalicelib.read_models.read_model import (
    Earlier,
    Item,
    Projection,
    ReadModel,
    SharedRows,
    group_named,
)
from chalicelib.settings import ACCOUNTS, JOURNAL
from chalicelib.tables import Table, saved

PARTITION = "ledgers"

_written = WrittenOnce()


class LedgerRow(Table):
    """An asset of a ledger."""

    partition = UnicodeAttribute(hash_key=True)
    place = UnicodeAttribute(range_key=True)


class AccountsLedger(LedgerRow):
    """The registry of the accounts group."""

    class Meta(metaclass=BlueGreen):
        name = "accounts_ledgers"


class JournalLedger(LedgerRow):
    """The registry of the journal group."""

    class Meta(metaclass=BlueGreen):
        name = "journal_ledgers"


def place_of(ledger: str, asset: str) -> str:
    """The range key of a row."""
    return f"{ledger} {asset}"


def parts_of(place: str) -> tuple[str, str]:
    """The ledger and the asset of a row."""
    ledger, _, asset = place.partition(" ")
    return ledger, asset


def _projection(group: str, registry: type[LedgerRow]) -> Projection:
    def project(events: Sequence[Recorded]) -> None:
        _written.write(
            registry.Meta.table_name,
            places_of(events),
            lambda place: saved(registry(PARTITION, place), LedgerRow.place.does_not_exist()),
        )

    def rows(event: Recorded, _: Earlier | None) -> list[LedgerRow]:
        return [registry(PARTITION, place) for place in places_of([event])]

    def origin(row: Item) -> tuple[Stream, None]:
        raise ValueError(f"{row} does not belong to a single stream")

    def is_asked_for(row: Item, _: object) -> bool:
        return group_named(group).holds(*parts_of(row["place"]["S"]))

    return Projection(
        kind="account",
        project=project,
        rows=rows,
        origin=origin,
        forget=_written.forget,
        shared=SharedRows(
            is_shared=lambda _: True,
            row=lambda row: registry(PARTITION, row["place"]["S"]),
            ledger=lambda row: parts_of(row["place"]["S"])[0],
            is_asked_for=is_asked_for,
            lists="a ledger",
            orphan="an asset that no account of the ledger holds",
        ),
    )


def _read_model(group: str, table: str) -> ReadModel:
    return ReadModel(
        "chalicelib.read_models",
        named=f"{group}_ledgers",
        derived=True,
        table_at=f"ledgers:{table}",
        projection_at=f"ledgers:{group.upper()}_PROJECTION",
        routes_at="ledger_routes:routes",
        projector_actions=["PutItem"],
    )


ACCOUNTS_PROJECTION = _projection(ACCOUNTS, AccountsLedger)
JOURNAL_PROJECTION = _projection(JOURNAL, JournalLedger)
ACCOUNTS_REGISTRY = _read_model(ACCOUNTS, "AccountsLedger")
JOURNAL_REGISTRY = _read_model(JOURNAL, "JournalLedger")


def places_of(events: Iterable[Recorded]) -> set[str]:
    """The range keys of the rows that events ask for."""
    return {place_of(event.stream.ledger, asset) for event in events for asset in _assets_of(event)}


def _assets_of(event: Recorded) -> set[str]:
    # A transaction may arrive before its accounts do.
    if event.stream.kind == "account":
        return {account_state(event).asset}
    return {entry.asset for entry in transaction_event(event).entries}


def require_ledger(registry: type[LedgerRow], ledger: str) -> None:
    """Raises LedgerNotFound if no event of the ledger has been projected by this group."""
    rows = registry.query(PARTITION, LedgerRow.place.startswith(place_of(ledger, "")), limit=1)
    if next(iter(rows), None) is None:
        raise LedgerNotFound(ledger)
