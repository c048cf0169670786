"""The Write API's routes."""

from uuid_utils import uuid7

from chalicelib.commands.execute import Executed, executor
from chalicelib.commands.requests import OpenAccountRequest, PostTransactionRequest
from chalicelib.domain.transaction import TransactionPosted
from chalicelib.http.bodies import account_body, transaction_body
from chalicelib.http.door import Answer, Door, Incoming
from chalicelib.http.problems import invalid

write = Door(__name__)


@write.post("/ledgers/{ledger}/accounts")
def open_account(incoming: Incoming) -> Answer:
    """Opens an account: 201, or 200 when it is open already with this content."""
    incoming.only()
    ledger = incoming.path["ledger"]
    command = incoming.body(OpenAccountRequest).command(ledger, new_id=str(uuid7()))
    executed = executor().execute(command, actor=incoming.actor)
    recorded = executed.recorded
    body = account_body(
        ledger, command.account, recorded.account, command.metadata, recorded.recorded_at
    )
    return _written(executed, body, f"/ledgers/{ledger}/accounts/{command.account}")


@write.post("/ledgers/{ledger}/transactions")
def post_transaction(incoming: Incoming) -> Answer:
    """Posts a transaction: 201, or 200 with the first answer when its id was used for it before."""
    incoming.only("dry_run")
    ledger, dry_run = incoming.path["ledger"], incoming.flag("dry_run")
    request = incoming.body(PostTransactionRequest)
    key = incoming.header("Idempotency-Key")
    if key is not None and request.id not in (None, key):
        raise invalid("id", "differs from the Idempotency-Key header")
    command = request.command(ledger, new_id=str(uuid7()) if key is None else key)
    executed = executor().execute(command, actor=incoming.actor, dry_run=dry_run)
    recorded = executed.recorded
    assert isinstance(recorded.event, TransactionPosted)
    body = transaction_body(
        ledger,
        command.transaction,
        recorded.event,
        recorded.version,
        recorded.recorded_at,
        dry_run=dry_run,
    )
    if dry_run:
        return Answer(body)
    return _written(executed, body, f"/ledgers/{ledger}/transactions/{command.transaction}")


def _written(executed: Executed, body: object, location: str) -> Answer:
    if executed.replayed:
        return Answer(body, headers={"Location": location, "Idempotency-Replayed": "true"})
    return Answer(body, status=201, headers={"Location": location})
