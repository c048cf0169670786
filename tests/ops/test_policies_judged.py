"""Every IAM policy, judged by AWS's linter, by parliament, and by what CloudFormation publishes."""

import ast
import json
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from click.testing import CliRunner

from ops import policies
from ops.__main__ import ops
from ops.access.code import BOUNDARY
from ops.access.data import using_keys
from ops.deployer import documents, files
from ops.logging_role import ROLE as LOGGING_ROLE
from ops.stages import PROJECT
from ops.tuning.tuner import HANDLERS
from tests.ops.linter import faults

Document = dict[str, Any]

OF_THE_DOCUMENTS = documents()
OF_LAMBDAS = policies.documents("prod", "b")
ALL = {**OF_THE_DOCUMENTS, **OF_LAMBDAS}
DEPLOYERS = ("deployer-policy", "deployer-policy-with-boundary")
"""The two of which a deployer has one, besides the policy for tables."""

HANDLERS_NEED: dict[str, list[str]] = json.loads(
    Path(__file__).with_name("handlers.json").read_text()
)
"""What the create, read, update and delete handlers of each resource type call, by the schemas in
CloudFormation's registry, August 2026 (User Guide, "Resource type schema": `handlers`)."""


def statements(document: Document) -> Iterator[dict[str, Any]]:
    yield from document["Statement"]


def allowed(*names: str) -> set[str]:
    """The actions that some documents allow together."""
    return {
        action
        for name in names
        for each in statements(OF_THE_DOCUMENTS[name])
        if each["Effect"] == "Allow"
        for action in each["Action"]
    }


def linted(named: dict[str, Document]) -> list[str]:
    """What AWS's linter says of policies, notes and warnings too."""
    names = {f"Policy{place}": name for place, name in enumerate(named)}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            id: {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"PolicyDocument": named[name]},
            }
            for id, name in names.items()
        },
    }
    found = faults(json.dumps(template), ["us-east-1", "us-gov-west-1"], notes=True)
    return [
        f"{names[str((fault.path or [0, 0])[1])]}: {fault.rule.id} {fault.message}"
        for fault in found
    ]


