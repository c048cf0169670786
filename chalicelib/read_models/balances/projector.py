"""Projects the newest state of every account. An event older than the row changes nothing."""

from collections.abc import Iterator, Sequence
from functools import partial, reduce
from operator import and_

import msgspec
from pynamodb.expressions.update import Action

from chalicelib.domain.account.state import metadata_mark
from chalicelib.events.recorded import Recorded, Stream, UnknownEvent
from chalicelib.events.stream import begun, newest
from chalicelib.http.bodies import AccountBody, account_body
from chalicelib.ledger.aggregates import (
    account_state,
    account_stream,
    metadata_set_by,
    sets_metadata,
)
from chalicelib.read_models import guarded
from chalicelib.read_models.balances.table import (
    BUCKETS,
    BalanceRow,
    partition,
    row_of,
    stripe_rows,
)
from chalicelib.read_models.guarded import GuardedWrite
from chalicelib.read_models.read_model import Earlier, Item, Projection
from chalicelib.tables import is_met

_STATE = ("version", "body", "expiring", "metadata_set_by")
_METADATA = ("metadata_version", "metadata")


def project(events: Sequence[Recorded]) -> None:
    """One write per account of the batch; two more if only its state or metadata was newer."""
    accounts = newest("account", events)
    metadata = newest(
        "account",
        (each for each in events if each.stream.kind == "account" and sets_metadata(each)),
    )
    new = begun(events)
    guarded.write(
        [
            _write_of(event, metadata.get(stream), stream in new)
            for stream, event in accounts.items()
        ]
    )


def _write_of(event: Recorded, set_by: Recorded | None, is_first: bool) -> GuardedWrite:
    row = row_of(event.stream.ledger, event.stream.id)
    take_state(row, event)
    if set_by is None:
        single = partial(_update, row, _STATE, "version")
        return GuardedWrite(row, _STATE, ("version",), is_first, single)
    row.metadata_version = set_by.version
    row.metadata = msgspec.json.encode(metadata_set_by(set_by)).decode()
    guards = ("version", "metadata_version")
    return GuardedWrite(row, _STATE + _METADATA, guards, is_first, partial(_update_all, row))


def _update_all(row: BalanceRow) -> None:
    if not _update(row, _STATE + _METADATA, "version", "metadata_version"):
        _update(row, _STATE, "version")
        _update(row, _METADATA, "metadata_version")


def _update(row: BalanceRow, names: Sequence[str], *guards: str) -> bool:
    """Updates these attributes if the stored guards are smaller; whether they were."""
    attributes = BalanceRow.get_attributes()
    values = {name: getattr(row, name) for name in {*names, *guards}}
    actions: list[Action] = [
        attributes[name].remove() if values[name] is None else attributes[name].set(values[name])
        for name in names
    ]
    newer = [
        attributes[name].does_not_exist() | (attributes[name] < values[name]) for name in guards
    ]
    condition = reduce(and_, newer)
    return is_met(lambda: BalanceRow(row.partition, row.account).update(actions, condition))


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
