"""Cognito: whether the users of a pool may change their own permissions.

With TWOFOLD_AUTH=cognito, the claims `custom:scopes` and `custom:ledgers` of a user's token are the
user's permissions. Each app client of the pool has a list of the attributes that its users may
write, with their access token or when they sign up. It must not contain these two.
"""

from collections.abc import Iterator
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from ops.aws import client

CLAIMS = ("custom:scopes", "custom:ledgers")
"""The attributes that are a user's permissions."""


def check(pool_arn: str) -> None:
    """Raises a click error unless the pool has both attributes, and no app client may write them.

    An app client without a list is refused too: by AWS's API reference its users may write the
    standard attributes (`WriteAttributes` of UserPoolClientType), but others found all attributes
    writable (github.com/hashicorp/terraform-provider-aws/pull/2874).
    """
    pool, region = _pool_of(pool_arn)
    cognito = client("cognito-idp", region)
    try:
        described = cognito.describe_user_pool(UserPoolId=pool)["UserPool"]
        clients = list(_clients(cognito, pool))
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(f"the user pool {pool_arn} cannot be checked: {error}") from None
    known = {attribute["Name"] for attribute in described.get("SchemaAttributes", ())}
    missing = [claim for claim in CLAIMS if claim not in known]
    if missing:
        raise click.ClickException(
            f"the user pool {pool} has no attribute {' and no '.join(missing)}, so its users could "
            f"do nothing. {_how_to_add(pool, missing)}"
        )
    faults = [fault for one in clients if (fault := _fault(one))]
    if faults:
        raise click.ClickException(
            f"users of the user pool {pool} may give themselves any ledger: {'; '.join(faults)}. "
            "Give each of these app clients a list of writable attributes without the two: in the "
            "console under «App clients», «Attribute permissions», or by aws cognito-idp "
            "update-user-pool-client --write-attributes, which resets every other setting of the "
            "client that is not repeated in the call"
        )


def _pool_of(arn: str) -> tuple[str, str]:
    """The id of a user pool, and its region. Raises a click error for another ARN."""
    parts = arn.split(":")
    kind, _, pool = parts[-1].partition("/")
    if len(parts) != 6 or parts[2] != "cognito-idp" or kind != "userpool" or not pool:
        raise click.ClickException(
            "TWOFOLD_USER_POOL_ARN is the ARN of a Cognito user pool, such as "
            f"arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_AbCdEfGhI, not {arn}"
        )
    return pool, parts[3]


def _clients(cognito: Any, pool: str) -> Iterator[dict[str, Any]]:
    """Each app client of a pool, with its settings."""
    pages = cognito.get_paginator("list_user_pool_clients")
    for page in pages.paginate(UserPoolId=pool):
        for listed in page["UserPoolClients"]:
            found = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=listed["ClientId"])
            yield found["UserPoolClient"]


def _fault(app_client: dict[str, Any]) -> str | None:
    """The fault of an app client, if any."""
    name = f"app client {app_client.get('ClientName') or ''} ({app_client['ClientId']})"
    writable = app_client.get("WriteAttributes")
    if not writable:
        return f"{name} has no list of writable attributes"
    found = [claim for claim in CLAIMS if claim in writable]
    return f"{name} may write {' and '.join(found)}" if found else None


def _how_to_add(pool: str, missing: list[str]) -> str:
    attributes = " ".join(
        f"Name={claim.removeprefix('custom:')},AttributeDataType=String,Mutable=true"
        for claim in missing
    )
    return (
        f"Add it: aws cognito-idp add-custom-attributes --user-pool-id {pool} "
        f"--custom-attributes {attributes}"
    )
