"""Logging role: the role with which API Gateway writes access logs, one per account and region.

Without one AWS refuses access logs: "To enable CloudWatch Logs, you must grant API Gateway
permission to read and write logs to CloudWatch for your account" (API Gateway Developer Guide, "Set
up CloudWatch logging for REST APIs"). It belongs to no stage, so no command deletes it.
"""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from ops.aws import code_of, none_on
from ops.deploying.waiting import until

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

_SECONDS = 120
"""How long API Gateway may refuse a role that was just made."""

_NOT_YET = ("BadRequestException", "TooManyRequestsException")
"""Error codes of a role that API Gateway cannot use yet, since IAM replicates it slowly
(github.com/hashicorp/terraform/pull/8533), and of a second try within 20 seconds (API Gateway
Developer Guide, "Quotas", UpdateAccount)."""


def ensure(client: Callable[[str], Any], partition: str) -> None:
    """Gives API Gateway such a role if the account's settings name none.

    Raises a click error, with the reason, if API Gateway does not accept it within two minutes.
    """
    gateway, iam = client("apigateway"), client("iam")
    if gateway.get_account().get("cloudwatchRoleArn"):
        return
    none_on(
        "EntityAlreadyExists",
        iam.create_role,
        RoleName=ROLE,
        AssumeRolePolicyDocument=json.dumps(_TRUST),
        Description="Lets API Gateway write access logs of every API in the account.",
    )
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=f"arn:{partition}:iam::aws:policy/{_POLICY}")
    arn = iam.get_role(RoleName=ROLE)["Role"]["Arn"]
    _use(gateway, arn)


def _use(gateway: Any, arn: str) -> None:
    reason = ""

    def accepted() -> bool | None:
        nonlocal reason
        try:
            gateway.update_account(
                patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": arn}]
            )
        except ClientError as error:
            if code_of(error) not in _NOT_YET:
                raise
            reason = error.response["Error"]["Message"]
            return None
        return True

    until(
        accepted,
        seconds=_SECONDS,
        what=lambda: f"API Gateway to accept the role {ROLE}: {reason}",
    )
