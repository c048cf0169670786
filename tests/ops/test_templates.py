"""The templates that are sent, judged by AWS's linter and translator, for all that is offered."""

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from chalicelib import telemetry
from chalicelib.telemetry import NAMESPACE
from ops import packaging
from ops.deploying.stage import BODY_BYTES
from ops.gateway import GATEWAY_ANSWERS
from ops.stages import PROJECT
from tests.ops.linter import faults, said
from tests.ops.packaged import ENVIRONMENTS, Described, described, environment
from tests.soak import examples

REGIONS = ["us-east-1", "us-gov-west-1", "eu-central-1", "ap-southeast-2"][: examples(2, 4)]
STAGES = [(name, stage.name) for name in ENVIRONMENTS for stage in environment(name)]


@pytest.fixture(scope="module")
def all_templates(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Described]:
    """Every stage's template, by environment and stage."""
    made = described(tmp_path_factory.mktemp("packaged"))
    return {(name, each.stage.name): each for name, stages in made.items() for each in stages}


@pytest.fixture(params=STAGES, ids=lambda stage: stage[1])
def sent(
    request: pytest.FixtureRequest, all_templates: dict[tuple[str, str], Described]
) -> Described:
    """One stage's template."""
    return all_templates[request.param]


@pytest.fixture(scope="module")
def write(all_templates: dict[tuple[str, str], Described]) -> Described:
    """The write stage's template of production."""
    return all_templates["prod", "write"]


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: part["Properties"] for name, part in resources.items() if part["Type"] == kind}


def test_the_linter_finds_nothing_in_regions_of_two_partitions(sent: Described) -> None:
    assert said(faults(sent.text, REGIONS)) == []


@pytest.mark.parametrize("name", ["kms-key", "github-oidc-role"])
def test_the_linter_finds_nothing_in_an_accounts_templates_in_any_partition(name: str) -> None:
    text = (PROJECT / "docs" / "examples" / f"{name}.json").read_text()
    regions = ["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1"]
    assert said(faults(text, regions, notes=True)) == []


def test_the_linter_would_find_the_log_group_that_chalice_forgets(write: Described) -> None:
    assert "${APIHandler}" in write.text
    broken = write.text.replace("/aws/lambda/${APIHandler}", "/aws/lambda/${ApiHandler}")
    assert any(fault.startswith("E1019") for fault in said(faults(broken, REGIONS[:1])))


def test_one_stage_is_public_and_it_is_throttled_traced_and_logged(sent: Described) -> None:
    resources = sent.expanded()["Resources"]
    ((name, stage),) = of_type(resources, "AWS::ApiGateway::Stage").items()
    assert (name, stage["StageName"]) == ("RestAPIv1Stage", "v1")
    assert stage["TracingEnabled"] is True
    whole, *open_to_all = stage["MethodSettings"]
    assert (whole["ResourcePath"], whole["HttpMethod"]) == ("/*", "*")
    assert 0 < whole["ThrottlingRateLimit"] <= whole["ThrottlingBurstLimit"]
    paths = sent.template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    unguarded = {
        path
        for path, methods in paths.items()
        for each in methods.values()
        if "security" not in each
    }
    assert {limit["ResourcePath"] for limit in open_to_all} == {
        f"/{path.replace('/', '~1')}" for path in unguarded
    }
    for limit in open_to_all:  # A browser asks for all files of the console at once.
        is_a_pages = (
            limit["ResourcePath"] == "/~1console~1{file}" or limit["HttpMethod"] == "OPTIONS"
        )
        assert limit["ThrottlingRateLimit"] <= (50 if is_a_pages else 10), limit
    logged = json.loads(stage["AccessLogSetting"]["Format"])
    assert logged["requestId"] == "$context.requestId"
    assert not re.search(r"header|authorization|token", json.dumps(logged), re.IGNORECASE)