@cache
def parliament() -> Any:
    """Parliament 1.6.4 asks the former setuptools where its own files are, and nothing else."""
    spec = find_spec("parliament")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(next(iter(spec.submodule_search_locations)))
    substitute = ModuleType("pkg_resources")
    substitute.__dict__["resource_filename"] = lambda _, name: str(folder / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pkg_resources", substitute)
        import parliament

    return parliament


NEWER = {
    "kinesis:ListTagsForResource",
    "kinesis:TagResource",
    "kinesis:UntagResource",
    "lambda:GetFunctionScalingConfig",
}
"""Actions that are younger than parliament's list, of April 2025; AWS's linter knows them."""

EVERY = {
    "Feeding": "a mapping's id is random; a condition names the functions",
    "FeedingsTags": "likewise, but tagging knows no such condition",
    "UserPools": "a pool's id is random, and is only read",
    "Keys": "the key is the account's own, and is only described",
    "UseKeys": "a condition names the services; the key's own policy allows it or not",
    "GrantKeys": "likewise",
}
"""Statements on every resource of a kind, each with its reason."""


def audited(document: Document) -> list[str]:
    """What parliament finds that is not argued here."""
    said = []
    for each in statements(document):
        alone = json.dumps({**document, "Statement": [each]})
        for finding in parliament().analyze_policy_string(alone).findings:
            where = finding.location if isinstance(finding.location, dict) else {}
            is_newer = finding.issue == "UNKNOWN_ACTION" and where.get("string") in NEWER
            is_argued = finding.issue == "RESOURCE_EFFECTIVELY_STAR" and each.get("Sid") in EVERY
            if not is_newer and not is_argued:
                said.append(f"{finding.issue} {finding.detail} {each}")
    return said


def test_the_documents_are_up_to_date() -> None:
    for path, content in files().items():
        assert path.read_text() == content, "run: python -m ops deployer"


def test_the_command_writes_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ops.deployer.FOLDER", tmp_path / "docs")
    monkeypatch.setattr("ops.deployer.PROJECT", tmp_path)
    printed = CliRunner().invoke(ops, ["deployer"]).output.split()
    assert printed == [f"docs/{name}.json" for name in OF_THE_DOCUMENTS]
    for name, document in OF_THE_DOCUMENTS.items():
        assert json.loads((tmp_path / "docs" / f"{name}.json").read_text()) == document


@pytest.mark.parametrize("name", OF_THE_DOCUMENTS)
def test_a_document_fits_into_a_managed_policy_of_any_partition(name: str) -> None:
    """IAM User Guide, "IAM and AWS STS quotas": 6,144 characters, white space not counted."""
    text = json.dumps(OF_THE_DOCUMENTS[name], separators=(",", ":"))
    assert len(text) <= 6144
    assert "arn:aws" not in text


def test_awss_linter_finds_nothing() -> None:
    assert linted(ALL) == []


def test_no_two_statements_of_a_document_have_one_name() -> None:
    for name, document in ALL.items():
        sids = [each["Sid"] for each in statements(document) if "Sid" in each]
        assert len(sids) == len(set(sids)), name


@pytest.mark.parametrize("name", ALL)
def test_parliament_finds_nothing(name: str) -> None:
    assert audited(ALL[name]) == []


def test_the_linters_would_find_what_is_wrong() -> None:
    def with_(**changes: Any) -> Document:
        statement = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:*:s3:::a/b"]}
        return {"Version": "2012-10-17", "Statement": [{**statement, **changes}]}

    unknown = with_(Action=["s3:GetObjects"])
    elsewhere = with_(Resource=["arn:*:sqs:*:*:queue"])
    found = linted({"right": with_(), "unknown": unknown, "elsewhere": elsewhere})
    assert sorted(" ".join(line.split()[:2]) for line in found) == [
        "elsewhere: I3510",
        "unknown: W3037",
    ]
    assert audited(with_()) == []
    assert audited(unknown)[0].startswith("UNKNOWN_ACTION")
    assert audited(elsewhere)[0].startswith("RESOURCE_MISMATCH")
    condition = with_(Condition={"StringEquals": {"lambda:FunctionArn": "x"}})
    assert audited(condition)[0].startswith("UNKNOWN_CONDITION_FOR_ACTION")


MADE_OF = {
    "AWS::Serverless::Api": {
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGateway::Deployment",
        "AWS::ApiGateway::Stage",
    },
    "AWS::Serverless::Function": {
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Events::Rule",
    },
    "AWS::DynamoDB::Table": {"AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"},
}
"""What becomes of a template's types that is not the type alone."""

NOT_USED = {
    "VPCs and file systems": {
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "elasticfilesystem:DescribeMountTargets",
        "s3files:ListMountTargets",
    },
    "layers, versions and capacity of Lambdas": {
        "lambda:GetLayerVersion",
        "lambda:PublishVersion",
        "lambda:PassCapacityProvider",
        "lambda:PutFunctionScalingConfig",
        "s3:GetObjectVersion",
    },
    "signed code, loops and updates of the runtime, as Lambda has them by default": {
        "lambda:GetCodeSigningConfig",
        "lambda:PutFunctionCodeSigningConfig",
        "lambda:DeleteFunctionCodeSigningConfig",
        "lambda:PutFunctionRecursionConfig",
        "lambda:PutRuntimeManagementConfig",
    },
    "policies of APIs, and managed policies of roles": {
        "apigateway:UpdateRestApiPolicy",
        "iam:DetachRolePolicy",
    },
    "imports, expiry, insights, policies and capacity of tables, and tables of several accounts": {
        "dynamodb:AssociateTableReplica",
        "dynamodb:DeleteResourcePolicy",
        "dynamodb:DescribeImport",
        "dynamodb:ImportTable",
        "dynamodb:PutResourcePolicy",
        "dynamodb:UpdateContributorInsights",
        "dynamodb:UpdateTableReplicaAutoScaling",
        "dynamodb:UpdateTimeToLive",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "s3:GetObjectMetadata",
        "application-autoscaling:DeleteScalingPolicy",
        "application-autoscaling:DeleteScheduledAction",
        "application-autoscaling:DeregisterScalableTarget",
        "application-autoscaling:PutScalingPolicy",
        "application-autoscaling:PutScheduledAction",
        "application-autoscaling:RegisterScalableTarget",
        "cloudwatch:PutMetricData",
        "kinesis:ListStreams",
    },
    "policies, indexes, tokens, protection and delivery of log groups": {
        "firehose:TagDeliveryStream",
        "logs:CreateLogDelivery",
        "logs:DeleteDataProtectionPolicy",
        "logs:DeleteIndexPolicy",
        "logs:DeleteResourcePolicy",
        "logs:PutBearerTokenAuthentication",
        "logs:PutDataProtectionPolicy",
        "logs:PutIndexPolicy",
        "logs:PutLogGroupDeletionProtection",
        "logs:PutResourcePolicy",
        "s3:REST.PUT.OBJECT",
    },
    "monitoring, size of records and capacity of streams": {
        "kinesis:DisableEnhancedMonitoring",
        "kinesis:EnableEnhancedMonitoring",
        "kinesis:UpdateMaxRecordSize",
        "kinesis:UpdateShardCount",
        "kinesis:UpdateStreamWarmThroughput",
    },
    "tags of dashboards": set(),
}
"""What handlers may call for properties that no template of ours has."""


@pytest.mark.parametrize("deployer", DEPLOYERS)
def test_a_deployer_may_do_what_cloudformations_handlers_do_for_it(deployer: str) -> None:
    types = {made for kind in HANDLERS for made in MADE_OF.get(kind, {kind})}
    assert types == HANDLERS_NEED.keys()
    unused = set().union(*NOT_USED.values())
    if "boundary" in deployer:
        unused |= {"iam:DeleteRolePermissionsBoundary"}
    may = allowed(deployer, "deployer-tables-policy")
    for kind, needed in HANDLERS_NEED.items():
        missing = {
            action
            for action in needed
            if action not in unused and not any(fnmatchcase(each, action) for each in may)
        }
        assert missing == set(), kind


def test_nothing_that_is_argued_away_is_allowed_nor_unknown_to_the_handlers() -> None:
    unused = set().union(*NOT_USED.values())
    assert unused <= {action for needed in HANDLERS_NEED.values() for action in needed}
    assert not unused & allowed("deployer-policy", "deployer-tables-policy")


OTHER_NAMES = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "dynamodb:TransactGetItems": "dynamodb:GetItem",
    "dynamodb:TransactWriteItems": "dynamodb:UpdateItem",
}
"""Operations that IAM knows by the name of another (Service Authorization Reference)."""

