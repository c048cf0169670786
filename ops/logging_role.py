"""Logging role: the role with which API Gateway writes access logs, one per account and region.

Without one AWS refuses access logs: "To enable CloudWatch Logs, you must grant API Gateway
permission to read and write logs to CloudWatch for your account" (API Gateway Developer Guide, "Set
up CloudWatch logging for REST APIs"). It belongs to no stage, so nothing of ours deletes it.
"""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

ROLE = "twofold-api-gateway-logs"
_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "apigateway.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def ensure(client: Callable[[str], Any], partition: str) -> None:
    """Gives API Gateway such a role if the account's settings name none."""
    gateway, iam = client("apigateway"), client("iam")
    if gateway.get_account().get("cloudwatchRoleArn"):
        return
    try:
        iam.create_role(
            RoleName=ROLE,
            AssumeRolePolicyDocument=json.dumps(_TRUST),
            Description="Lets API Gateway write access logs of every API in the account.",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=f"arn:{partition}:iam::aws:policy/{_POLICY}")
    arn = iam.get_role(RoleName=ROLE)["Role"]["Arn"]
    gateway.update_account(
        patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": arn}]
    )
