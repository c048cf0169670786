"""A person's mistake, or an AWS that cannot be used, ends every command in one line."""

import os
import sqlite3
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest
import twofold
import urllib3
from botocore import exceptions as aws
from botocore.exceptions import BotoCoreError, ClientError
from click.testing import Result
from pynamodb.exceptions import ScanError

from chalicelib import tables
from chalicelib.settings import read_again
from ops import demo, packaging
from ops.errors import in_words
from tests.ops.cli.calls import Call, calls, run, without_aws

WITHOUT_AWS = {
    "chaos": "starts an engine of its own",
    "deployer": "writes files of the project",
    "faults": "starts an engine of its own",
    "package": "needs the package index only",
    "policies": "writes files of the project",
    "problems": "writes files of the project",
    "reset": "deletes a folder of this computer",
    "template": "writes a file",
}
"""Commands that neither use AWS nor a server, and why."""

SERVERS = {"demo", "openapi"}
"""Commands that use a running server, given by its address."""

USING_AWS = [each for each in calls() if each.name not in WITHOUT_AWS]


@pytest.fixture
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment of a person who has never used AWS. Nothing waits here."""
    monkeypatch.setattr(packaging, "uncommitted", tuple)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(tables, "_ATTEMPTS", 1)
    monkeypatch.setattr(demo, "Ledger", partial(twofold.Ledger, deadline=0.1))
    with patch.dict(os.environ, without_aws(tmp_path), clear=True):
        read_again()
        tables.disconnect()
        yield
    read_again()
    tables.disconnect()


def one_line(result: Result) -> str:
    """The line of an error. Fails for a traceback, another exit status and further lines."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 1, result.output
    lines = result.output.strip().splitlines()
    assert len(lines) <= 2, result.output
    assert lines[-1].startswith("Error: "), result.output
    assert "Traceback" not in result.output
    return lines[-1]


def words_of(call: Call, folder: Path, *, dead: str) -> list[str]:
    """The command line of a call, which finds its server at an address where there is none."""
    words = call.arguments(folder)
    if call.name in SERVERS:
        return [*words, "--url", dead]
    return words if call.has("environment") else ["--stage", "write", *words]


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("call", USING_AWS, ids=lambda call: call.name)
def test_without_credentials_every_command_says_in_one_line_what_to_do(
    call: Call, tmp_path: Path
) -> None:
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"

    line = one_line(run(words_of(call, tmp_path, dead="http://127.0.0.1:9")))

    assert ("127.0.0.1" if call.name in SERVERS else "no credentials for AWS") in line
    assert call.name in SERVERS or "aws configure" in line


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("call", USING_AWS, ids=lambda call: call.name)
def test_with_a_dead_endpoint_every_command_names_it_in_one_line(
    call: Call, tmp_path: Path
) -> None:
    os.environ.update(
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        AWS_MAX_ATTEMPTS="1",
    )
    assert "127.0.0.1" in one_line(run(words_of(call, tmp_path, dead="http://127.0.0.1:9")))


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--stage", "write", "keys", "list"], "no region for AWS: set AWS_DEFAULT_REGION"),
        (["deploy"], "no region for AWS: set AWS_DEFAULT_REGION"),
        (["--local", "keys", "list"], "no server of this project is running: make run"),
        (["deploy", "--environment", "nowhere"], "describe it in environments/nowhere.json"),
        (["destroy", "--environment", "nowhere"], "there is no environment nowhere"),
        (["package", "--environment", "nowhere", "--out", "x"], "there is no environment nowhere"),
    ],
)
def test_what_is_missing_is_said_in_one_line(words: list[str], what: str) -> None:
    assert what in one_line(run(words))


@pytest.mark.usefixtures("clean")
def test_an_unknown_profile_is_said_in_one_line() -> None:
    os.environ["AWS_PROFILE"] = "nobody"
    assert "profile (nobody) could not be found: set AWS_PROFILE" in one_line(run(["deploy"]))


@pytest.mark.usefixtures("clean")
def test_a_wrong_setting_is_said_in_one_line() -> None:
    os.environ["TWOFOLD_AUTH"] = "yes"
    assert "TWOFOLD_AUTH is keys, iam, cognito or none, not yes" in one_line(run(["audit"]))


def test_an_option_that_comes_before_the_command_is_a_wrong_argument_with_the_remedy() -> None:
    for name in ("--local", "--stage"):
        result = run(["keys", "list", name])

        assert result.exit_code == 2
        assert f"Error: {name} comes before the command: twofold {name} ..." in result.output


def test_an_unknown_stage_is_a_wrong_argument_and_the_stages_are_named() -> None:
    result = run(["--stage", "nowhere", "audit"])

    assert result.exit_code == 2
    assert "there are: write, accounts, journal" in result.output.splitlines()[-1]


def answered(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Scan")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (aws.NoCredentialsError(), "aws configure"),
        (aws.PartialCredentialsError(provider="env", cred_var="x"), "aws configure"),
        (aws.CredentialRetrievalError(provider="process", error_msg="x"), "aws configure"),
        (aws.TokenRetrievalError(provider="sso", error_msg="x"), "aws sso login"),
        (aws.SSOTokenLoadError(profile_name="x", error_msg="x"), "aws sso login"),
        (aws.UnauthorizedSSOTokenError(), "aws sso login"),
        (aws.NoRegionError(), "AWS_DEFAULT_REGION"),
        (aws.ProfileNotFound(profile="x"), "AWS_PROFILE"),
        (aws.EndpointConnectionError(endpoint_url="http://x"), "AWS_ENDPOINT_URL"),
        (aws.ConnectTimeoutError(endpoint_url="http://x"), "AWS_ENDPOINT_URL"),
        (aws.ReadTimeoutError(endpoint_url="http://x"), "AWS_ENDPOINT_URL"),
        (answered("AccessDeniedException"), "docs/deploying.md, Who may deploy"),
        (answered("ExpiredTokenException"), "sign in again"),
        (answered("UnrecognizedClientException"), "AWS_PROFILE"),
        (answered("InvalidClientTokenId"), "AWS_PROFILE"),
        (answered("ThrottlingException", "too\n  many"), "ThrottlingException: too many"),
        (PermissionError(13, "Permission denied", "/root/x"), "/root/x: Permission denied"),
        (OSError(28, "No space left on device"), "TWOFOLD_HOME"),
        (sqlite3.OperationalError("database or disk is full"), "TWOFOLD_HOME"),
        (urllib3.exceptions.HTTPError("refused"), "make run"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_known_error_has_its_remedy_also_inside_of_one_of_pynamodb(
    error: Exception, remedy: str
) -> None:
    said = in_words(error)

    assert said is not None
    assert remedy in said
    assert "\n" not in said
    if isinstance(error, BotoCoreError | ClientError):
        assert in_words(ScanError("Failed to scan table", error)) == said


def test_a_missing_table_is_named_with_its_region() -> None:
    missing = answered("ResourceNotFoundException")
    missing.args = ("An error occurred on table (twofold-dev-keys) when calling Scan",)

    said = in_words(missing)

    assert said is not None
    assert "there is no table twofold-dev-keys in us-east-1: name the stage (--stage)" in said


def test_an_error_that_is_not_known_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    assert in_words(ZeroDivisionError()) is None
    monkeypatch.setattr("chalicelib.http.keys.every", lambda: 1 // 0)
    assert isinstance(run(["keys", "list"]).exception, ZeroDivisionError)