ALWAYS_ALLOWED = {"sts:GetCallerIdentity"}
"""IAM User Guide, GetCallerIdentity: "No permissions are required to perform this operation"."""

SERVICES = (
    "apigateway",
    "cloudformation",
    "cloudwatch",
    "cognito-idp",
    "dynamodb",
    "events",
    "iam",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sqs",
    "sts",
)


@cache
def actions_of_operations() -> dict[str, set[str]]:
    """By the name of a client's method: the actions of the operations that may be meant."""
    found: dict[str, set[str]] = {}
    session = botocore.session.get_session()
    for service in SERVICES:
        model = session.get_service_model(service)
        for operation in model.operation_names:
            name = f"{service}:{operation}"
            if service == "apigateway":
                name = f"{service}:{model.operation_model(operation).http['method']}"
            found.setdefault(xform_name(operation), set()).add(OTHER_NAMES.get(name, name))
    return found


def calls_of(path: Path) -> Iterator[tuple[str, set[str]]]:
    """Each call of AWS in a module, with the actions of the operations that may be meant."""
    known = actions_of_operations()
    for node in ast.walk(ast.parse(path.read_text())):
        # A method of a client, or the name of one: of its pages, for example.
        name = getattr(node, "attr", None) or getattr(node, "value", None)
        if isinstance(name, str) and name in known and name != "invoke":  # click's.
            yield name, known[name]


