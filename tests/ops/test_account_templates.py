"""The templates that the documents show for an account: a KMS key, and the roles of GitHub.

`test_templates.py` has them judged by AWS's linter.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ops.stages import PROJECT

EXAMPLES = PROJECT / "docs" / "examples"
KEY, GITHUB = EXAMPLES / "kms-key.json", EXAMPLES / "github-oidc-role.json"
TOKEN = "token.actions.githubusercontent.com"


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_a_replica_of_the_key_has_its_policy_and_outlives_the_stack_as_it_does() -> None:
    resources = read(KEY)["Resources"]
    key, replica = resources["Key"], resources["Replica"]
    assert key["Properties"]["KeyPolicy"] == replica["Properties"]["KeyPolicy"]
    for each in (key, replica):
        assert (each["DeletionPolicy"], each["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert key["Properties"]["EnableKeyRotation"] is True


def test_the_key_is_used_through_named_services_by_the_accounts_own_callers_alone() -> None:
    policy = read(KEY)["Resources"]["Key"]["Properties"]["KeyPolicy"]
    by_name = {each["Sid"]: each for each in policy["Statement"]}
    # Whoever may change the policy can lock everybody out; the account itself must not be.
    assert by_name.pop("TheAccountManagesTheKey")["Principal"] == {
        "AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    }
    callers = by_name.pop("WhoeverMayUseAServiceUsesTheKeyThroughIt")["Condition"]["StringEquals"]
    assert callers["kms:CallerAccount"] == {"Fn::Sub": "${AWS::AccountId}"}
    services = [each["Fn::Sub"].split(".", 1) for each in callers["kms:ViaService"]]
    assert [service for service, _ in services] == ["dynamodb", "sqs", "kinesis", "logs"]
    assert {where for _, where in services} == {"${AWS::Region}.${AWS::URLSuffix}"}
    groups = by_name.pop("LogGroupsAreEncrypted")["Condition"]["ArnLike"]
    assert [each["Fn::Sub"].rpartition("log-group:")[2] for each in groups.popitem()[1]] == [
        "/aws/lambda/twofold-*",
        "/aws/apigateway/twofold-*",
    ]
    (metadata,) = by_name.values()
    assert all(re.match("kms:(Describe|Get|List)", action) for action in metadata["Action"])


def test_each_statement_of_the_key_names_the_page_it_comes_from() -> None:
    template = read(KEY)
    policy = template["Resources"]["Key"]["Properties"]["KeyPolicy"]
    assert template["Metadata"]["Sources"].keys() == {each["Sid"] for each in policy["Statement"]}


def test_a_role_of_github_is_for_one_repository_and_one_kind_of_job() -> None:
    resources = read(GITHUB)["Resources"]
    subjects = {}
    for name in ("Deployer", "Planner"):
        role = resources[name]["Properties"]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        (operator,) = statement["Condition"]
        assert operator == "StringEquals"
        assert statement["Condition"][operator].keys() == {f"{TOKEN}:aud", f"{TOKEN}:sub"}
        subjects[name] = statement["Condition"][operator][f"{TOKEN}:sub"]["Fn::Sub"]
        # Below a path, so that a deployer, who may change roles named twofold-*, changes none.
        assert role["Path"] == "/github/"
        assert "RoleName" not in role
    assert subjects == {
        "Deployer": "repo:${Repository}:environment:${Environment}",
        "Planner": "repo:${Repository}:pull_request",
    }


@pytest.mark.parametrize(
    ("repository", "is_one"),
    [
        ("example/ledger", True),
        ("example@123456/ledger@456789", True),
        ("example/*", False),
        ("*/ledger", False),
        ("example", False),
        ("example/ledger:*", False),
    ],
)
def test_a_repository_is_named_with_or_without_ids_and_never_by_a_pattern(
    repository: str, is_one: bool
) -> None:
    pattern = read(GITHUB)["Parameters"]["Repository"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, repository)) is is_one
