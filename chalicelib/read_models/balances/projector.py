"""Keeps the newest state of every account, deaf to what it has heard or what comes late."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.events.recorded import Recorded, Stream
from chalicelib.http.bodies import account_body
from chalicelib.ledger.aggregates import account_state, metadata_set_by, sets_metadata
from chalicelib.read_models.balances.table import BalanceRow, row_of
from chalicelib.read_models.generations import into_each
from chalicelib.tables import (
    CONDITION_FAILED,
    in_parallel,
    response_code,
)


@dataclass(frozen=True)
class Change:
    """What a batch says of one account: its newest state, and the newest metadata if any."""

    newest: Recorded
    metadata: Recorded | None


def changes(events: Iterable[Recorded]) -> dict[Stream, Change]:
    """The change of each account in a batch, whatever the order or number of its events."""
    result: dict[Stream, Change] = {}
    for event in events:
        if event.stream.kind != "account":
            continue
        before = result.get(event.stream)
        newest, metadata = (before.newest, before.metadata) if before else (event, None)
        if event.version > newest.version:
            newest = event
        if sets_metadata(event) and (metadata is None or event.version > metadata.version):
            metadata = event
        result[event.stream] = Change(newest, metadata)
    return result


@into_each("balances")
def project(events: Sequence[Recorded]) -> None:
    """One write per account of the batch; a second where only half of it was news."""
    in_parallel(_write, changes(events).values())


def _write(change: Change) -> None:
    state = _state_actions(change.newest)
    news = BalanceRow.version.does_not_exist() | (BalanceRow.version < change.newest.version)
    row = row_of(change.newest.stream.ledger, change.newest.stream.id)
    if change.metadata is None:
        _update(row, state, news)
        return
    metadata = _metadata_actions(change.metadata)
    metadata_news = BalanceRow.metadata_version.does_not_exist() | (
        BalanceRow.metadata_version < change.metadata.version
    )
    if not _update(row, [*state, *metadata], news & metadata_news):
        _update(row, state, news)
        _update(row, metadata, metadata_news)


def take_state(row: BalanceRow, event: Recorded) -> None:
    """Sets what a row says of the account after this event: all but its metadata, which another
    event may have set.
    """
    account = account_state(event)
    body = account_body(event.stream.ledger, event.stream.id, account, {}, event.recorded_at)
    row.version = event.version
    row.body = msgspec.json.encode(body).decode()
    row.expiring = msgspec.json.encode(account.expiring).decode() if account.expiring else None
    row.metadata_set_by = account.metadata_version


def _state_actions(event: Recorded) -> list[Action]:
    row = BalanceRow()
    take_state(row, event)
    return [
        BalanceRow.version.set(row.version),
        BalanceRow.body.set(row.body),
        BalanceRow.expiring.set(row.expiring) if row.expiring else BalanceRow.expiring.remove(),
        BalanceRow.metadata_set_by.set(row.metadata_set_by),
    ]


def _metadata_actions(event: Recorded) -> list[Action]:
    metadata = msgspec.json.encode(metadata_set_by(event)).decode()
    return [
        BalanceRow.metadata_version.set(event.version),
        BalanceRow.metadata.set(metadata),
    ]


def _update(row: BalanceRow, actions: list[Action], news: Condition) -> bool:
    """Whether it was news to the row."""
    try:
        row.update(actions, condition=news)
    except UpdateError as error:
        if response_code(error) != CONDITION_FAILED:
            raise
        return False
    return True
