"""Responses: what became of a command, as an HTTP response."""

from collections.abc import Sequence

from chalicelib.commands.executor import Executed, Executor
from chalicelib.domain.fields import rfc3339
from chalicelib.domain.stripes import sum_of
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import Busy, EventStore
from chalicelib.http.bodies import (
    AccountBody,
    TransactionBody,
    account_body,
    etag,
    of_streams,
    transaction_body,
)
from chalicelib.http.door import Answer
from chalicelib.http.problems import outcome_unknown
from chalicelib.ledger.accounts import metadata_of
from chalicelib.ledger.aggregates import account_state, transaction_event
from chalicelib.settings import settings


def account_of(recorded: Recorded, stripes: Sequence[Recorded], store: EventStore) -> AccountBody:
    """The account after this event of its stream, and these of its stripes, without the holds that
    had expired by then. Raises Busy.
    """
    at = max(one.recorded_at for one in (recorded, *stripes))
    account = sum_of(account_state(recorded), [account_state(stripe) for stripe in stripes])
    metadata = metadata_of(store, recorded)
    body = account_body(recorded.stream.ledger, recorded.stream.id, account.as_of(at), metadata, at)
    streams = [(rfc3339(one.recorded_at), one.version) for one in (recorded, *stripes)]
    return of_streams(body, streams) if stripes else body


def transaction_of(recorded: Recorded, *, dry_run: bool = False) -> TransactionBody:
    """The transaction after this event of its stream."""
    return transaction_body(
        recorded.stream.ledger,
        recorded.stream.id,
        transaction_event(recorded),
        recorded.version,
        dry_run=dry_run,
    )


def account_reply(executed: Executed, executor: Executor, *, made: bool = False) -> Answer:
    """The account; with 201 and its address if it was made. Raises Problem where it was changed and
    cannot be read again.
    """
    try:
        body = executor.retrying(
            lambda: account_of(executed.recorded, executed.stripes, executor.store)
        )
    except Busy:
        raise outcome_unknown() from None
    headers = {"ETag": etag(body)}
    if not made:
        return Answer(body, headers=headers)
    location = f"{settings().accounts_url or ''}/ledgers/{body.ledger}/accounts/{body.id}"
    return _created(executed, body, {"Location": location, **headers})


def transaction_reply(executed: Executed, *, made: bool = False) -> Answer:
    """The transaction; with 201 and its address if it was made."""
    body = transaction_of(executed.recorded)
    if made:
        location = f"{settings().journal_url or ''}/ledgers/{body.ledger}/transactions/{body.id}"
        return _created(executed, body, {"Location": location})
    return Answer(body, headers=_replay(executed))


def _created(executed: Executed, body: object, headers: dict[str, str]) -> Answer:
    status = 200 if executed.replayed else 201
    return Answer(body, status=status, headers={**headers, **_replay(executed)})


def _replay(executed: Executed) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if executed.replayed else {}
