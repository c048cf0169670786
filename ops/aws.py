"""AWS: clients by the credentials and the region of the environment, pages, and errors."""

from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
)


def client(service: str, region: str | None = None) -> Any:
    """A client of a service, in this region or the environment's."""
    return botocore.session.get_session().create_client(service, region_name=region)


def account() -> str:
    """The account of these credentials."""
    return str(client("sts").get_caller_identity()["Account"])


def home_region() -> str:
    """The environment's region."""
    return str(botocore.session.get_session().get_config_variable("region") or "us-east-1")


def partition(region: str) -> str:
    """The partition that a region belongs to: "aws", "aws-us-gov", "aws-cn" or another."""
    return str(botocore.session.get_session().get_partition_for_region(region))


def every(
    call: Callable[..., Any], key: str, *, start: str = "NextToken", **arguments: Any
) -> Iterator[dict[str, Any]]:
    """The entries that a call lists under this key, on all pages.

    `start` is the parameter of a request that names its page.
    """
    while True:
        page = call(**arguments)
        yield from page.get(key, [])
        following = page.get(f"Next{start.removeprefix('Next')}")
        if not following:
            return
        arguments[start] = following


def code_of(error: ClientError) -> str:
    """The code of an error, without the namespace that some services put before it."""
    return str(error.response["Error"]["Code"]).rpartition(".")[2]


def none_on(codes: str | tuple[str, ...], call: Callable[..., Any], **parameters: Any) -> Any:
    """The result of a call, or None if AWS answers with one of these error codes."""
    try:
        return call(**parameters)
    except ClientError as error:
        if code_of(error) not in (codes if isinstance(codes, tuple) else (codes,)):
            raise
        return None


_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)


def in_words(error: BaseException) -> str | None:
    """One line about an error of AWS, or None for any other error.

    Also for one that PynamoDB wraps in its own.
    """
    seen: BaseException | None = error
    while seen is not None:
        match seen:
            case ClientError():
                found = seen.response["Error"]
                return f"AWS refused {seen.operation_name}: {found['Code']}: {found['Message']}"
            case BotoCoreError() if isinstance(seen, _NO_CREDENTIALS):
                return f"no credentials for AWS ({seen}); see `aws configure`, or set AWS_PROFILE"
            case BotoCoreError():
                return str(seen)
        seen = getattr(seen, "cause", None) or seen.__cause__
    return None
