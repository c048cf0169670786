"""The routes of the Write API."""

from typing import Annotated

from uuid_utils import uuid7

from chalicelib.commands import account_batch, batch
from chalicelib.commands.account_requests import (
    AccountBatchRequest,
    ChangeAccountRequest,
    CloseAccountRequest,
    DirectionsRequest,
    OpenAccountRequest,
    account_response,
)
from chalicelib.commands.batched import Sender, batch_response
from chalicelib.commands.execution import Executed
from chalicelib.commands.executor import executor
from chalicelib.commands.request_fields import KEY_HEADER, IdempotencyKey, IdOfKey, id_of, key_of
from chalicelib.commands.routing import Command
from chalicelib.commands.transaction_requests import (
    BatchRequest,
    NewTransactionRequest,
    PostHoldRequest,
    ReverseTransactionRequest,
    VoidHoldRequest,
    transaction_response,
)
from chalicelib.http.bodies import AccountBody, TransactionBody
from chalicelib.http.headers import IfMatch
from chalicelib.http.request import Request
from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.http.signature import Header

routes = Router(__name__)

WRITE_ERRORS = ("contention", "not_attempted", "outcome_unknown")
"""The codes of any write that is not a batch; then those that kinds of routes have in common."""
ACCOUNT_ERRORS = (*WRITE_ERRORS, "account_not_found")
ENTRY_ERRORS = (
    *ACCOUNT_ERRORS,
    "insufficient_funds",
    "balance_limit_exceeded",
    "account_frozen",
    "account_closed",
    "idempotency_key_reused",
)
HOLD_ERRORS = (
    *WRITE_ERRORS,
    "transaction_not_found",
    "transaction_not_pending",
    "idempotency_key_reused",
)


@routes.post(
    "/ledgers/{ledger}/accounts",
    created=True,
    errors=(*WRITE_ERRORS, "invalid_amount", "account_exists", "balance_limit_exceeded"),
    response_headers=("Location", "ETag", "Idempotency-Replayed"),
)
def open_account(
    request: Request,
    ledger: str,
    body: OpenAccountRequest,
    key: Annotated[str | None, Header(KEY_HEADER)] = None,
) -> Response[AccountBody]:
    """Opens an account: 201, or 200 when it is open already with this content."""
    # The key counts, and is checked, only where the body has no id.
    new_id = id_of(key_of(key)) if key is not None and body.id is None else str(uuid7())
    executed = _execute(request, body.command(ledger, new_id=new_id))
    return account_response(executed, executor(), created=True)


@routes.post(
    "/ledgers/{ledger}/accounts/batch",
    errors=("batch_too_large",),
    response_headers=("Retry-After",),
)
def open_accounts(
    request: Request, ledger: str, body: AccountBatchRequest, key: IdempotencyKey = None
) -> Response[account_batch.AccountResultsBody]:
    """Opens several accounts, each on its own."""
    return batch_response(account_batch.run(body, _sender(request, ledger, key)))


@routes.patch(
    "/ledgers/{ledger}/accounts/{account}",
    errors=(
        *ACCOUNT_ERRORS,
        "invalid_amount",
        "version_conflict",
        "account_closed",
        "balance_limit_exceeded",
    ),
    response_headers=("ETag",),
)
def change_account(
    request: Request,
    ledger: str,
    account: str,
    body: ChangeAccountRequest,
    if_version: IfMatch = None,
) -> Response[AccountBody]:
    """Changes an account's limits or metadata."""
    command = body.command(ledger, account, if_version=if_version)
    return account_response(_execute(request, command), executor())


@routes.post(
    "/ledgers/{ledger}/accounts/{account}/freeze",
    errors=(*ACCOUNT_ERRORS, "account_closed"),
    response_headers=("ETag",),
)
def freeze_account(
    request: Request, ledger: str, account: str, body: DirectionsRequest = DirectionsRequest()
) -> Response[AccountBody]:
    """Lets an account refuse entries of one direction, or of both."""
    return account_response(_execute(request, body.freeze(ledger, account)), executor())


