"""The Write API's routes."""

from uuid_utils import uuid7

from chalicelib.commands import account_batch, batch
from chalicelib.commands.answers import account_of, transaction_of
from chalicelib.commands.deciding import Command
from chalicelib.commands.execute import Executed, executor
from chalicelib.commands.idempotency import HEADER, id_of, key_of
from chalicelib.commands.requests import (
    AccountBatchRequest,
    BatchRequest,
    ChangeAccountRequest,
    CloseAccountRequest,
    DirectionsRequest,
    NewTransactionRequest,
    OpenAccountRequest,
    PostHoldRequest,
    ReverseTransactionRequest,
    VoidHoldRequest,
)
from chalicelib.events.store import Busy
from chalicelib.http.bodies import AccountBody, TransactionBody, etag
from chalicelib.http.door import Answer, Door
from chalicelib.http.incoming import Incoming
from chalicelib.http.problems import outcome_unknown
from chalicelib.settings import settings

write = Door(__name__)

_OF_BODY = ("malformed_json", "request_too_large", "unsupported_media_type")
_OF_CONTENT = (*_OF_BODY, "contention", "not_attempted", "outcome_unknown")
"""What is said of any body, and of any write."""
_OF_ACCOUNT = (*_OF_CONTENT, "account_not_found")
_OF_ENTRIES = (
    *_OF_ACCOUNT,
    "insufficient_funds",
    "balance_limit_exceeded",
    "account_frozen",
    "account_closed",
    "idempotency_key_reused",
)
_OF_HOLD = (
    *_OF_CONTENT,
    "transaction_not_found",
    "transaction_not_pending",
    "idempotency_key_reused",
)


@write.post(
    "/ledgers/{ledger}/accounts",
    takes=OpenAccountRequest,
    params=("Idempotency-Key",),
    gives=AccountBody,
    answers_with=("Location", "ETag", "Idempotency-Replayed"),
    made=True,
    refuses=(*_OF_CONTENT, "invalid_amount", "account_exists", "balance_limit_exceeded"),
)
def open_account(incoming: Incoming) -> Answer:
    """Opens an account: 201, or 200 when it is open already with this content."""
    incoming.only()
    request, ledger = incoming.body(OpenAccountRequest), incoming.path["ledger"]
    new_id = (_key(incoming) or _new_id()) if request.id is None else request.id
    executed = _execute(incoming, request.command(ledger, new_id=new_id))
    return _account(executed, made=True)


@write.post(
    "/ledgers/{ledger}/accounts/batch",
    takes=AccountBatchRequest,
    params=("Idempotency-Key",),
    gives=account_batch.AccountResultsBody,
    answers_with=("Retry-After",),
    refuses=(*_OF_BODY, "batch_too_large"),
)
def open_accounts(incoming: Incoming) -> Answer:
    """Opens several accounts, each on its own."""
    incoming.only()
    results = account_batch.run(
        incoming.body(AccountBatchRequest),
        incoming.path["ledger"],
        key=key_of(incoming.header(HEADER)),
        new_id=_new_id,
        executor=executor(),
        actor=incoming.actor,
        request_id=incoming.request_id,
    )
    return Answer(results, headers=results.retry_after)


@write.patch(
    "/ledgers/{ledger}/accounts/{account}",
    takes=ChangeAccountRequest,
    params=("If-Match",),
    gives=AccountBody,
    answers_with=("ETag",),
    refuses=(
        *_OF_ACCOUNT,
        "invalid_amount",
        "version_conflict",
        "account_closed",
        "balance_limit_exceeded",
    ),
)
def change_account(incoming: Incoming) -> Answer:
    """Changes an account's limits or metadata."""
    incoming.only()
    request = incoming.body(ChangeAccountRequest)
    command = request.command(**incoming.path, if_version=incoming.version_matched())
    return _account(_execute(incoming, command))


@write.post(
    "/ledgers/{ledger}/accounts/{account}/freeze",
    takes=DirectionsRequest,
    gives=AccountBody,
    answers_with=("ETag",),
    refuses=(*_OF_ACCOUNT, "account_closed"),
)
def freeze_account(incoming: Incoming) -> Answer:
    """Lets an account refuse entries of one direction, or of both."""
    incoming.only()
    request = incoming.body_or_nothing(DirectionsRequest)
    return _account(_execute(incoming, request.freeze(**incoming.path)))


@write.post(
    "/ledgers/{ledger}/accounts/{account}/unfreeze",
    takes=DirectionsRequest,
    gives=AccountBody,
    answers_with=("ETag",),
    refuses=(*_OF_ACCOUNT, "account_closed"),
)
def unfreeze_account(incoming: Incoming) -> Answer:
    """Lets an account take entries of one direction, or of both, again."""
    incoming.only()
    request = incoming.body_or_nothing(DirectionsRequest)
    return _account(_execute(incoming, request.unfreeze(**incoming.path)))


