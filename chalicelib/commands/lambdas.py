"""The Write API's routes."""

from uuid_utils import uuid7

from chalicelib.commands import batch
from chalicelib.commands.answers import account_of, transaction_of
from chalicelib.commands.deciding import Command
from chalicelib.commands.execute import Executed, executor
from chalicelib.commands.requests import (
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
from chalicelib.http.bodies import etag
from chalicelib.http.door import Answer, Door, Incoming

write = Door(__name__)


@write.post("/ledgers/{ledger}/accounts")
def open_account(incoming: Incoming) -> Answer:
    """Opens an account: 201, or 200 when it is open already with this content."""
    incoming.only()
    request, ledger = incoming.body(OpenAccountRequest), incoming.path["ledger"]
    executed = _execute(incoming, request.command(ledger, new_id=_new_id()))
    return _account(executed, made=True)


@write.patch("/ledgers/{ledger}/accounts/{account}")
def change_account(incoming: Incoming) -> Answer:
    """Changes an account's limits or metadata."""
    incoming.only()
    request = incoming.body(ChangeAccountRequest)
    command = request.command(**incoming.path, if_version=incoming.version_matched())
    return _account(_execute(incoming, command))


@write.post("/ledgers/{ledger}/accounts/{account}/freeze")
def freeze_account(incoming: Incoming) -> Answer:
    """Lets an account refuse entries of one direction, or of both."""
    incoming.only()
    request = incoming.body_or_nothing(DirectionsRequest)
    return _account(_execute(incoming, request.freeze(**incoming.path)))


@write.post("/ledgers/{ledger}/accounts/{account}/unfreeze")
def unfreeze_account(incoming: Incoming) -> Answer:
    """Lets an account take entries of one direction, or of both, again."""
    incoming.only()
    request = incoming.body_or_nothing(DirectionsRequest)
    return _account(_execute(incoming, request.unfreeze(**incoming.path)))


@write.post("/ledgers/{ledger}/accounts/{account}/close")
def close_account(incoming: Incoming) -> Answer:
    """Closes an account that is empty."""
    incoming.only()
    request = incoming.body_or_nothing(CloseAccountRequest)
    return _account(_execute(incoming, request.command(**incoming.path)))


@write.post("/ledgers/{ledger}/transactions")
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


@write.post("/ledgers/{ledger}/transactions/batch")
def post_batch(incoming: Incoming) -> Answer:
    """Makes several transactions, all or none or each on its own."""
    incoming.only()
    results = batch.run(
        incoming.body(BatchRequest),
        incoming.path["ledger"],
        key=_key(incoming),
        new_id=_new_id,
        executor=executor(),
        actor=incoming.actor,
        request_id=incoming.request_id,
    )
    return Answer(results)


@write.post("/ledgers/{ledger}/transactions/{transaction}/post")
def post_hold(incoming: Incoming) -> Answer:
    """Posts a pending transaction, wholly or in part."""
    incoming.only()
    request = incoming.body_or_nothing(PostHoldRequest)
    command = request.command(**incoming.path, key=_key(incoming))
    return _transaction(_execute(incoming, command))


@write.post("/ledgers/{ledger}/transactions/{transaction}/void")
def void_hold(incoming: Incoming) -> Answer:
    """Voids a pending transaction."""
    incoming.only()
    request = incoming.body_or_nothing(VoidHoldRequest)
    command = request.command(**incoming.path, key=_key(incoming))
    return _transaction(_execute(incoming, command))


@write.post("/ledgers/{ledger}/transactions/{transaction}/reverse")
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
    return incoming.header("Idempotency-Key")


def _execute(incoming: Incoming, command: Command, *, dry_run: bool = False) -> Executed:
    return executor().execute(
        command, actor=incoming.actor, request=incoming.request_id, dry_run=dry_run
    )


def _account(executed: Executed, *, made: bool = False) -> Answer:
    body = account_of(executed.recorded, executor().store)
    path = f"/ledgers/{body.ledger}/accounts/{body.id}"
    headers = {"ETag": etag(body.version)}
    if not made:
        return Answer(body, headers=headers)
    return _made(executed, body, {"Location": path, **headers})


def _transaction(executed: Executed, *, made: bool = False) -> Answer:
    body = transaction_of(executed.recorded)
    path = f"/ledgers/{body.ledger}/transactions/{body.id}"
    if made:
        return _made(executed, body, {"Location": path})
    return Answer(body, headers=_replay(executed))


def _made(executed: Executed, body: object, headers: dict[str, str]) -> Answer:
    status = 200 if executed.replayed else 201
    return Answer(body, status=status, headers={**headers, **_replay(executed)})


def _replay(executed: Executed) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if executed.replayed else {}
