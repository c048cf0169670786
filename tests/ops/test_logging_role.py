"""The role with which API Gateway writes access logs: made once for an account that has none."""

from typing import Any

import botocore.session
import pytest
from botocore.stub import ANY, Stubber

from ops import logging_role

ARN = "arn:aws-us-gov:iam::123456789012:role/twofold-api-gateway-logs"


class Account:
    """Clients whose calls are checked against AWS's service models, in this order."""

    def __init__(self) -> None:
        session = botocore.session.get_session()
        access: dict[str, Any] = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
        self.clients: dict[str, Any] = {
            name: session.create_client(name, region_name="us-gov-west-1", **access)
            for name in ("apigateway", "iam")
        }
        self.expected = {name: Stubber(client) for name, client in self.clients.items()}

    def ensure(self) -> None:
        """Ensures the role, and that every expected call was made."""
        for stubber in self.expected.values():
            stubber.activate()
        logging_role.ensure(self.clients.__getitem__, "aws-us-gov")
        for stubber in self.expected.values():
            stubber.assert_no_pending_responses()


@pytest.fixture
def account() -> Account:
    return Account()


def role() -> dict[str, Any]:
    return {
        "Role": {
            "Arn": ARN,
            "RoleName": logging_role.ROLE,
            "RoleId": "AROA12345678901234567",
            "Path": "/",
            "CreateDate": "2026-11-25T00:00:00Z",
        }
    }


def expect_the_setting(account: Account) -> None:
    account.expected["iam"].add_response(
        "attach_role_policy",
        {},
        {
            "RoleName": logging_role.ROLE,
            "PolicyArn": "arn:aws-us-gov:iam::aws:policy/service-role/"
            "AmazonAPIGatewayPushToCloudWatchLogs",
        },
    )
    account.expected["iam"].add_response("get_role", role(), {"RoleName": logging_role.ROLE})
    account.expected["apigateway"].add_response(
        "update_account",
        {},
        {"patchOperations": [{"op": "replace", "path": "/cloudwatchRoleArn", "value": ARN}]},
    )


MADE = {"RoleName": logging_role.ROLE, "AssumeRolePolicyDocument": ANY, "Description": ANY}


def test_an_account_that_has_a_role_keeps_it(account: Account) -> None:
    account.expected["apigateway"].add_response("get_account", {"cloudwatchRoleArn": "theirs"}, {})
    account.ensure()


def test_an_account_without_one_gets_one_in_its_own_partition(account: Account) -> None:
    account.expected["apigateway"].add_response("get_account", {}, {})
    account.expected["iam"].add_response("create_role", role(), MADE)
    expect_the_setting(account)
    account.ensure()


def test_a_role_that_was_made_for_another_region_is_used_again(account: Account) -> None:
    account.expected["apigateway"].add_response("get_account", {}, {})
    account.expected["iam"].add_client_error(
        "create_role", "EntityAlreadyExists", expected_params=MADE
    )
    expect_the_setting(account)
    account.ensure()
