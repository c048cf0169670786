"""Replies: what became of a command, as an HTTP response."""

from chalicelib.commands.answers import account_of, transaction_of
from chalicelib.commands.executor import Executed, Executor
from chalicelib.events.store import Busy
from chalicelib.http.bodies import AccountBody, TransactionBody, etag
from chalicelib.http.problems import outcome_unknown
from chalicelib.http.response import Response
from chalicelib.settings import settings

_REPLAYED = {"Idempotency-Replayed": "true"}


def account_reply(
    executed: Executed, executor: Executor, *, created: bool = False
) -> Response[AccountBody]:
    """The account; with 201 and its address if it was created. Raises Problem where it was changed
    and cannot be read again.
    """
    try:
        body = executor.patiently(
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


def transaction_reply(
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
