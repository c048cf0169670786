"""Pictures: all that is deployed in an account, whichever way, in words that can be compared.

Names and ids that AWS made up are replaced by those that Chalice would have given, so that two
pictures differ where two deployments do.
"""

import json
import os
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cloud import Cloud

Picture = dict[tuple[str, str], dict[str, Any]]
"""The properties of each resource, by its kind and what it is."""

_OF_THE_MOMENT = {
    "mapping": {
        "UUID",
        "EventSourceMappingArn",
        "LastModified",
        "LastProcessingResult",
        "StateTransitionReason",
    },
    "table": {
        "TableId",
        "TableArn",
        "CreationDateTime",
        "LatestStreamArn",
        "LatestStreamLabel",
        "ItemCount",
        "TableSizeBytes",
        "GlobalSecondaryIndexes",
        "BillingModeSummary",
        "ProvisionedThroughput",
    },
    "queue": {"CreatedTimestamp", "LastModifiedTimestamp"},
    "alarm": {
        "AlarmConfigurationUpdatedTimestamp",
        "StateReason",
        "StateReasonData",
        "StateTransitionedTimestamp",
        "StateUpdatedTimestamp",
        "StateValue",
    },
    "stage": {"deploymentId", "createdDate", "lastUpdatedDate"},
    "API": {"id", "createdDate", "rootResourceId", "apiStatus"},
}
"""What each deployment has of its own: ids, times, counts."""

_OF_A_FUNCTION = (
    "Architectures",
    "CodeSha256",
    "Handler",
    "KMSKeyArn",
    "Layers",
    "MemorySize",
    "Runtime",
    "Timeout",
    "TracingConfig",
)


def picture(cloud: Cloud) -> Picture:
    """What is deployed."""
    found: Picture = {}
    names: dict[str, str] = {}
    for part in (_functions, _apis, _tables, _queues, _logs, _monitoring, _rules):
        for kind, what, properties in part(cloud, names):
            found[kind, what] = properties
    return {
        key: {
            name: value if name == "name" else _renamed(value, names)
            for name, value in properties.items()
        }
        for key, properties in found.items()
    }


def keep(it: Picture, folders: pytest.TempPathFactory) -> None:
    """Keeps the picture of what `ops deploy` made, for all workers of this run."""
    path = _kept(folders)
    new = path.with_suffix(".new")
    new.write_bytes(pickle.dumps(it))
    new.rename(path)  # All of it appears at once.


def kept(folders: pytest.TempPathFactory) -> Picture | None:
    """The picture that a test of this run has kept already."""
    path = _kept(folders)
    return pickle.loads(path.read_bytes()) if path.exists() else None


def _kept(folders: pytest.TempPathFactory) -> Path:
    base = folders.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "deployed.pickle"


def differences(one: Picture, other: Picture) -> set[tuple[str, str]]:
    """The kinds of resources and the properties in which two pictures differ."""
    found = {(kind, "presence") for kind, _ in one.keys() ^ other.keys()}
    for kind, what in one.keys() & other.keys():
        left, right = one[kind, what], other[kind, what]
        found |= {
            (kind, name) for name in left.keys() | right.keys() if left.get(name) != right.get(name)
        }
    return found


Parts = Iterator[tuple[str, str, dict[str, Any]]]


def _functions(cloud: Cloud, names: dict[str, str]) -> Parts:
    functions, iam = cloud.client("lambda"), cloud.client("iam")
    for live in functions.list_functions()["Functions"]:
        name, role = live["FunctionName"], live["Role"].rpartition("/")[2]
        variables = live["Environment"]["Variables"]
        what = f"{variables['TWOFOLD_SERVES']} {live['Handler']}"
        function = live["Handler"].rpartition(".")[2].replace("app", "api_handler")
        names[role] = f"twofold-{variables['TWOFOLD_SERVES']}-{function}"
        names[name] = names[role].removesuffix("-api_handler")
        policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])
        yield (
            "function",
            what,
            {
                "name": name,
                "callers": sorted(
                    f"{each['Principal']} {each.get('Condition')}" for each in policy["Statement"]
                )
                if live["Handler"] != "chalicelib.http.auth.authorize"
                else [],
                **{key: live.get(key) or None for key in _OF_A_FUNCTION},
                **{f"environment {key}": value for key, value in variables.items()},
                "log group": live["LoggingConfig"]["LogGroup"],
                "tags": _tags(functions.list_tags(Resource=live["FunctionArn"])["Tags"]),
            },
        )
        granted = iam.get_role(RoleName=role)["Role"]
        inline = iam.list_role_policies(RoleName=role)["PolicyNames"]
        yield (
            "role",
            what,
            {
                "name": role,
                "trust": granted["AssumeRolePolicyDocument"],
                "boundary": granted.get("PermissionsBoundary"),
                "tags": _tags(iam.list_role_tags(RoleName=role)["Tags"]),
                "policies": [
                    iam.get_role_policy(RoleName=role, PolicyName=each)["PolicyDocument"]
                    for each in inline
                ],
                "attached": iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"],
            },
        )
        for mapping in functions.list_event_source_mappings(FunctionName=name)[
            "EventSourceMappings"
        ]:
            table = mapping["EventSourceArn"].rpartition(":table/")[2].partition("/")[0]
            yield "mapping", what, {**_lasting("mapping", mapping), "EventSourceArn": table}