@write.post(
    "/ledgers/{ledger}/accounts/{account}/close",
    takes=CloseAccountRequest,
    gives=AccountBody,
    answers_with=("ETag",),
    refuses=(*_OF_ACCOUNT, "account_not_empty"),
)
def close_account(incoming: Incoming) -> Answer:
    """Closes an account that is empty."""
    incoming.only()
    request = incoming.body_or_nothing(CloseAccountRequest)
    return _account(_execute(incoming, request.command(**incoming.path)))


@write.post(
    "/ledgers/{ledger}/transactions",
    takes=NewTransactionRequest,
    params=("dry_run", "Idempotency-Key"),
    gives=TransactionBody,
    answers_with=("Location", "Idempotency-Replayed"),
    made=True,
    refuses=(
        *_OF_ENTRIES,
        "invalid_amount",
        "too_many_entries",
        "unbalanced_transaction",
        "asset_mismatch",
    ),
)
def post_transaction(incoming: Incoming) -> Answer:
    """Posts a transaction, or makes a pending one: 201, or 200 with the first answer when its id
    was used for it before.
    """
    incoming.only("dry_run")
    dry_run, request = incoming.flag("dry_run"), incoming.body(NewTransactionRequest)
    command = request.command(incoming.path["ledger"], key=_key(incoming), new_id=_new_id())
    executed = _execute(incoming, command, dry_run=dry_run)
    if dry_run:
        return Answer(transaction_of(executed.recorded, dry_run=True))
    return _transaction(executed, made=True)


@write.post(
    "/ledgers/{ledger}/transactions/batch",
    takes=BatchRequest,
    params=("Idempotency-Key",),
    gives=batch.ResultsBody,
    answers_with=("Retry-After",),
    refuses=(*_OF_CONTENT, "batch_too_large"),
)
def post_batch(incoming: Incoming) -> Answer:
    """Makes several transactions, all or none or each on its own."""
    incoming.only()
    results = batch.run(
        incoming.body(BatchRequest),
        incoming.path["ledger"],
        key=key_of(incoming.header(HEADER)),
        new_id=_new_id,
        executor=executor(),
        actor=incoming.actor,
        request_id=incoming.request_id,
    )
    return Answer(results, headers=results.retry_after)


@write.post(
    "/ledgers/{ledger}/transactions/{transaction}/post",
    takes=PostHoldRequest,
    params=("Idempotency-Key",),
    gives=TransactionBody,
    answers_with=("Idempotency-Replayed",),
    refuses=(*_OF_HOLD, "invalid_amount", "exceeds_pending_amount"),
)
def post_hold(incoming: Incoming) -> Answer:
    """Posts a pending transaction, wholly or in part."""
    incoming.only()
    request = incoming.body_or_nothing(PostHoldRequest)
    command = request.command(**incoming.path, key=_key(incoming))
    return _transaction(_execute(incoming, command))


@write.post(
    "/ledgers/{ledger}/transactions/{transaction}/void",
    takes=VoidHoldRequest,
    params=("Idempotency-Key",),
    gives=TransactionBody,
    answers_with=("Idempotency-Replayed",),
    refuses=_OF_HOLD,
)
def void_hold(incoming: Incoming) -> Answer:
    """Voids a pending transaction."""
    incoming.only()
    request = incoming.body_or_nothing(VoidHoldRequest)
    command = request.command(**incoming.path, key=_key(incoming))
    return _transaction(_execute(incoming, command))


@write.post(
    "/ledgers/{ledger}/transactions/{transaction}/reverse",
    takes=ReverseTransactionRequest,
    params=("Idempotency-Key",),
    gives=TransactionBody,
    answers_with=("Location", "Idempotency-Replayed"),
    made=True,
    refuses=(
        *_OF_ENTRIES,
        "transaction_not_found",
        "transaction_not_posted",
        "already_reversed",
    ),
)
def reverse_transaction(incoming: Incoming) -> Answer:
    """Undoes a posted transaction by a new one."""
    incoming.only()
    request = incoming.body_or_nothing(ReverseTransactionRequest)
    command = request.command(
        incoming.path["ledger"],
        incoming.path["transaction"],
        key=_key(incoming),
        new_id=_new_id(),
    )
    return _transaction(_execute(incoming, command), made=True)


def _new_id() -> str:
    return str(uuid7())


def _key(incoming: Incoming) -> str | None:
    """The id that the request's key gives, if it has one. Raises InvalidField."""
    key = key_of(incoming.header(HEADER))
    return None if key is None else id_of(key)


def _execute(incoming: Incoming, command: Command, *, dry_run: bool = False) -> Executed:
    return executor().execute(
        command, actor=incoming.actor, request=incoming.request_id, dry_run=dry_run
    )


def _account(executed: Executed, *, made: bool = False) -> Answer:
    try:
        body = executor().patiently(
            lambda: account_of(executed.recorded, executed.stripes, executor().store)
        )
    except Busy:
        raise outcome_unknown() from None
    headers = {"ETag": etag(body)}
    if not made:
        return Answer(body, headers=headers)
    location = f"{settings().accounts_url or ''}/ledgers/{body.ledger}/accounts/{body.id}"
    return _made(executed, body, {"Location": location, **headers})


def _transaction(executed: Executed, *, made: bool = False) -> Answer:
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