VAULT = PROJECT / "ops" / "checkpoints" / "vault.py"
"""What reaches the bucket of checkpoints, which is the auditor's and no deployer's."""


def test_a_deployer_may_make_every_call_of_the_operators_commands() -> None:
    may = allowed("deployer-policy", "deployer-tables-policy") | ALWAYS_ALLOWED
    checked = set()
    for path in set((PROJECT / "ops").rglob("*.py")) - {VAULT}:
        for name, actions in calls_of(path):
            assert actions & may, (path.name, name)
            checked.add(name)
    assert len(checked) > 60


def test_the_page_names_what_an_auditor_does_with_the_bucket_of_checkpoints() -> None:
    page = (PROJECT / "docs" / "operating.md").read_text()
    # An object is read by its version, for which IAM has an action of its own.
    made = {
        action.replace("s3:GetObject", "s3:GetObjectVersion") if name == "get_object" else action
        for name, actions in calls_of(VAULT)
        for action in actions
    }

    assert len(made) == 4
    for action in made:
        assert f"`{action}`" in page, action


WITHOUT_A_NAME = {
    "cloudformation:DescribeStacks": "is asked without a name, too",
    "lambda:CreateEventSourceMapping": "has no resource; a condition names the functions",
    "lambda:ListEventSourceMappings": "takes no resource",
    "dynamodb:ListBackups": "takes no resource",
    "application-autoscaling:DescribeScalableTargets": "takes no resource",
    "application-autoscaling:DescribeScalingPolicies": "takes no resource",
    "application-autoscaling:DescribeScheduledActions": "takes no resource",
    "kms:ListAliases": "takes no resource",
    "logs:DescribeLogGroups": "lists",
    "logs:DescribeIndexPolicies": "lists",
    "logs:DescribeResourcePolicies": "lists",
    "cloudwatch:GetMetricStatistics": "takes no resource",
}
"""Actions of deployers and planners on "*", each with its reason."""

OURS = ("twofold-", "/restapis", "/domainnames", "/tags/", "/account", "Serverless-2016-10-31")


@pytest.mark.parametrize("name", [*DEPLOYERS, "deployer-tables-policy", "planner-policy"])
def test_every_resource_of_a_deployer_is_ours_or_argued(name: str) -> None:
    for each in statements(OF_THE_DOCUMENTS[name]):
        assert not any("*" in action for action in each["Action"])
        for resource in each["Resource"]:
            if resource == "*":
                assert set(each["Action"]) <= WITHOUT_A_NAME.keys()
            elif "aws-service-role" in resource:
                assert each["Condition"]["StringEquals"]["iam:AWSServiceName"]
            elif each["Sid"] not in EVERY:
                assert any(word in resource for word in OURS), resource


def test_roles_are_given_to_lambda_and_api_gateway_alone() -> None:
    for name in DEPLOYERS:
        (passed,) = [
            each for each in statements(OF_THE_DOCUMENTS[name]) if "iam:PassRole" in each["Action"]
        ]
        assert passed["Action"] == ["iam:PassRole"]
        assert passed["Resource"] == ["arn:*:iam::*:role/twofold-*"]
        assert passed["Condition"]["StringEquals"]["iam:PassedToService"] == [
            "lambda.amazonaws.com",
            "apigateway.amazonaws.com",
        ]


