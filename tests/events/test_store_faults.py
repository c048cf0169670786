"""What DynamoDB says when it cannot: which of it is a lost race, which a plea for a moment."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from pynamodb.exceptions import PutError, TransactWriteError

from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import account_stream
from chalicelib.events.store import Append, Busy, Conflict
from tests.events.recordings import OPENED, append_of, entered, recorded, streams_of

pytestmark = pytest.mark.usefixtures("moto")

Answering = Callable[..., None]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answering:
    """Makes DynamoDB answer an operation with an error, and a cancelled transaction's reasons."""

    def answer(operation: str, code: str, *reasons: str) -> None:
        real = vars(BaseClient)["_make_api_call"]

        def call(client: Any, name: str, arguments: Any) -> Any:
            if name != operation:
                return real(client, name, arguments)
            response: dict[str, Any] = {"Error": {"Code": code, "Message": "not now"}}
            if reasons:
                response["CancellationReasons"] = [{"Code": reason} for reason in reasons]
            raise ClientError(response, name)  # type: ignore[arg-type]  # A part of a response.

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    return answer


def one_event(ledger: str) -> Append:
    """An append that is a single put."""
    return append_of(recorded(account_stream(ledger, "cash"), OPENED))


def three_streams(ledger: str) -> list[Append]:
    """An append that is a transaction of six puts."""
    return [append_of(recorded(each, OPENED, entered())) for each in streams_of(ledger, 3)]


@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"],
)
def test_a_throttled_append_says_that_the_store_is_busy(
    answering: Answering, ledger: str, code: str
) -> None:
    answering("PutItem", code)
    with pytest.raises(Busy, match=code):
        DynamoStore().append(one_event(ledger))

    answering("TransactWriteItems", code)
    with pytest.raises(Busy, match=code):
        DynamoStore().append(*three_streams(ledger))


@pytest.mark.parametrize("reason", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_cancelled_by_throttling_says_that_the_store_is_busy(
    answering: Answering, ledger: str, reason: str
) -> None:
    answering(
        "TransactWriteItems",
        "TransactionCanceledException",
        *["None", "None", "None", reason, "None", "None"],
    )

    with pytest.raises(Busy, match=reason):
        DynamoStore().append(*three_streams(ledger))


@pytest.mark.parametrize("reason", ["TransactionConflict", "ConditionalCheckFailed"])
def test_a_race_still_being_run_names_its_stream_even_while_others_are_throttled(
    answering: Answering, ledger: str, reason: str
) -> None:
    answering(
        "TransactWriteItems",
        "TransactionCanceledException",
        *["ThrottlingError", "None", "None", reason, "None", "None"],
    )

    with pytest.raises(Conflict) as lost:
        DynamoStore().append(*three_streams(ledger))

    assert lost.value.stream == streams_of(ledger, 3)[1]


def test_any_other_error_is_passed_on_as_it_is(answering: Answering, ledger: str) -> None:
    answering("PutItem", "ResourceNotFoundException")
    with pytest.raises(PutError, match="not now"):
        DynamoStore().append(one_event(ledger))

    answering("TransactWriteItems", "TransactionCanceledException", *["ValidationError"] * 6)
    with pytest.raises(TransactWriteError):
        DynamoStore().append(*three_streams(ledger))


def test_a_throttled_load_says_that_the_store_is_busy(answering: Answering, ledger: str) -> None:
    answering("Query", "ThrottlingException")

    for count in (1, 3):
        with pytest.raises(Busy, match="ThrottlingException"):
            DynamoStore().load(streams_of(ledger, count))
