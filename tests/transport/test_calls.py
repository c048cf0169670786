"""Calls beside those of botocore's own client: the same requests, results, errors and retries."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import tables
from chalicelib.local.environment import streams_client
from chalicelib.tables import in_time, sent_once
from chalicelib.transport.calls import Calls, shorten
from chalicelib.transport.http import Http
from tests import engines
from tests.transport.host import Host, error, hangs_up, hosted, response

QUERY = {"TableName": "t", "KeyConditionExpression": "k = :k"}
PUT = {"TableName": "t", "Item": {"k": {"S": "é"}, "b": {"B": b"\x00\xff"}}}
WRITES = {"TransactItems": [{"Put": PUT}]}
WRONG = response(checked=False, x_amz_crc32="1")
ABSENT = EndpointConnectionError(endpoint_url="a test")
TIMED_OUT = ReadTimeoutError(endpoint_url="a test")


@pytest.fixture(scope="module")
def connected() -> Iterator[tuple[Host, Any]]:
    """A host, and the client of the tables."""
    with hosted() as host, engines.connected(host.url):
        yield host, tables.connection().client


@pytest.fixture
def host(connected: tuple[Host, Any]) -> Host:
    """A host that was not asked yet."""
    host, _ = connected
    host.answers, host.requests = [], []
    return host


@pytest.fixture
def client(connected: tuple[Host, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client of the tables, which does not wait between attempts."""
    monkeypatch.setattr("chalicelib.transport.calls.time.sleep", lambda _: None)
    return connected[1]


@contextmanager
def hooked(client: Any, hook: Callable[..., Any]) -> Iterator[None]:
    """Calls a hook before each attempt inside the block."""
    client.meta.events.register("before-send.dynamodb", hook)
    try:
        yield
    finally:
        client.meta.events.unregister("before-send.dynamodb", hook)


@contextmanager
def scripted(host: Host, client: Any, *answers: Any) -> Iterator[list[Any]]:
    """Determines what comes of each attempt inside the block; those that are still to come."""
    host.answers = [answer for answer in answers if not isinstance(answer, Exception)]
    coming = list(answers)

    def attempt(**_: Any) -> None:
        answer = coming.pop(0)
        if isinstance(answer, Exception):
            raise answer

    with hooked(client, attempt):
        yield coming


def plain(url: str) -> Any:
    """A client of botocore's own."""
    config = Config(
        parameter_validation=False, retries={"mode": "standard", "total_max_attempts": 1}
    )
    return botocore.session.get_session().create_client(
        "dynamodb", region_name="us-east-1", endpoint_url=url, config=config
    )


def attributes() -> st.SearchStrategy[Any]:
    """Attribute values, as botocore has them."""
    leaves = st.one_of(
        st.builds(lambda text: {"S": text}, st.text(st.characters(codec="utf-8"))),
        st.builds(lambda number: {"N": str(number)}, st.integers()),
        st.builds(lambda data: {"B": data}, st.binary()),
        st.builds(lambda flag: {"BOOL": flag}, st.booleans()),
        st.just({"NULL": True}),
        st.builds(lambda found: {"SS": found}, st.lists(st.text(st.characters(codec="utf-8")))),
        st.builds(lambda found: {"BS": found}, st.lists(st.binary())),
    )
    names = st.sampled_from(["B", "BS", "S", "M", "L", "k"])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda found: {"L": found}, st.lists(inner, max_size=3)),
            st.builds(lambda found: {"M": found}, st.dictionaries(names, inner, max_size=3)),
        ),
        max_leaves=8,
    )


def items() -> st.SearchStrategy[Any]:
    """Items whose attributes have the names of types, too."""
    return st.dictionaries(st.sampled_from(["B", "BS", "M", "k"]), attributes(), max_size=4)


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Host, Any, Any]]:
    """A host, a client of botocore's own, and one that is shortened."""
    with hosted() as host:
        theirs, ours = plain(host.url), plain(host.url)
        shorten(ours)
        yield host, theirs, ours