def test_where_a_boundary_is_required_no_role_gets_powers_without_it() -> None:
    powers = {
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "iam:AttachRolePolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:DeleteRolePermissionsBoundary",
        "iam:DeleteRolePolicy",
    }
    wanted = {"ArnLike": {"iam:PermissionsBoundary": f"arn:*:iam::*:policy/{BOUNDARY}"}}
    logging = f"arn:*:iam::*:role/{LOGGING_ROLE}"
    for each in statements(OF_THE_DOCUMENTS["deployer-policy-with-boundary"]):
        given = powers & set(each["Action"])
        if not given or each.get("Condition") == wanted:
            continue
        # The one role that is not a Lambda's, to which one policy of AWS's is given.
        assert each["Resource"] == [logging]
        if given != {"iam:CreateRole"}:
            assert given == {"iam:AttachRolePolicy"}
            (policy,) = each["Condition"]["ArnLike"].values()
            assert policy.endswith("/AmazonAPIGatewayPushToCloudWatchLogs")
    names = allowed(*OF_THE_DOCUMENTS)
    assert not {"iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"} & names


@pytest.mark.parametrize("name", DEPLOYERS)
def test_who_may_assume_the_logging_role_is_nobodys_to_change(name: str) -> None:
    denied = [each for each in statements(OF_THE_DOCUMENTS[name]) if each["Effect"] == "Deny"]
    assert [(each["Action"], each["Resource"]) for each in denied] == [
        (["iam:UpdateAssumeRolePolicy"], [f"arn:*:iam::*:role/{LOGGING_ROLE}"])
    ]


def test_a_planner_may_make_every_call_of_a_plan_and_execute_none() -> None:
    plans = {
        "cloudformation:CreateChangeSet",
        "cloudformation:TagResource",  # A change set names the stack's tags.
        "cloudformation:DescribeChangeSet",
        "cloudformation:DeleteChangeSet",
        "cloudformation:DescribeStacks",
        "dynamodb:DescribeTable",
        "kms:DescribeKey",
        "cognito-idp:DescribeUserPool",
        "cognito-idp:ListUserPoolClients",
        "cognito-idp:DescribeUserPoolClient",
    }
    assert allowed("planner-policy") == plans
    for path in ("cognito.py", "deploying/plan.py", "deploying/changes.py"):
        calls = dict(calls_of(PROJECT / "ops" / path))
        assert calls or path == "deploying/plan.py"
        for name, actions in calls.items():
            assert actions & plans, (path, name)


def pairs(document: Document) -> set[tuple[str, str]]:
    """Each action and resource that a policy allows."""
    return {
        (action, resource)
        for each in statements(document)
        for action in each["Action"]
        for resource in each["Resource"]
    }


@pytest.mark.parametrize("place", [("prod", ""), ("staging", ""), ("prod", "b")])
def test_the_boundary_lets_every_lambda_of_any_environment_do_its_work(
    place: tuple[str, str],
) -> None:
    bound = pairs(OF_THE_DOCUMENTS["permissions-boundary"])
    for name, document in policies.documents(*place).items():
        for action, resource in pairs(document):
            assert any(
                action == each and fnmatchcase(resource, pattern) for each, pattern in bound
            ), (name, action, resource)


def test_the_boundary_allows_nothing_that_no_lambda_may_do() -> None:
    some = set().union(*(pairs(document) for document in policies.documents("*").values()))
    # For a key of the account's own, which lets whoever may use a table use it with that.
    key = pairs({"Statement": [using_keys()]})
    assert pairs(OF_THE_DOCUMENTS["permissions-boundary"]) == some | key


def test_no_document_names_a_partition() -> None:
    paths = [*(PROJECT / "docs" / "examples").glob("*.json")]
    assert len(paths) >= len(OF_THE_DOCUMENTS)
    assert not [path.name for path in paths if "arn:aws" in path.read_text()]