def test_without_its_version_the_translator_would_make_a_second_public_stage(
    write: Described,
) -> None:
    template = write.template
    del template["Resources"]["RestAPI"]["Properties"]["OpenApiVersion"]
    deployments = of_type(write.expanded(template)["Resources"], "AWS::ApiGateway::Deployment")
    assert [each.get("StageName") for each in deployments.values()] == ["Stage"]


def test_a_deployment_makes_no_stage_of_its_own(sent: Described) -> None:
    deployments = of_type(sent.expanded()["Resources"], "AWS::ApiGateway::Deployment")
    assert [each.get("StageName") for each in deployments.values()] == [None]


def test_gateway_responses_are_in_the_body_and_a_change_of_them_is_deployed(
    sent: Described,
) -> None:
    template = sent.template
    resources = sent.expanded()["Resources"]
    assert not of_type(resources, "AWS::ApiGateway::GatewayResponse")
    (api,) = of_type(resources, "AWS::ApiGateway::RestApi").values()
    answers = api["Body"]["x-amazon-apigateway-gateway-responses"]
    assert answers.keys() >= GATEWAY_ANSWERS.keys()
    body = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    body["x-amazon-apigateway-gateway-responses"]["THROTTLED"]["statusCode"] = 418
    changed = of_type(sent.expanded(template)["Resources"], "AWS::ApiGateway::Deployment")
    assert changed.keys() != of_type(resources, "AWS::ApiGateway::Deployment").keys()


def test_the_endpoint_is_regional_and_the_api_bears_the_name_that_its_alarms_watch(
    sent: Described,
) -> None:
    resources = sent.expanded()["Resources"]
    (api,) = of_type(resources, "AWS::ApiGateway::RestApi").values()
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert api["Name"] == api["Body"]["info"]["title"] == sent.stage.stack


def test_every_function_has_the_pinned_runtime_and_processor(sent: Described) -> None:
    functions = of_type(sent.expanded()["Resources"], "AWS::Lambda::Function")
    assert len(functions) == len(sent.stage.functions)
    for function in functions.values():
        assert function["Runtime"] == sent.stage.runtime
        assert function["Architectures"] == [sent.stage.architecture]
        assert function["Code"] == {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}}
        assert function["TracingConfig"] == {"Mode": "Active"}


def test_every_reference_resolves(sent: Described) -> None:
    whole = sent.expanded()
    known = {*whole["Resources"], *whole.get("Parameters", {})}
    dangling = {
        name for name in references(whole) if name not in known and not name.startswith("AWS::")
    }
    assert dangling == set()
    conditions = set(whole.get("Conditions", {}))
    assert {node for key, node in walk(whole) if key == "Condition" and isinstance(node, str)} <= (
        conditions
    )
    assert {node[0] for key, node in walk(whole) if key == "Fn::If"} <= conditions


def references(whole: Any) -> Iterator[str]:
    """The names that a template refers to."""
    for key, node in walk(whole):
        if key == "Ref":
            yield node
        elif key == "Fn::GetAtt":
            yield node[0] if isinstance(node, list) else node.split(".")[0]
        elif key == "DependsOn":
            yield from [node] if isinstance(node, str) else node
        elif key == "Fn::Sub":
            text, given = (node, {}) if isinstance(node, str) else node
            for name in re.findall(r"\$\{([^!}][^}]*)\}", text):
                if name not in given:
                    yield name.split(".")[0]


