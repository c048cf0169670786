"""Which ledgers are there? The query that both Read APIs answer."""

from collections.abc import Iterator, Sequence
from itertools import chain, groupby, islice
from typing import Annotated

import msgspec

from chalicelib.http.field_types import AssetCode, LedgerId, NextCursor, described
from chalicelib.http.pagination import make_cursor, read_cursor
from chalicelib.read_models.ledgers import (
    PARTITION,
    AccountsLedger,
    JournalLedger,
    LedgerRow,
    parts_of,
    place_of,
)
from chalicelib.read_models.reading import PAGE, Cursor, Limit
from chalicelib.settings import ACCOUNTS, settings
from chalicelib.tables import in_parallel

_LISTING = ("ledgers",)


class ListLedgers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which ledgers are there, in the order of their ids?"""

    limit: Limit = PAGE
    cursor: Cursor | None = None


class LedgerBody(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger, and the assets that its accounts hold or held."""

    id: LedgerId
    assets: Annotated[
        list[AssetCode], described("The assets that its accounts hold or held.", ["USD/2"])
    ]


class Ledgers(msgspec.Struct, frozen=True, kw_only=True):
    """A page of ledgers."""

    ledgers: Annotated[list[LedgerBody], described("The ledgers, in the order of their ids.")]
    next_cursor: NextCursor


def list_ledgers(query: ListLedgers, named: Sequence[str] | None) -> Ledgers:
    """A page of the ledgers that have been projected, of those named, or of all for None.

    Raises Problem invalid_cursor.
    """
    after = ""
    if query.cursor is not None:
        (after,) = read_cursor(query.cursor, of=_LISTING, parts=1)
    registry = AccountsLedger if ACCOUNTS in settings().serves else JournalLedger
    found = _all(registry, after, query.limit) if named is None else _of(registry, named, after)
    page = list(islice(found, query.limit + 1))
    more = len(page) > query.limit
    page = page[: query.limit]
    return Ledgers(
        ledgers=page, next_cursor=make_cursor(page[-1].id, of=_LISTING) if more else None
    )


def _all(registry: type[LedgerRow], after: str, limit: int) -> Iterator[LedgerBody]:
    # In a range key a space follows the ledger. "!" sorts after it and before any character of ids.
    rows = registry.query(
        PARTITION, LedgerRow.place > f"{after}!", page_size=2 * limit + 2, consistent_read=False
    )
    for ledger, assets in groupby(rows, key=lambda row: parts_of(row.place)[0]):
        yield LedgerBody(id=ledger, assets=[parts_of(row.place)[1] for row in assets])


def _of(registry: type[LedgerRow], named: Sequence[str], after: str) -> Iterator[LedgerBody]:
    def ask(ledger: str) -> list[LedgerBody]:
        rows = registry.query(PARTITION, LedgerRow.place.startswith(place_of(ledger, "")))
        assets = [parts_of(row.place)[1] for row in rows]
        return [LedgerBody(id=ledger, assets=assets)] if assets else []

    left = [ledger for ledger in named if ledger > after]
    chunks = (left[start : start + PAGE] for start in range(0, len(left), PAGE))
    return chain.from_iterable(each for chunk in chunks for each in in_parallel(ask, chunk))
