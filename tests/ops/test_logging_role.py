"""The role with which API Gateway writes access logs: made once for an account that has none."""

from typing import Any

import botocore.session
import click
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from ops import logging_role
from ops.deploying import waiting

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


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "sleep", lambda _: None)


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
    account.expected["apigateway"].add_response("update_account", {}, SETTING)


SETTING = {"patchOperations": [{"op": "replace", "path": "/cloudwatchRoleArn", "value": ARN}]}
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


@pytest.mark.usefixtures("no_waiting")
def test_a_role_that_iam_has_not_spread_yet_is_offered_again(account: Account) -> None:
    account.expected["apigateway"].add_response("get_account", {}, {})
    account.expected["iam"].add_response("create_role", role(), MADE)
    for code in ("BadRequestException", "TooManyRequestsException"):
        account.expected["apigateway"].add_client_error(
            "update_account", code, expected_params=SETTING
        )
    expect_the_setting(account)
    account.ensure()


@pytest.mark.usefixtures("no_waiting")
def test_a_role_that_api_gateway_never_takes_ends_with_its_reason(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter((0.0, 121.0))
    monkeypatch.setattr(waiting, "clock", lambda: next(ticks))
    gateway = account.expected["apigateway"]
    gateway.add_response("get_account", {}, {})
    gateway.add_client_error("update_account", "BadRequestException", "no trust")
    account.expected["iam"].add_response("create_role", role(), MADE)
    account.expected["iam"].add_response("attach_role_policy", {}, None)
    account.expected["iam"].add_response("get_role", role(), None)
    with pytest.raises(click.ClickException, match=r"gave up .*: no trust$"):
        account.ensure()


def test_another_refusal_is_not_repeated(account: Account) -> None:
    gateway = account.expected["apigateway"]
    gateway.add_response("get_account", {}, {})
    gateway.add_client_error("update_account", "AccessDeniedException")
    account.expected["iam"].add_response("create_role", role(), MADE)
    account.expected["iam"].add_response("attach_role_policy", {}, None)
    account.expected["iam"].add_response("get_role", role(), None)
    with pytest.raises(ClientError, match="AccessDenied"):
        account.ensure()