@given(item=items())
def test_a_request_and_a_result_are_those_of_botocore(
    both: tuple[Host, Any, Any], item: dict[str, Any]
) -> None:
    host, theirs, ours = both
    host.requests.clear()
    for client in (theirs, ours):
        client.put_item(TableName="t", Item=item)
    [(their_headers, their_body), (our_headers, our_body)] = host.requests
    assert json.loads(our_body) == json.loads(their_body)
    for name in ("Host", "X-Amz-Target", "Content-Type"):
        assert our_headers.get(name) == their_headers.get(name)

    # The same item, as DynamoDB would return it in each place.
    raw = json.loads(our_body)["Item"]
    for call, reply in _replies(raw):
        host.answers = [response(json.dumps(reply).encode(), x_amzn_RequestId="r")] * 2
        assert _result(call(ours)) == _result(call(theirs))


def _replies(raw: Any) -> list[tuple[Callable[[Any], Any], Any]]:
    consumed = {"TableName": "t", "CapacityUnits": 1.5}
    return [
        (
            lambda client: client.query(**QUERY),
            {
                "Items": [raw, raw],
                "Count": 2,
                "LastEvaluatedKey": raw,
                "ConsumedCapacity": consumed,
            },
        ),
        (lambda client: client.get_item(TableName="t", Key={}), {"Item": raw}),
        (
            lambda client: client.batch_get_item(RequestItems={}),
            {
                "Responses": {"ttt": [raw], "BBB": []},
                "UnprocessedKeys": {
                    "ttt": {"Keys": [raw], "ExpressionAttributeNames": {"#B": "B"}}
                },
            },
        ),
        (
            lambda client: client.transact_get_items(TransactItems=[]),
            {"Responses": [{"Item": raw}, {}], "ConsumedCapacity": [consumed]},
        ),
        (
            lambda client: client.batch_write_item(RequestItems={}),
            {"UnprocessedItems": {"ttt": [{"PutRequest": {"Item": raw}}]}},
        ),
        (
            lambda client: client.batch_execute_statement(Statements=[]),
            {"Responses": [{"TableName": "t", "Item": raw}, {"Error": {"Code": "x", "Item": raw}}]},
        ),
    ]


def _result(result: dict[str, Any]) -> Any:
    metadata = result.pop("ResponseMetadata")
    metadata.pop("MaxAttemptsReached", None)  # A client without retries says so of all results.
    headers = {name.lower(): value for name, value in metadata.pop("HTTPHeaders").items()}
    return result, metadata, headers


REASONS = (
    b'{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"why",'
    b'"CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed","Message":"m",'
    b'"Item":{"b":{"B":"AP8="},"n":{"N":"1"}}}]}'
)


@pytest.mark.parametrize(
    "answer",
    [
        error("ConditionalCheckFailedException"),
        error("TransactionConflictException"),
        error("ResourceNotFoundException", x_amzn_RequestId="r"),
        error("ValidationException"),
        error("NeverHeardOfException"),
        response(REASONS, "400 Bad Request"),
        response(b"{}", "413 Too Large"),
        response(b"", "404 Not Found"),
        response(b"<html>", "502 Bad Gateway"),
    ],
)
def test_an_error_is_that_of_botocore(both: tuple[Host, Any, Any], answer: bytes) -> None:
    host, theirs, ours = both
    host.answers = [answer] * 2

    def failure(client: Any) -> Any:
        with pytest.raises((ClientError, ResponseParserError)) as caught:
            client.put_item(**PUT)
        found = caught.value
        if not isinstance(found, ClientError):
            return type(found)
        response: Any = dict(found.response)
        return type(found).__name__, found.operation_name, str(found), _result(response)

    assert failure(ours) == failure(theirs)


@pytest.mark.parametrize(
    "failed",
    [
        hangs_up,
        TIMED_OUT,
        ABSENT,
        WRONG,
        error("ProvisionedThroughputExceededException"),
        error("ThrottlingException"),
        error("RequestLimitExceeded"),
        error("InternalServerError", "500 Internal Server Error"),
        error("ServiceUnavailable", "503 Service Unavailable"),
        error("TransactionInProgressException"),
    ],
)
def test_a_failure_that_may_pass_is_tried_again_with_the_same_request(
    host: Host, client: Any, failed: Any
) -> None:
    with scripted(host, client, failed, failed, response(b'{"Count":7}')) as coming:
        result = client.transact_write_items(**WRITES)

    assert result["Count"] == 7
    assert result["ResponseMetadata"]["RetryAttempts"] == 2
    assert not coming
    [body] = {body for _, body in host.requests}
    assert json.loads(body)["ClientRequestToken"]


