"""Projects the newest state of every account. An event older than the row changes nothing."""

from collections.abc import Iterator, Sequence

import msgspec
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.domain.account.state import metadata_mark
from chalicelib.events.recorded import Recorded, Stream, UnknownEvent
from chalicelib.events.stream import newest
from chalicelib.http.bodies import AccountBody, account_body
from chalicelib.ledger.aggregates import (
    account_state,
    account_stream,
    metadata_set_by,
    sets_metadata,
)
from chalicelib.read_models.balances.table import (
    BUCKETS,
    BalanceRow,
    partition,
    row_of,
    stripe_rows,
)
from chalicelib.read_models.read_model import Earlier, Item, Projection
from chalicelib.tables import in_parallel, is_met


def project(events: Sequence[Recorded]) -> None:
    """One write per account of the batch; two more if only its state or metadata was newer."""
    accounts = newest("account", events)
    metadata = newest(
        "account",
        (each for each in events if each.stream.kind == "account" and sets_metadata(each)),
    )
    in_parallel(lambda stream: _write(accounts[stream], metadata.get(stream)), accounts)


def _write(event: Recorded, set_by: Recorded | None) -> None:
    state = _state_actions(event)
    is_newer = BalanceRow.version.does_not_exist() | (BalanceRow.version < event.version)
    row = row_of(event.stream.ledger, event.stream.id)
    if set_by is None:
        _update(row, state, is_newer)
        return
    metadata: list[Action] = [
        BalanceRow.metadata_version.set(set_by.version),
        BalanceRow.metadata.set(msgspec.json.encode(metadata_set_by(set_by)).decode()),
    ]
    metadata_is_newer = BalanceRow.metadata_version.does_not_exist() | (
        BalanceRow.metadata_version < set_by.version
    )
    if not _update(row, [*state, *metadata], is_newer & metadata_is_newer):
        _update(row, state, is_newer)
        _update(row, metadata, metadata_is_newer)


def take_state(row: BalanceRow, event: Recorded) -> None:
    """Sets the attributes of a row after this event, except the metadata."""
    account = account_state(event)
    body = account_body(event.stream.ledger, event.stream.id, account, {}, event.recorded_at)
    row.version = event.version
    row.body = msgspec.json.encode(body).decode()
    row.expiring = msgspec.json.encode(account.expiring).decode() if account.expiring else None
    row.metadata_set_by = account.metadata_version


def rows(event: Recorded, earlier: Earlier | None) -> list[BalanceRow]:
    """The row of an account after an event. `earlier` reads the event that set the metadata."""
    row = row_of(event.stream.ledger, event.stream.id)
    take_state(row, event)
    if earlier is None:
        row.metadata_version = event.version if sets_metadata(event) else 0
        return [row]
    row.metadata_version = account_state(event).metadata_version
    row.metadata = msgspec.json.encode(_metadata_of(event, earlier)).decode()
    return [row]


def _metadata_of(event: Recorded, earlier: Earlier) -> dict[str, str]:
    if account_state(event).metadata_fingerprint == metadata_mark({}):
        return {}
    version = account_state(event).metadata_version
    set_by = event if sets_metadata(event) else earlier(version)
    if set_by is None or not sets_metadata(set_by):
        raise UnknownEvent(f"{event.stream} has no event {version} that sets metadata")
    return dict(metadata_set_by(set_by))


def origin(row: Item) -> tuple[Stream, None]:
    """The stream of a row's account or stripe."""
    ledger = row["partition"]["S"].replace("#", "/").partition("/")[0]
    return Stream.parse(f"{ledger}/account/{row['account']['S']}"), None


def holds(ledger: str, asset: str) -> bool:
    """Whether any account of this ledger and asset has a row."""
    return any(_asset_of(row) == asset for row in _rows_of(ledger))


def heads(ledger: str, account: str | None) -> Iterator[tuple[Stream, int]]:
    """The versions in the rows of all accounts, or of the stripes of this account."""
    for row in stripe_rows(ledger, account) if account else _rows_of(ledger):
        yield account_stream(ledger, row.account), row.version


def _rows_of(ledger: str) -> Iterator[BalanceRow]:
    for bucket in range(BUCKETS):
        yield from BalanceRow.query(partition(ledger, bucket))


def _asset_of(row: BalanceRow) -> str | None:
    """The asset of a row; None if its body cannot be read."""
    try:
        return msgspec.json.decode(row.body or "", type=AccountBody).asset
    except msgspec.DecodeError:
        return None


PROJECTION = Projection(
    kind="account", project=project, rows=rows, origin=origin, holds=holds, heads=heads
)


def _state_actions(event: Recorded) -> list[Action]:
    row = BalanceRow()
    take_state(row, event)
    return [
        BalanceRow.version.set(row.version),
        BalanceRow.body.set(row.body),
        BalanceRow.expiring.set(row.expiring) if row.expiring else BalanceRow.expiring.remove(),
        BalanceRow.metadata_set_by.set(row.metadata_set_by),
    ]


def _update(row: BalanceRow, actions: list[Action], condition: Condition) -> bool:
    return is_met(lambda: row.update(actions, condition=condition))
