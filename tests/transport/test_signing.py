"""Signatures, judged by botocore's own signer."""

from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.transport.calls import OPERATIONS
from chalicelib.transport.signing import Signer

NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


@given(
    access=NAMES,
    secret=NAMES,
    token=st.none() | NAMES,
    region=st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1"]),
    host=st.sampled_from(["dynamodb.eu-west-1.amazonaws.com", "127.0.0.1:8000", "localhost"]),
    operation=st.sampled_from(sorted(OPERATIONS)),
    body=st.binary(max_size=300),
    now=st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # Hypothesis adds it.
)
def test_a_signature_is_that_of_botocore(
    access: str,
    secret: str,
    token: str | None,
    region: str,
    host: str,
    operation: str,
    body: bytes,
    now: datetime,
) -> None:
    credentials = Credentials(access, secret, token)
    ours = Signer(credentials, region, host, now.timestamp).headers(
        f"DynamoDB_20120810.{operation}", body
    )
    unsigned = {name: ours[name] for name in ("Content-Type", "X-Amz-Target")}
    theirs = AWSRequest("POST", f"http://{host}/", headers={**unsigned, "Host": host}, data=body)

    with patch("botocore.auth.get_current_datetime", lambda: now.replace(tzinfo=None)):
        SigV4Auth(credentials, "dynamodb", region).add_auth(theirs)

    assert ours == dict(theirs.headers.items())


def test_credentials_that_are_about_to_expire_are_renewed_before_a_request() -> None:
    def renewed() -> dict[str, str]:
        return {
            "access_key": "new",
            "secret_key": "new",
            "token": "new",
            "expiry_time": "2100-01-01T00:00:00Z",
        }

    expired = datetime(2020, 1, 1, tzinfo=UTC)
    credentials = RefreshableCredentials("old", "old", "old", expired, renewed, "test")

    headers = Signer(credentials, "us-east-1", "localhost").headers("x.Query", b"{}")

    assert headers["X-Amz-Security-Token"] == "new"
    assert "Credential=new/" in headers["Authorization"]


def test_a_request_without_credentials_is_not_sent() -> None:
    with pytest.raises(NoCredentialsError):
        Signer(None, "us-east-1", "localhost").headers("x.Query", b"{}")


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 01 Jan 2001 00:03:59 GMT"])
def test_a_clock_that_is_right_or_unknown_is_not_followed(date: str) -> None:
    signer = Signer(Credentials("a", "s"), "us-east-1", "localhost", lambda: 978307200.0)

    assert not signer.correct_clock(date)
    assert signer.headers("x.Query", b"")["X-Amz-Date"] == "20010101T000000Z"


def test_a_clock_that_is_far_from_ours_is_followed_once() -> None:
    signer = Signer(Credentials("a", "s"), "us-east-1", "localhost", lambda: 978307200.0)

    assert signer.correct_clock("Mon, 01 Jan 2001 01:00:00 GMT")
    assert not signer.correct_clock("Mon, 01 Jan 2001 01:00:01 GMT")
    assert signer.headers("x.Query", b"")["X-Amz-Date"] == "20010101T010000Z"
