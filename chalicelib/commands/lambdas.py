"""The Write API's routes."""

from uuid_utils import uuid7

from chalicelib.commands import account_batch, batch
from chalicelib.commands import refused_codes as codes
from chalicelib.commands.account_requests import (
    AccountBatchRequest,
    ChangeAccountRequest,
    CloseAccountRequest,
    DirectionsRequest,
    OpenAccountRequest,
)
from chalicelib.commands.executor import (
    Executed,
    executor,
)
from chalicelib.commands.idempotency import HEADER, id_of, key_of
from chalicelib.commands.responses import account_reply, transaction_of, transaction_reply
from chalicelib.commands.routing import Command
from chalicelib.commands.transaction_requests import (
    BatchRequest,
    NewTransactionRequest,
    PostHoldRequest,
    ReverseTransactionRequest,
    VoidHoldRequest,
)
from chalicelib.http.bodies import AccountBody, TransactionBody
from chalicelib.http.door import Answer, Door
from chalicelib.http.incoming import Incoming

write = Door(__name__)


@write.post(
    "/ledgers/{ledger}/accounts",
    takes=OpenAccountRequest,
    params=("Idempotency-Key",),
    gives=AccountBody,
    answers_with=("Location", "ETag", "Idempotency-Replayed"),
    made=True,
    refuses=(*codes.OF_CONTENT, "invalid_amount", "account_exists", "balance_limit_exceeded"),
)
def open_account(incoming: Incoming) -> Answer:
    """Opens an account: 201, or 200 when it is open already with this content."""
    incoming.only()
    request, ledger = incoming.body(OpenAccountRequest), incoming.path["ledger"]
    new_id = (_key(incoming) or _new_id()) if request.id is None else request.id
    executed = _execute(incoming, request.command(ledger, new_id=new_id))
    return account_reply(executed, executor(), made=True)


@write.post(
    "/ledgers/{ledger}/accounts/batch",
    takes=AccountBatchRequest,
    params=("Idempotency-Key",),
    gives=account_batch.AccountResultsBody,
    answers_with=("Retry-After",),
    refuses=(*codes.OF_BODY, "batch_too_large"),
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
    refuses=codes.OF_CHANGE,
)
def change_account(incoming: Incoming) -> Answer:
    """Changes an account's limits or metadata."""
    incoming.only()
    request = incoming.body(ChangeAccountRequest)
    command = request.command(**incoming.path, if_version=incoming.version_matched())
    return account_reply(_execute(incoming, command), executor())


@write.post(
    "/ledgers/{ledger}/accounts/{account}/freeze",
    takes=DirectionsRequest,
    gives=AccountBody,
    answers_with=("ETag",),
    refuses=(*codes.OF_ACCOUNT, "account_closed"),
)
def freeze_account(incoming: Incoming) -> Answer:
    """Lets an account refuse entries of one direction, or of both."""
    incoming.only()
    request = incoming.body_or_nothing(DirectionsRequest)
    return account_reply(_execute(incoming, request.freeze(**incoming.path)), executor())


@write.post(
    "/ledgers/{ledger}/accounts/{account}/unfreeze",
    takes=DirectionsRequest,
    gives=AccountBody,
    answers_with=("ETag",),
    refuses=(*codes.OF_ACCOUNT, "account_closed"),
)
def unfreeze_account(incoming: Incoming) -> Answer:
    """Lets an account take entries of one direction, or of both, again."""
    incoming.only()
    request = incoming.body_or_nothing(DirectionsRequest)
    return account_reply(_execute(incoming, request.unfreeze(**incoming.path)), executor())


@write.post(
    "/ledgers/{ledger}/accounts/{account}/close",
    takes=CloseAccountRequest,
    gives=AccountBody,
    answers_with=("ETag",),
    refuses=(*codes.OF_ACCOUNT, "account_not_empty"),
)
def close_account(incoming: Incoming) -> Answer:
    """Closes an account that is empty."""
    incoming.only()
    request = incoming.body_or_nothing(CloseAccountRequest)
    return account_reply(_execute(incoming, request.command(**incoming.path)), executor())


@write.post(
    "/ledgers/{ledger}/transactions",
    takes=NewTransactionRequest,
    params=("dry_run", "Idempotency-Key"),
    gives=TransactionBody,
    answers_with=("Location", "Idempotency-Replayed"),
    made=True,
    refuses=codes.OF_NEW,
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
    return transaction_reply(executed, made=True)


@write.post(
    "/ledgers/{ledger}/transactions/batch",
    takes=BatchRequest,
    params=("Idempotency-Key",),
    gives=batch.ResultsBody,
    answers_with=("Retry-After",),
    refuses=(*codes.OF_CONTENT, "batch_too_large"),
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
    refuses=(*codes.OF_HOLD, "invalid_amount", "exceeds_pending_amount"),
)
def post_hold(incoming: Incoming) -> Answer:
    """Posts a pending transaction, wholly or in part."""
    incoming.only()
    request = incoming.body_or_nothing(PostHoldRequest)
    command = request.command(**incoming.path, key=_key(incoming))
    return transaction_reply(_execute(incoming, command))


@write.post(
    "/ledgers/{ledger}/transactions/{transaction}/void",
    takes=VoidHoldRequest,
    params=("Idempotency-Key",),
    gives=TransactionBody,
    answers_with=("Idempotency-Replayed",),
    refuses=codes.OF_HOLD,
)
def void_hold(incoming: Incoming) -> Answer:
    """Voids a pending transaction."""
    incoming.only()
    request = incoming.body_or_nothing(VoidHoldRequest)
    command = request.command(**incoming.path, key=_key(incoming))
    return transaction_reply(_execute(incoming, command))


@write.post(
    "/ledgers/{ledger}/transactions/{transaction}/reverse",
    takes=ReverseTransactionRequest,
    params=("Idempotency-Key",),
    gives=TransactionBody,
    answers_with=("Location", "Idempotency-Replayed"),
    made=True,
    refuses=codes.OF_REVERSAL,
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
    return transaction_reply(_execute(incoming, command), made=True)


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
