"""What DynamoDB says when it cannot: which of it is a lost race, which a plea for a moment."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from pynamodb.exceptions import PutError, TransactWriteError

from chalicelib.events.dynamodb import DynamoStore, to_item
from chalicelib.events.store import Append, Busy, Conflict, Unanswered
from chalicelib.ledger.aggregates import account_stream
from chalicelib.transport.calls import Calls
from chalicelib.transport.http import Http
from tests.events.recordings import OPENED, append_of, entered, recorded, streams_of

pytestmark = pytest.mark.usefixtures("moto")

Answering = Callable[..., None]


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answering:
    """Makes DynamoDB answer an operation with an error, and a cancelled transaction's reasons."""

    def answer(operation: str, code: str, *reasons: str) -> None:
        real = vars(Calls)["__call__"]

        def call(client: Any, name: str, arguments: Any) -> Any:
            if name != operation:
                return real(client, name, arguments)
            response: dict[str, Any] = {"Error": {"Code": code, "Message": "not now"}}
            if reasons:
                response["CancellationReasons"] = [{"Code": reason} for reason in reasons]
            raise ClientError(response, name)  # type: ignore[arg-type]  # A part of a response.

        monkeypatch.setattr(Calls, "__call__", call)

    return answer


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Exception], None]:
    """Makes an operation fail before it has an answer."""

    def fail(operation: str, fault: Exception) -> None:
        real = vars(Calls)["__call__"]

        def call(client: Any, name: str, arguments: Any) -> Any:
            if name == operation:
                raise fault
            return real(client, name, arguments)

        monkeypatch.setattr(Calls, "__call__", call)

    return fail


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


@pytest.mark.parametrize(
    "code", ["TransactionConflictException", "ReplicatedWriteConflictException"]
)
def test_a_single_put_that_meets_a_transaction_under_way_has_lost_a_race(
    answering: Answering, ledger: str, code: str
) -> None:
    answering("PutItem", code)

    with pytest.raises(Conflict) as lost:
        DynamoStore().append(one_event(ledger))

    stream = account_stream(ledger, "cash")
    assert (lost.value.stream, lost.value.lost) == (stream, {stream: None})


@pytest.mark.parametrize(
    "code",
    [
        "TransactionInProgressException",
        "IdempotentParameterMismatchException",
        "InternalServerError",
        "ServiceUnavailable",
    ],
)
def test_an_append_that_may_have_been_done_says_that_nobody_knows(
    answering: Answering, ledger: str, code: str
) -> None:
    answering("PutItem", code)
    with pytest.raises(Unanswered, match=code):
        DynamoStore().append(one_event(ledger))

    answering("TransactWriteItems", code)
    with pytest.raises(Unanswered, match=code):
        DynamoStore().append(*three_streams(ledger))


@pytest.mark.parametrize("operation", ["PutItem", "TransactWriteItems"])
@pytest.mark.parametrize(
    ("fault", "meaning"),
    [
        (ReadTimeoutError(endpoint_url="http://there"), Unanswered),
        (ConnectionClosedError(endpoint_url="http://there"), Unanswered),
        (ResponseParserError("no JSON"), Unanswered),
        (ConnectTimeoutError(endpoint_url="http://there"), Busy),
        (EndpointConnectionError(endpoint_url="http://there"), Busy),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, Exception) else "",
)
def test_what_was_sent_and_not_answered_is_unknown_and_what_was_never_sent_is_not_written(
    failing: Callable[[str, Exception], None],
    ledger: str,
    operation: str,
    fault: Exception,
    meaning: type[Exception],
) -> None:
    appends = {"PutItem": [one_event(ledger)], "TransactWriteItems": three_streams(ledger)}
    failing(operation, fault)

    with pytest.raises(meaning):
        DynamoStore().append(*appends[operation])


def test_an_append_is_found_to_be_there_beside_another_transaction_under_way(
    ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    appends = three_streams(ledger)
    DynamoStore().append(*appends)
    raw = [to_item(event).serialize() for append in appends for event in append.events]
    reasons: list[dict[str, Any]] = [
        {"Code": "ConditionalCheckFailed", "Item": item} for item in raw
    ]
    reasons[3] = {"Code": "TransactionConflict"}
    response = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}

    def call(_: Any, name: str, __: Any) -> Any:
        raise ClientError(response, name)  # type: ignore[arg-type]  # A part of a response.

    monkeypatch.setattr(Calls, "__call__", call)

    DynamoStore().append(*appends)


@pytest.mark.parametrize(("fault", "queries"), [(ConnectionClosedError, 4), (ReadTimeoutError, 1)])
def test_an_append_is_not_sent_again_by_itself_and_a_read_is_unless_it_hangs(
    ledger: str,
    monkeypatch: pytest.MonkeyPatch,
    fault: type[ConnectionClosedError | ReadTimeoutError],
    queries: int,
) -> None:
    sent: list[str] = []

    def send(_: Any, request: Any) -> Any:
        sent.append(request.headers["X-Amz-Target"].rpartition(".")[2])
        raise fault(endpoint_url=request.url)

    monkeypatch.setattr(Http, "send", send)
    monkeypatch.setattr("chalicelib.transport.calls.time.sleep", lambda _: None)
    with monkeypatch.context() as without_moto:
        without_moto.setattr("moto.core.models.botocore_stubber.enabled", False)
        with pytest.raises(Unanswered):
            DynamoStore().append(one_event(ledger))
        with pytest.raises(Unanswered):
            DynamoStore().append(*three_streams(ledger))
        with pytest.raises(Busy):
            DynamoStore().snapshot([(account_stream(ledger, "cash"), 1)])
        with pytest.raises(Busy):
            DynamoStore().load([account_stream(ledger, "cash")])
        with pytest.raises(Busy):
            DynamoStore().read(account_stream(ledger, "cash"), 1)

    assert Counter(sent) == {
        "PutItem": 1,
        "TransactWriteItems": 1,
        "TransactGetItems": 1,
        "Query": queries,
        "GetItem": queries,
    }


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError"])
def test_a_snapshot_of_what_is_being_written_is_to_be_asked_for_again(
    answering: Answering, ledger: str, reason: str
) -> None:
    answering("TransactGetItems", "TransactionCanceledException", "None", reason)

    with pytest.raises(Busy, match=reason):
        DynamoStore().snapshot([(stream, 1) for stream in streams_of(ledger, 2)])


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
