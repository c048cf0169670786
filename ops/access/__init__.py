"""Access: the permissions to deploy, plan and operate, as statements of IAM policies."""

from collections.abc import Mapping
from typing import Any

Statement = dict[str, Any]
Document = dict[str, Any]


def allow(
    name: str, service: str, actions: str, *resources: str, where: Mapping[str, Any] | None = None
) -> Statement:
    """A statement that allows a service's actions, which are separated by spaces."""
    return {
        "Sid": name,
        "Effect": "Allow",
        "Action": [f"{service}:{action}" for action in actions.split()],
        "Resource": list(resources),
        **({"Condition": where} if where else {}),
    }


def deny(name: str, service: str, actions: str, *resources: str) -> Statement:
    """A statement that forbids a service's actions, whatever else allows them."""
    return {**allow(name, service, actions, *resources), "Effect": "Deny"}


def document(*statements: Statement) -> Document:
    """A policy document of statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}
