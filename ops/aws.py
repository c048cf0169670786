"""AWS: clients by the credentials and the region of the environment, and pages."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import ClientError, NoRegionError
from botocore.loaders import Loader
from botocore.session import Session


@cache
def _descriptions() -> Loader:
    """The descriptions of AWS's services: reading them is most of what a new client costs."""
    loader: Loader = botocore.session.get_session().get_component("data_loader")
    return loader


def _session() -> Session:
    """A session by the environment as it is now; all have the same descriptions."""
    session = botocore.session.get_session()
    session.register_component("data_loader", _descriptions())
    return session


def client(service: str, region: str | None = None) -> Any:
    """A client of a service, in this region or the environment's. Raises NoRegionError."""
    name = region or configured_region()
    if not name:
        raise NoRegionError  # Botocore would make a host name of it.
    return _session().create_client(service, region_name=name)


def account() -> str:
    """The account of these credentials."""
    return str(client("sts").get_caller_identity()["Account"])


def configured_region() -> str | None:
    """The region of the environment variables or of the profile, if any."""
    return _session().get_config_variable("region") or None


def home_region() -> str:
    """The configured region, or us-east-1."""
    return configured_region() or "us-east-1"


def partition(region: str) -> str:
    """The partition that a region belongs to: "aws", "aws-us-gov", "aws-cn" or another."""
    return str(_session().get_partition_for_region(region))


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
