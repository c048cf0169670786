"""Errors of AWS, of the network and of files, each as one line that says what to do."""

import errno
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import click
import urllib3
from botocore import exceptions as aws
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.settings import settings
from ops.aws import code_of

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_NOT_ACCEPTED = {
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_MISSING = {"ResourceNotFoundException"}

_NO_CREDENTIALS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.NoAuthTokenError,
)
_SIGNED_OUT = (aws.TokenRetrievalError, aws.SSOError, aws.LoginError)
_UNREACHABLE = (aws.ConnectionError, aws.HTTPClientError)

_BEFORE_THE_COMMAND = ("--local", "--stage")


@contextmanager
def reported_in_one_line() -> Iterator[None]:
    """Inside the block a known error becomes a click error of one line; any other is raised."""
    try:
        yield
    except click.NoSuchOption as error:
        if error.option_name not in _BEFORE_THE_COMMAND:
            raise
        words = f"{error.option_name} comes before the command: twofold {error.option_name} ..."
        raise click.UsageError(words, error.ctx) from None
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:  # Raised again unless it is a known one.
        known = in_words(error)
        if known is None:
            raise
        raise click.ClickException(known) from error


def in_words(error: BaseException) -> str | None:
    """One line about an error and what to do, or None for an error that is not known.

    Also for one that PynamoDB wraps in its own.
    """
    for each in _causes(error):
        match each:
            case ClientError():
                words = _of_aws(each)
            case BotoCoreError():
                words = _of_client(each)
            case urllib3.exceptions.HTTPError():
                words = _of_server(each)
            case OSError(filename=str(name), strerror=str(reason)):
                words = f"{name}: {reason}"
            case OSError(errno=errno.ENOSPC) | sqlite3.OperationalError():
                words = f"{each}: is there space left in TWOFOLD_HOME, {settings().home}?"
            case _:
                continue
        return " ".join(words.split())
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = getattr(seen, "cause", None) or seen.__cause__


def _of_aws(error: ClientError) -> str:
    """About what AWS answered."""
    code = code_of(error)
    message = str(error.response["Error"].get("Message", ""))
    refused = f"AWS refused {error.operation_name}: {code}: {message}"
    if code in _EXPIRED:
        return f"the credentials for AWS have expired ({code}): sign in again, or set new ones"
    if code in _NOT_ACCEPTED:
        return f"{refused}. Check AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if code in _DENIED:
        return f"{refused}. The permissions of an operator are in docs/deploying.md, Who may deploy"
    # PynamoDB's message has the name of the table.
    table = re.search(r"on table \(([^)]+)\)", str(error))
    if code in _MISSING and table:
        return (
            f"there is no table {table[1]} in {settings().region}: name the stage (--stage) and "
            "its region (AWS_DEFAULT_REGION), or use --local for the data of `make run`"
        )
    return refused


def _of_client(error: BotoCoreError) -> str:
    """About what botocore could not do."""
    if isinstance(error, _NO_CREDENTIALS):
        return f"no credentials for AWS ({error}); see `aws configure`, or set AWS_PROFILE"
    if isinstance(error, _SIGNED_OUT):
        return f"not signed in to AWS ({error}); run `aws sso login`, or set AWS_PROFILE"
    if isinstance(error, aws.ProfileNotFound):
        return f"{error}: set AWS_PROFILE to one of `aws configure list-profiles`"
    if isinstance(error, aws.NoRegionError):
        return "no region for AWS: set AWS_DEFAULT_REGION, or see `aws configure`"
    if isinstance(error, _UNREACHABLE):
        return f"{error}: check the network, the region and AWS_ENDPOINT_URL"
    return str(error)


def _of_server(error: urllib3.exceptions.HTTPError) -> str:
    """About a server that could not be reached, or did not answer."""
    return f"{error}: is the server running (`make run`), and is the address right?"
