"""Replies: what became of a command, as an HTTP answer."""

from chalicelib.commands.answers import account_of, transaction_of
from chalicelib.commands.executor import (
    Executed,
    Executor,
)
from chalicelib.events.store import Busy
from chalicelib.http.bodies import etag
from chalicelib.http.door import Answer
from chalicelib.http.problems import outcome_unknown
from chalicelib.settings import settings


def account_reply(executed: Executed, executor: Executor, *, made: bool = False) -> Answer:
    """The account; with 201 and its address if it was made. Raises Problem where it was changed and
    cannot be read again.
    """
    try:
        body = executor.patiently(
            lambda: account_of(executed.recorded, executed.stripes, executor.store)
        )
    except Busy:
        raise outcome_unknown() from None
    headers = {"ETag": etag(body)}
    if not made:
        return Answer(body, headers=headers)
    location = f"{settings().accounts_url or ''}/ledgers/{body.ledger}/accounts/{body.id}"
    return _made(executed, body, {"Location": location, **headers})


def transaction_reply(executed: Executed, *, made: bool = False) -> Answer:
    """The transaction; with 201 and its address if it was made."""
    body = transaction_of(executed.recorded)
    if made:
        location = f"{settings().journal_url or ''}/ledgers/{body.ledger}/transactions/{body.id}"
        return _made(executed, body, {"Location": location})
    return Answer(body, headers=_replay(executed))


def _made(executed: Executed, body: object, headers: dict[str, str]) -> Answer:
    status = 200 if executed.replayed else 201
    return Answer(body, status=status, headers={**headers, **_replay(executed)})


def _replay(executed: Executed) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if executed.replayed else {}