def walk(node: Any) -> Iterator[tuple[str, Any]]:
    """Every key of every object, with its value."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def test_no_arn_names_a_partition_but_those_that_the_settings_give(sent: Described) -> None:
    given = json.dumps(sent.stage.variables)
    for arn in re.findall(r"arn:aws[^\"]*", sent.text + json.dumps(sent.expanded())):
        elsewhere = arn.replace("eu-west-1", "eu-central-1")  # A key's replica there.
        assert arn in given or elsewhere in given, arn


def test_no_policy_file_names_a_partition() -> None:
    files = list((PROJECT / ".chalice" / "policies").rglob("*.json"))
    assert files
    assert not [path for path in files if "arn:aws" in path.read_text()]


def test_what_adopts_an_existing_table_holds_of_each(sent: Described) -> None:
    """AWS, "Import AWS resources into a CloudFormation stack automatically": a static custom name,
    a DeletionPolicy of Retain or RetainExceptOnCreate, the primary identifier in the template and
    not read-only."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    for name, part in sent.template["Resources"].items():
        if not part["Type"].startswith("AWS::DynamoDB::"):
            continue
        assert isinstance(part["Properties"]["TableName"], str), name
        assert part["DeletionPolicy"] in ("Retain", "RetainExceptOnCreate")
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", part["Type"]).schema
        assert schema["primaryIdentifier"] == ["/properties/TableName"]
        assert "/properties/TableName" not in schema["readOnlyProperties"]


LAMBDA = {"Errors", "Throttles", "Duration", "IteratorAge", "Invocations"}
EMITTED: dict[str, tuple[set[str], set[str]]] = {
    # docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    "AWS/Lambda": (LAMBDA, {"FunctionName"}),
    # docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
    "AWS/ApiGateway": ({"Count", "4XXError", "5XXError", "Latency"}, {"ApiName", "Stage"}),
    # docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    "AWS/DynamoDB": (
        {
            "ReadThrottleEvents",
            "WriteThrottleEvents",
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
        },
        {"TableName"},
    ),
    # docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/
    # sqs-available-cloudwatch-metrics.html
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible"}, {"QueueName"}),
}
"""The metrics that AWS documents, and the dimensions they have."""


@cache
def own_metrics() -> frozenset[tuple[str, frozenset[str]]]:
    """The metrics that the code itself emits: their names and dimensions."""
    lines: list[str] = []
    with (
        patch.object(telemetry, "settings", lambda: Deployed()),
        patch.dict(os.environ, POWERTOOLS_METRICS_DISABLED="false"),
        patch("builtins.print", lambda line, **_: lines.append(line)),
    ):
        telemetry.answered("op", "ok", 200, "id")
        telemetry.projected("accounts", [(datetime.now(UTC), "id")], parked=0, retried=False)
        telemetry.watched("accounts", 0, 0.0)
        telemetry.apart("PostTransaction", 90.0)
        telemetry.altered("accounts", "acme/account/cash@1", "MODIFY")
    found = set()
    for line in lines:
        for directive in json.loads(line)["_aws"]["CloudWatchMetrics"]:
            assert directive["Namespace"] == NAMESPACE
            for dimensions in directive["Dimensions"]:
                for metric in directive["Metrics"]:
                    found.add((metric["Name"], frozenset(dimensions)))
    return frozenset(found)


class Deployed:
    """Settings of a process in a Lambda."""

    in_lambda, environment, replica, serves = True, "prod", "", ("write",)


def test_every_metric_of_alarms_and_dashboard_is_one_that_something_emits(sent: Described) -> None:
    resources = sent.template["Resources"]
    watched = [
        (part["Namespace"], part["MetricName"], {each["Name"] for each in part["Dimensions"]})
        for part in of_type(resources, "AWS::CloudWatch::Alarm").values()
    ]
    (board,) = of_type(resources, "AWS::CloudWatch::Dashboard").values()
    for widget in json.loads(board["DashboardBody"]["Fn::Sub"])["widgets"]:
        for namespace, name, *pairs in widget["properties"]["metrics"]:
            named = [each for each in pairs if not isinstance(each, dict)]
            watched.append((namespace, name, set(named[::2])))
    for namespace, name, dimensions in watched:
        if namespace == NAMESPACE:
            assert (name, frozenset(dimensions)) in own_metrics(), (name, dimensions)
        else:
            names, allowed = EMITTED[namespace]
            assert name in names
            assert dimensions == allowed, name