def test_the_attempts_are_as_many_as_before(host: Host, client: Any) -> None:
    host.answers = [error("ThrottlingException")] * 9

    with pytest.raises(ClientError, match="ThrottlingException"):
        client.query(**QUERY)

    assert len(host.requests) == 4


@pytest.mark.parametrize(
    ("failed", "raised"),
    [
        (hangs_up, ConnectionClosedError),
        (TIMED_OUT, ReadTimeoutError),
        (WRONG, ResponseParserError),
        (response(b"<html>"), ResponseParserError),
        (response(b"[]"), ResponseParserError),
        (response(b'{"Item":{"b":{"B":"="}}}'), ResponseParserError),
        (error("ThrottlingException"), ClientError),
    ],
)
def test_what_is_sent_once_is_sent_once(
    host: Host, client: Any, failed: Any, raised: type[Exception]
) -> None:
    with (
        scripted(host, client, failed, failed) as coming,
        sent_once(),
        pytest.raises(raised),
    ):
        client.put_item(**PUT)

    assert len(coming) == 1


def test_what_has_to_be_in_time_is_not_tried_again_after_a_time_out(
    host: Host, client: Any
) -> None:
    throttled = error("ThrottlingException")

    with (
        scripted(host, client, throttled, TIMED_OUT, TIMED_OUT) as coming,
        in_time(),
        pytest.raises(ReadTimeoutError),
    ):
        client.query(**QUERY)

    assert len(coming) == 1


def test_a_wrong_checksum_is_never_a_result(host: Host, client: Any) -> None:
    host.answers = [WRONG] * 9

    with pytest.raises(ResponseParserError, match="checksum"):
        client.query(**QUERY)

    assert len(host.requests) == 4


def test_a_token_of_the_caller_is_kept(host: Host, client: Any) -> None:
    client.transact_write_items(**WRITES, ClientRequestToken="mine")

    assert json.loads(host.requests[0][1])["ClientRequestToken"] == "mine"
    assert "ClientRequestToken" not in WRITES


@pytest.mark.parametrize("code", ["InvalidSignatureException", "RequestTimeTooSkewed"])
def test_a_clock_that_is_wrong_is_corrected_once(host: Host, client: Any, code: str) -> None:
    client._make_api_call._signer._skew = 0.0
    refused = error(code, Date="Mon, 01 Jan 2001 00:00:00 GMT")
    host.answers = [refused, response(b'{"Count":7}'), refused]

    with sent_once():
        assert client.query(**QUERY)["Count"] == 7
        with pytest.raises(ClientError, match=code):
            client.query(**QUERY)

    days = [headers["X-Amz-Date"][:8] for headers, _ in host.requests]
    assert days[1:] == ["20010101", "20010101"]
    assert days[0] > "20260101"


def test_other_operations_are_left_to_botocore(host: Host, client: Any) -> None:
    host.answers = [response(b'{"TableNames":["t"]}')]

    assert client.list_tables()["TableNames"] == ["t"]
    assert "amz-sdk-invocation-id" in host.requests[0][0]


def test_an_answer_of_a_hook_takes_the_place_of_a_request(host: Host, client: Any) -> None:
    def answer(request: Any, **_: Any) -> Any:
        assert request.headers["X-Amz-Target"].endswith(".Query")
        return ours.http.send(request)

    ours: Calls = client._make_api_call
    host.answers = [response(b'{"Count":7}')]

    with hooked(client, answer):
        assert client.query(**QUERY)["Count"] == 7
    assert len(host.requests) == 1


def test_botocores_session_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://dynamodb.eu-west-1.amazonaws.com"
    assert isinstance(Calls(plain(url)).http, Http)

    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert isinstance(Calls(plain(url)).http, URLLib3Session)
    monkeypatch.setenv("NO_PROXY", ".amazonaws.com")
    assert isinstance(Calls(plain(url)).http, Http)


@pytest.mark.usefixtures("client")
def test_a_record_of_a_stream_has_binary_attributes_as_a_lambda_is_sent_them(host: Host) -> None:
    image = {"k": {"S": "é"}, "b": {"B": "AP8="}}
    host.answers = [response(json.dumps({"Records": [{"dynamodb": {"NewImage": image}}]}).encode())]

    page = streams_client().get_records(ShardIterator="next")

    assert page["Records"][0]["dynamodb"]["NewImage"] == image