@routes.post(
    "/ledgers/{ledger}/accounts/{account}/unfreeze",
    errors=(*ACCOUNT_ERRORS, "account_closed"),
    response_headers=("ETag",),
)
def unfreeze_account(
    request: Request, ledger: str, account: str, body: DirectionsRequest = DirectionsRequest()
) -> Response[AccountBody]:
    """Lets an account take entries of one direction, or of both, again."""
    return account_response(_execute(request, body.unfreeze(ledger, account)), executor())


@routes.post(
    "/ledgers/{ledger}/accounts/{account}/close",
    errors=(*ACCOUNT_ERRORS, "account_not_empty"),
    response_headers=("ETag",),
)
def close_account(
    request: Request, ledger: str, account: str, body: CloseAccountRequest = CloseAccountRequest()
) -> Response[AccountBody]:
    """Closes an account that is empty."""
    return account_response(_execute(request, body.command(ledger, account)), executor())


@routes.post(
    "/ledgers/{ledger}/transactions",
    created=True,
    errors=(
        *ENTRY_ERRORS,
        "invalid_amount",
        "too_many_entries",
        "unbalanced_transaction",
        "asset_mismatch",
    ),
    response_headers=("Location", "Idempotency-Replayed"),
)
def post_transaction(
    request: Request,
    ledger: str,
    body: NewTransactionRequest,
    dry_run: bool = False,
    key: IdOfKey = None,
) -> Response[TransactionBody]:
    """Posts a transaction, or makes a pending one: 201, or 200 with the first answer when its id
    was used for it before.
    """
    command = body.command(ledger, key=key, new_id=str(uuid7()))
    executed = _execute(request, command, dry_run=dry_run)
    return transaction_response(executed, created=True, dry_run=dry_run)


@routes.post(
    "/ledgers/{ledger}/transactions/batch",
    errors=(*WRITE_ERRORS, "batch_too_large"),
    response_headers=("Retry-After",),
)
def post_batch(
    request: Request, ledger: str, body: BatchRequest, key: IdempotencyKey = None
) -> Response[batch.ResultsBody]:
    """Makes several transactions, all or none or each on its own."""
    return batch_response(batch.run(body, _sender(request, ledger, key)))


@routes.post(
    "/ledgers/{ledger}/transactions/{transaction}/post",
    errors=(*HOLD_ERRORS, "invalid_amount", "exceeds_pending_amount"),
    response_headers=("Idempotency-Replayed",),
)
def post_hold(
    request: Request,
    ledger: str,
    transaction: str,
    body: PostHoldRequest = PostHoldRequest(),
    key: IdOfKey = None,
) -> Response[TransactionBody]:
    """Posts a pending transaction, wholly or in part."""
    return transaction_response(_execute(request, body.command(ledger, transaction, key=key)))


@routes.post(
    "/ledgers/{ledger}/transactions/{transaction}/void",
    errors=HOLD_ERRORS,
    response_headers=("Idempotency-Replayed",),
)
def void_hold(
    request: Request,
    ledger: str,
    transaction: str,
    body: VoidHoldRequest = VoidHoldRequest(),
    key: IdOfKey = None,
) -> Response[TransactionBody]:
    """Voids a pending transaction."""
    return transaction_response(_execute(request, body.command(ledger, transaction, key=key)))


@routes.post(
    "/ledgers/{ledger}/transactions/{transaction}/reverse",
    created=True,
    errors=(*ENTRY_ERRORS, "transaction_not_found", "transaction_not_posted", "already_reversed"),
    response_headers=("Location", "Idempotency-Replayed"),
)
def reverse_transaction(
    request: Request,
    ledger: str,
    transaction: str,
    body: ReverseTransactionRequest = ReverseTransactionRequest(),
    key: IdOfKey = None,
) -> Response[TransactionBody]:
    """Undoes a posted transaction by a new one."""
    command = body.command(ledger, transaction, key=key, new_id=str(uuid7()))
    return transaction_response(_execute(request, command), created=True)


def _sender(request: Request, ledger: str, key: str | None) -> Sender:
    return Sender(
        executor(), ledger, request.caller.actor, request.request_id, key, executor().new_id
    )


def _execute(request: Request, command: Command, *, dry_run: bool = False) -> Executed:
    return executor().execute(
        command, actor=request.caller.actor, request=request.request_id, dry_run=dry_run
    )