def test_what_would_ring_when_the_api_is_dead_is_watched(sent: Described) -> None:
    alarms = of_type(sent.template["Resources"], "AWS::CloudWatch::Alarm").values()
    watched = {
        (each["MetricName"], function)
        for each in alarms
        for dimension in each["Dimensions"]
        for function in [
            dimension["Value"]["Ref"]
            if isinstance(dimension["Value"], dict) and "Ref" in dimension["Value"]
            else ""
        ]
    }
    functions = {"APIHandler"} | ({"Authorize"} if sent.stage.auth == "keys" else set())
    for function in functions:
        assert {(name, function) for name in ("Errors", "Throttles", "Duration")} <= watched
    if "sweep" in sent.stage.functions:
        assert {("Errors", "Sweep"), ("Throttles", "Sweep")} <= watched
    assert ("5XXError", "") in watched
    (slow,) = [
        each
        for each in alarms
        if each["MetricName"] == "Duration"
        and each["Dimensions"][0]["Value"] == {"Ref": "APIHandler"}
    ]
    assert slow["ExtendedStatistic"] == "p99"
    assert slow["Threshold"] < 1000 * sent.stage.timeout("api_handler")


def test_methods_are_what_sam_makes_of_a_functions_route_and_how_they_are_secured(
    sent: Described,
) -> None:
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "F": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "Runtime": "python3.11",
                    "Handler": "app.app",
                    "InlineCode": "-",
                    "Events": {
                        "E": {"Type": "Api", "Properties": {"Path": "/{id}", "Method": "GET"}}
                    },
                },
            }
        },
    }
    theirs = sent.expanded(template)["Resources"]["ServerlessRestApi"]["Properties"]["Body"]
    method = theirs["paths"]["/{id}"]["get"]
    integration = "x-amazon-apigateway-integration"
    (api,) = of_type(sent.template["Resources"], "AWS::Serverless::Api").values()
    for methods in api["DefinitionBody"]["paths"].values():
        for ours in methods.values():
            assert ours.keys() - {"security"} == set(method)
            assert ours["responses"] == method["responses"]
            assert ours[integration].keys() == set(method[integration])
            assert ours[integration]["type"] == method[integration]["type"]


def test_sizes_are_below_the_limits(sent: Described) -> None:
    """AWS, "CloudFormation quotas" and "IAM and AWS STS quotas"."""
    whole = sent.expanded()
    assert len(sent.text.encode()) < 1_000_000  # A template in S3.
    assert len(sent.text.encode()) <= BODY_BYTES, "a plan would have to upload it"
    assert len(json.dumps(whole).encode()) < 1_000_000
    assert len(whole["Resources"]) < 500
    assert len(whole.get("Parameters", {})) < 200
    assert len(whole["Outputs"]) < 200
    assert all(len(name) <= 255 for name in whole["Resources"])
    for role in of_type(whole["Resources"], "AWS::IAM::Role").values():
        inline = [
            json.dumps(each["PolicyDocument"], separators=(",", ":")) for each in role["Policies"]
        ]
        assert sum(map(len, inline)) <= 10_240
    for function in of_type(whole["Resources"], "AWS::Lambda::Function").values():
        assert len(json.dumps(function["Environment"]["Variables"])) <= 4096
    for queue in of_type(whole["Resources"], "AWS::SQS::Queue").values():
        assert len(queue["QueueName"]) <= 80