def _apis(cloud: Cloud, names: dict[str, str]) -> Parts:
    gateway = cloud.client("apigateway")
    for live in gateway.get_rest_apis()["items"]:
        id, what = live["id"], live["name"]
        names[id] = f"api-{what}"
        arn = f"arn:aws:apigateway:{gateway.meta.region_name}::/restapis/{id}"
        tags = live.get("tags", {}) | gateway.get_tags(resourceArn=arn)["tags"]
        yield "API", what, {**_lasting("API", live), "tags": _tags(tags)}
        authorizers = gateway.get_authorizers(restApiId=id)["items"]
        known = {each["id"]: each["name"] for each in authorizers}
        for each in authorizers:
            properties = {key: value for key, value in each.items() if key != "id"}
            yield "authorizer", f"{what} {each['name']}", properties
        for resource in gateway.get_resources(restApiId=id, limit=500)["items"]:
            for method in resource.get("resourceMethods", {}):
                full = gateway.get_method(
                    restApiId=id, resourceId=resource["id"], httpMethod=method
                )
                integration = full["methodIntegration"]
                yield (
                    "method",
                    f"{what} {method} {resource['path']}",
                    {
                        "authorization": full["authorizationType"],
                        "authorizer": known.get(full.get("authorizerId", "")),
                        "integration": [integration.get(key) for key in ("type", "uri")],
                    },
                )
        for response in gateway.get_gateway_responses(restApiId=id)["items"]:
            if not response["defaultResponse"]:
                yield "gateway response", f"{what} {response['responseType']}", response
        for stage in gateway.get_stages(restApiId=id)["item"]:
            settings = {
                place.replace("~1", "/").lstrip("/"): setting
                for place, setting in stage["methodSettings"].items()
            }
            name = stage["stageName"]
            tags = gateway.get_tags(resourceArn=f"{arn}/stages/{name}")["tags"]
            log = stage["accessLogSettings"]
            # CloudFormation's ARN of a log group ends so; API Gateway keeps it without.
            log["destinationArn"] = log.get("destinationArn", "").removesuffix(":*")
            yield (
                "stage",
                f"{what} {name}",
                {
                    **_lasting("stage", stage),
                    "methodSettings": settings,
                    "tags": _tags(stage.get("tags", {}) | tags),
                },
            )


def _tables(cloud: Cloud, _: dict[str, str]) -> Parts:
    dynamodb = cloud.client("dynamodb")
    for name in dynamodb.list_tables()["TableNames"]:
        live = dynamodb.describe_table(TableName=name)["Table"]
        backups = dynamodb.describe_continuous_backups(TableName=name)
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        yield (
            "table",
            name,
            {
                **_lasting("table", live),
                "billing": live.get("BillingModeSummary", {}).get("BillingMode"),
                "indexes": [
                    [each[key] for key in ("IndexName", "KeySchema", "Projection")]
                    for each in live.get("GlobalSecondaryIndexes", ())
                ],
                "recovery": recovery["PointInTimeRecoveryStatus"],
                "tags": _tags(dynamodb.list_tags_of_resource(ResourceArn=live["TableArn"])["Tags"]),
            },
        )


def _queues(cloud: Cloud, _: dict[str, str]) -> Parts:
    sqs = cloud.client("sqs")
    for url in sqs.list_queues().get("QueueUrls", ()):
        live = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        tags = _tags(sqs.list_queue_tags(QueueUrl=url).get("Tags"))
        yield "queue", url.rpartition("/")[2], {**_lasting("queue", live), "tags": tags}


def _logs(cloud: Cloud, names: dict[str, str]) -> Parts:
    logs = cloud.client("logs")
    for live in logs.describe_log_groups()["logGroups"]:
        name = live["logGroupName"]
        what = names.get(name.removeprefix("/aws/lambda/"), name)
        yield (
            "log group",
            what,
            {
                "retention": live.get("retentionInDays"),
                "key": live.get("kmsKeyId"),
                "tags": _tags(logs.list_tags_for_resource(resourceArn=live["logGroupArn"])["tags"]),
            },
        )


def _monitoring(cloud: Cloud, _: dict[str, str]) -> Parts:
    cloudwatch = cloud.client("cloudwatch")
    for page in cloudwatch.get_paginator("describe_alarms").paginate():
        for live in page["MetricAlarms"]:
            tags = _tags(cloudwatch.list_tags_for_resource(ResourceARN=live["AlarmArn"])["Tags"])
            yield "alarm", live["AlarmName"], {**_lasting("alarm", live), "tags": tags}
    for live in cloudwatch.list_dashboards()["DashboardEntries"]:
        name = live["DashboardName"]
        body = cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
        yield "dashboard", name, {"body": json.loads(body)}


def _rules(cloud: Cloud, names: dict[str, str]) -> Parts:
    events = cloud.client("events")
    for live in events.list_rules()["Rules"]:
        targets = events.list_targets_by_rule(Rule=live["Name"])["Targets"]
        (function,) = [each["Arn"].rpartition(":")[2] for each in targets]
        names[live["Name"]] = f"{names[function]}-event"
        yield (
            "schedule",
            names[function],
            {
                "name": live["Name"],
                "expression": live["ScheduleExpression"],
                "state": live["State"],
            },
        )


def _tags(live: Any) -> dict[str, str]:
    """Tags, but for those with which AWS, SAM and Chalice sign what they made."""
    found = live or {}
    if isinstance(found, list):
        found = {each["Key"]: each["Value"] for each in found}
    return {key: value for key, value in found.items() if not key.startswith(("aws", "lambda:"))}


def _lasting(kind: str, live: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in live.items() if key not in _OF_THE_MOMENT[kind]}


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """The value with each name, where it stands by itself, replaced by what it is of."""
    text = json.dumps(value, sort_keys=True, default=str)
    for name, what in names.items():
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", what, text)
    return json.loads(text)
