"""Responses: what became of a command, as an HTTP response."""

from collections.abc import Sequence
from typing import cast

from chalicelib.commands.execution import Executed
from chalicelib.commands.executor import Executor
from chalicelib.domain.transaction.events import Event as TransactionEvent
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import Busy, EventStore
from chalicelib.http.bodies import (
    AccountBody,
    TransactionBody,
    account_of_streams,
    etag,
    transaction_body,
)
from chalicelib.http.problems import outcome_unknown
from chalicelib.http.response import Response
from chalicelib.ledger.accounts import metadata_of
from chalicelib.ledger.aggregates import account_state
from chalicelib.settings import settings

_REPLAYED = {"Idempotency-Replayed": "true"}


def account_of(recorded: Recorded, stripes: Sequence[Recorded], store: EventStore) -> AccountBody:
    """The account after this event of its stream, and these of its stripes, without the holds that
    had expired by then. Raises Busy.
    """
    streams = (recorded, *stripes)
    at = max(one.recorded_at for one in streams)
    return account_of_streams(
        recorded.stream.ledger,
        recorded.stream.id,
        [(account_state(one).as_of(at), one.recorded_at) for one in streams],
        metadata_of(store, recorded),
    )


def transaction_of(recorded: Recorded, *, dry_run: bool = False) -> TransactionBody:
    """The transaction after this event of its stream."""
    stream, event = recorded.stream, cast(TransactionEvent, recorded.event)
    return transaction_body(stream.ledger, stream.id, event, recorded.version, dry_run=dry_run)


def account_response(
    executed: Executed, executor: Executor, *, created: bool = False
) -> Response[AccountBody]:
    """The account; with 201 and its address if it was created. Raises Problem where it was changed
    and cannot be read again.
    """
    try:
        body = executor.retrying(
            lambda: account_of(executed.recorded, executed.stripes, executor.store)
        )
    except Busy:
        raise outcome_unknown() from None
    headers = {"ETag": etag(body)}
    if not created:
        return Response(body, headers=headers)
    location = f"{settings().accounts_url or ''}/ledgers/{body.ledger}/accounts/{body.id}"
    headers["Location"] = location
    if executed.replayed:
        return Response(body, headers={**headers, **_REPLAYED})
    return Response(body, status=201, headers=headers)


def transaction_response(
    executed: Executed, *, created: bool = False, dry_run: bool = False
) -> Response[TransactionBody]:
    """The transaction; with 201 and its address if it was created. A dry run creates nothing."""
    body = transaction_of(executed.recorded, dry_run=dry_run)
    if dry_run:
        return Response(body)
    headers = dict(_REPLAYED) if executed.replayed else {}
    if not created:
        return Response(body, headers=headers)
    location = f"{settings().journal_url or ''}/ledgers/{body.ledger}/transactions/{body.id}"
    headers["Location"] = location
    return Response(body, status=200 if executed.replayed else 201, headers=headers)