def test_a_key_of_ones_own_encrypts_tables_queues_and_logs(
    all_templates: dict[tuple[str, str], Described],
) -> None:
    for name in ("guarded", "regions"):
        for stage in environment(name):
            resources = all_templates[name, stage.name].template["Resources"]
            key = stage.kms_key
            assert key is not None
            for log in of_type(resources, "AWS::Logs::LogGroup").values():
                assert log["KmsKeyId"] == key
            for queue in of_type(resources, "AWS::SQS::Queue").values():
                assert queue["KmsMasterKeyId"] == key
            for table in of_type(resources, "AWS::DynamoDB::Table").values():
                assert table["SSESpecification"]["KMSMasterKeyId"] == key
            for table in of_type(resources, "AWS::DynamoDB::GlobalTable").values():
                here, there = (
                    each["SSESpecification"]["KMSMasterKeyId"] for each in table["Replicas"]
                )
                assert (here, there) == (key, key.replace("eu-central-1", "eu-west-1"))


def test_a_boundary_bounds_every_role(all_templates: dict[tuple[str, str], Described]) -> None:
    for stage in environment("guarded"):
        roles = of_type(
            all_templates["guarded", stage.name].template["Resources"], "AWS::IAM::Role"
        )
        assert len(roles) == len(stage.functions)
        assert {each["PermissionsBoundary"] for each in roles.values()} == {
            stage.permissions_boundary
        }


def test_a_domain_has_one_base_path_for_each_stage(
    all_templates: dict[tuple[str, str], Described],
) -> None:
    mapped = {}
    for stage in environment("guarded"):
        resources = all_templates["guarded", stage.name].expanded()["Resources"]
        (mapping,) = of_type(resources, "AWS::ApiGateway::BasePathMapping").values()
        mapped[mapping["BasePath"]] = mapping["DomainName"]
        assert mapping["Stage"] == {"Ref": "RestAPIv1Stage"}
    assert mapped == dict.fromkeys(("write", "accounts", "journal"), "ledger.example.com")
    writes = all_templates["guarded", "guarded-write"].template["Resources"]
    (name,) = of_type(writes, "AWS::ApiGateway::DomainName").values()
    assert name["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    variables = writes["APIHandler"]["Properties"]["Environment"]["Variables"]
    assert variables["TWOFOLD_ACCOUNTS_URL"] == "https://ledger.example.com/accounts"
    assert variables["TWOFOLD_JOURNAL_URL"] == "https://ledger.example.com/journal"


def test_preflight_requests_are_let_through_where_pages_of_other_origins_are_allowed(
    all_templates: dict[tuple[str, str], Described],
) -> None:
    for (name, _), each in all_templates.items():
        body = each.template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
        guarded = {
            path
            for path, methods in body["paths"].items()
            if any("security" in method for method in methods.values())
        }
        asked = {path for path, methods in body["paths"].items() if "options" in methods}
        assert asked == (guarded if name == "console" else set())
        assert not [path for path in asked if "security" in body["paths"][path]["options"]]
        limits = each.template["Resources"]["RestAPI"]["Properties"]["MethodSettings"]
        limited = {one["ResourcePath"] for one in limits if one["HttpMethod"] == "OPTIONS"}
        assert limited == {f"/{path.replace('/', '~1')}" for path in asked}
        for response in body["x-amazon-apigateway-gateway-responses"].values():
            headers = response["responseParameters"]
            allowed = headers.get("gatewayresponse.header.Access-Control-Allow-Origin")
            assert allowed == ("'*'" if name == "console" else None)


def test_only_the_lambda_of_the_api_has_the_addresses(
    all_templates: dict[tuple[str, str], Described],
) -> None:
    resources = all_templates["console", "console-journal"].template["Resources"]
    having = [
        name
        for name, part in of_type(resources, "AWS::Serverless::Function").items()
        if "TWOFOLD_JOURNAL_URL" in part["Environment"]["Variables"]
    ]
    assert having == ["APIHandler"]


def test_packaging_asks_for_no_credentials_and_no_region(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write: Described
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (stage, *_) = environment("prod")
    packaging.lay_out([stage], tmp_path / "project")
    text, base = packaging.describe(tmp_path / "project", stage, tmp_path / "out")
    assert text == write.text
    assert base.is_file()
