"""Cognito: a pool whose users could open ledgers to themselves is refused before a deployment."""

from collections.abc import Iterator
from typing import Any

import click
import pytest
from moto import mock_aws

from ops.aws import client
from ops.cognito import CLAIMS, check

REGION = "eu-west-1"
HARMLESS = ["email", "name"]


@pytest.fixture
def cognito() -> Iterator[Any]:
    """Cognito of a region that is not the environment's, on moto."""
    with mock_aws():
        yield client("cognito-idp", REGION)


def pool_with(cognito: Any, *attributes: str) -> tuple[str, str]:
    """A pool with these custom attributes: its id and its ARN."""
    schema = [
        {"Name": name.removeprefix("custom:"), "AttributeDataType": "String", "Mutable": True}
        for name in attributes
    ]
    made = cognito.create_user_pool(PoolName="people", Schema=schema)["UserPool"]
    return made["Id"], made["Arn"]


def add_client(cognito: Any, pool: str, name: str, writable: list[str] | None) -> str:
    """An app client whose users may write these attributes, or that has no list: its id."""
    listed = {} if writable is None else {"WriteAttributes": writable}
    made = cognito.create_user_pool_client(UserPoolId=pool, ClientName=name, **listed)
    return str(made["UserPoolClient"]["ClientId"])


def refused(arn: str) -> str:
    """The one line that a person reads."""
    with pytest.raises(click.ClickException) as error:
        check(arn)
    assert "\n" not in error.value.message
    return error.value.message


def test_a_pool_whose_clients_may_not_write_the_claims_is_accepted(cognito: Any) -> None:
    pool, arn = pool_with(cognito, *CLAIMS, "custom:nickname")
    add_client(cognito, pool, "web", HARMLESS)
    add_client(cognito, pool, "app", [*HARMLESS, "custom:nickname"])

    check(arn)


def test_a_pool_without_clients_is_accepted(cognito: Any) -> None:
    _, arn = pool_with(cognito, *CLAIMS)

    check(arn)


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_client_that_may_write_a_claim_is_named_with_what_to_do(cognito: Any, claim: str) -> None:
    pool, arn = pool_with(cognito, *CLAIMS)
    add_client(cognito, pool, "web", HARMLESS)
    id = add_client(cognito, pool, "app", [*HARMLESS, claim])

    said = refused(arn)

    assert f"app client app ({id}) may write {claim}." in said
    assert "app client web" not in said
    assert "--write-attributes" in said


def test_a_client_without_a_list_is_refused_as_well(cognito: Any) -> None:
    pool, arn = pool_with(cognito, *CLAIMS)
    id = add_client(cognito, pool, "app", None)

    assert f"app client app ({id}) has no list of writable attributes" in refused(arn)


def test_every_client_at_fault_is_named_however_many_pages_they_fill(cognito: Any) -> None:
    pool, arn = pool_with(cognito, *CLAIMS)
    for number in range(61):  # A page has 60 at most.
        add_client(cognito, pool, f"good-{number}", HARMLESS)
    for number in range(61):
        add_client(cognito, pool, f"bad-{number}", list(CLAIMS))

    said = refused(arn)

    assert said.count("may write custom:scopes and custom:ledgers") == 61
    assert "good-" not in said


@pytest.mark.parametrize("claim", CLAIMS)
def test_an_attribute_that_the_pool_lacks_is_said_with_the_command_that_adds_it(
    cognito: Any, claim: str
) -> None:
    pool, arn = pool_with(cognito, *(other for other in CLAIMS if other != claim))
    add_client(cognito, pool, "web", HARMLESS)

    said = refused(arn)

    assert f"the user pool {pool} has no attribute {claim}," in said
    assert f"Name={claim.removeprefix('custom:')},AttributeDataType=String" in said


def test_a_pool_that_is_not_there_is_said_in_one_line(cognito: Any) -> None:
    pool, arn = pool_with(cognito, *CLAIMS)
    cognito.delete_user_pool(UserPoolId=pool)

    assert f"the user pool {arn} cannot be checked: " in refused(arn)


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "eu-west-1_AbCdEfGhI",
        "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/",
        "arn:aws:cognito-idp:eu-west-1:123456789012:identitypool/eu-west-1_AbCdEfGhI",
        "arn:aws:sns:eu-west-1:123456789012:topic",
    ],
)
def test_what_is_no_pool_is_refused_with_an_example(arn: str) -> None:
    assert "such as arn:aws:cognito-idp:" in refused(arn)
