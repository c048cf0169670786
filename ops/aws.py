"""AWS: clients of its services, by the credentials and the region of the environment."""

from typing import Any

import botocore.session


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
