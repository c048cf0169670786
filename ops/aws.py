"""AWS: clients of its services, by the credentials and the region of the environment."""

from typing import Any

import botocore.session


def client(service: str) -> Any:
    """A client of a service."""
    return botocore.session.get_session().create_client(service)


def account_and_region() -> tuple[str, str]:
    """Where these credentials work."""
    session = botocore.session.get_session()
    region = session.get_config_variable("region") or "us-east-1"
    return str(client("sts").get_caller_identity()["Account"]), str(region)
