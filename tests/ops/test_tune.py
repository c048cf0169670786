"""`ops tune` applies all that the template says, by calls that AWS's service models accept."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, uuid5
from zipfile import ZipFile

import botocore.session
import click
import pytest
from click.testing import CliRunner

from chalicelib import settings
from ops import provision, tune
from ops.deploy import EVENTS_WORD
from ops.stages import Stage, stages
from ops.template import completed
from ops.tuning import api, deployed, monitoring, tuner
from ops.tuning.deployed import Deployed, skeleton
from ops.tuning.handling import Target
from ops.tuning.resolving import Resolver, Unknown

ACCOUNT, REGION = "123456789012", "eu-central-1"
STREAM = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/twofold-prod-events/stream/2026"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/bounds"
VARIANTS: dict[str, dict[str, str]] = {
    "plain": {},
    "everything of one's own": {
        "TWOFOLD_KMS_KEY": KEY,
        "TWOFOLD_ALARM_TOPIC": f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms",
        "TWOFOLD_PERMISSIONS_BOUNDARY": BOUNDARY,
        "TWOFOLD_DOMAIN": "ledger.example.com",
        "TWOFOLD_CERTIFICATE": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0a1b",
    },
    "kinesis": {"TWOFOLD_KINESIS_STREAM": "twofold-prod-events"},
    "replica": {"TWOFOLD_KINESIS_STREAM": "twofold-prod-events", "TWOFOLD_REPLICA": "b"},
    "iam": {"TWOFOLD_AUTH": "iam"},
    "cognito": {
        "TWOFOLD_AUTH": "cognito",
        "TWOFOLD_USER_POOL_ARN": f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/pool",
    },
    "throttled": {"TWOFOLD_RATE": "7", "TWOFOLD_BURST": "9"},
}
STAGES = {stage.name: stage for stage in stages("prod")}

Calls = list[tuple[str, dict[str, Any]]]


class Answers:
    """Clients whose calls are checked against AWS's service models, kept, and answered here."""

    current: ClassVar["Answers"]

    def __init__(self, **others: Any) -> None:
        self.calls: Calls = []
        self._answers: dict[str, Any] = {
            "GetFunctionConfiguration": {"FunctionName": "one", "Runtime": "python3.11"},
            "GetEventSourceMapping": {"EventSourceArn": STREAM},
            "GetQueueUrl": "QueueDoesNotExist",
            "CreateQueue": {"QueueUrl": "https://queue"},
            "GetAuthorizers": {"items": [{"id": "a1", "name": "authorize"}]},
            "GetStage": {"methodSettings": {}},
            "GetRole": {"Role": {"Arn": f"arn:aws:iam::{ACCOUNT}:role/logs"}},
            "GetDomainName": "NotFoundException",
            "GetBasePathMapping": "NotFoundException",
            "DescribeStream": {"StreamDescription": {"StreamStatus": "ACTIVE"}},
            "DescribeStreamSummary": {
                "StreamDescriptionSummary": {
                    "RetentionPeriodHours": 24,
                    "StreamARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/twofold-prod-events",
                }
            },
            **others,
        }

    def client(self, service: str) -> Any:
        """A client that sends nothing."""
        Answers.current = self
        return client(service)

    def of(self, operation: str) -> list[dict[str, Any]]:
        """The parameters of each call of an operation."""
        return [parameters for name, parameters in self.calls if name == operation]

    def answer(self, operation: str) -> tuple[Any, dict[str, Any]]:
        """A response and its content, as botocore has them."""
        answer = self._answers.get(operation, {})
        if isinstance(answer, str):
            error = {"Error": {"Code": answer, "Message": "there is none"}}
            return SimpleNamespace(status_code=404), error
        return SimpleNamespace(status_code=200), answer


@cache
def client(service: str) -> Any:
    """One client for all tests, since making one takes longer than a test."""
    made = botocore.session.get_session().create_client(
        service, region_name=REGION, aws_access_key_id="none", aws_secret_access_key="none"
    )
    events: Any = made.meta.events

    def keep(params: dict[str, Any], model: Any, **_: Any) -> None:
        Answers.current.calls.append((model.name, params))

    def answer(model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        return Answers.current.answer(model.name)

    events.register("provide-client-params.*.*", keep)
    events.register("before-call.*.*", answer)
    return made


def mapping_of(projector: str) -> str:
    """An id as AWS gives it to an event source mapping."""
    return str(uuid5(NAMESPACE_URL, projector))


def at(stage: Stage) -> Deployed:
    """A stage as deployed."""
    return Deployed(
        ACCOUNT,
        REGION,
        "aws",
        api="api1",
        url="https://api1.example/v1",
        roles={name: f"role-of-{name}" for name in stage.functions},
        mappings={name: mapping_of(name) for name in stage.projectors},
    )


def tuned(stage: Stage, answers: Answers) -> Target:
    """A stage, tuned with these answers of AWS."""
    target = Target(stage, at(stage), answers.client)
    assert list(tuner.apply(target, tuner.steps(target, STREAM)))
    return target


def varied(stage: Stage, variables: Mapping[str, str]) -> Stage:
    """The stage with further settings."""
    return replace(stage, variables={**stage.variables, **variables})


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", STAGES)
def test_all_that_the_template_says_is_applied_by_calls_that_aws_would_accept(
    name: str, variant: str
) -> None:
    stage, answers = varied(STAGES[name], VARIANTS[variant]), Answers()

    target = tuned(stage, answers)

    resources = completed(skeleton(stage), stage)["Resources"]

    def names(kind: str, property: str) -> set[str]:
        return {
            part["Properties"][property]
            for part in resources.values()
            if part["Type"] == f"AWS::{kind}"
        }

    assert {each["AlarmName"] for each in answers.of("PutMetricAlarm")} == names(
        "CloudWatch::Alarm", "AlarmName"
    )
    assert {each["DashboardName"] for each in answers.of("PutDashboard")} == {stage.stack}
    assert {each["QueueName"] for each in answers.of("CreateQueue")} == names(
        "SQS::Queue", "QueueName"
    )
    assert {each["UUID"] for each in answers.of("UpdateEventSourceMapping")} == {
        mapping_of(projector) for projector in stage.projectors
    }
    wanted = resources["RestAPI"]["Properties"]["DefinitionBody"]
    assert {each["responseType"] for each in answers.of("PutGatewayResponse")} == set(
        wanted["x-amazon-apigateway-gateway-responses"]
    )
    assert len(answers.of("UpdateAuthorizer")) == (stage.auth == "keys")
    logs = {each["logGroupName"] for each in answers.of("PutRetentionPolicy")}
    assert logs == {
        f"/aws/apigateway/{stage.stack}",
        *(f"/aws/lambda/{deployed.function_name(stage, name)}" for name in stage.functions),
    }
    assert "${" not in json.dumps(answers.calls)
    assert target.deployed.api == "api1"


@pytest.mark.parametrize("name", STAGES)
def test_what_is_the_accounts_own_is_given_to_all_that_it_concerns(name: str) -> None:
    variables = VARIANTS["everything of one's own"]
    stage, answers = varied(STAGES[name], variables), Answers()

    tuned(stage, answers)

    bounded = {each["RoleName"] for each in answers.of("PutRolePermissionsBoundary")}
    assert bounded == {f"role-of-{function}" for function in stage.functions}
    encrypted = {each["logGroupName"] for each in answers.of("AssociateKmsKey")}
    assert encrypted == {each["logGroupName"] for each in answers.of("PutRetentionPolicy")}
    for queue in answers.of("CreateQueue"):
        assert queue["Attributes"]["KmsMasterKeyId"] == KEY
    for alarm in answers.of("PutMetricAlarm"):
        assert alarm["AlarmActions"] == [variables["TWOFOLD_ALARM_TOPIC"]]
    (path,) = answers.of("CreateBasePathMapping")
    assert (path["basePath"], path["restApiId"], path["stage"]) == (name, "api1", "v1")
    assert len(answers.of("CreateDomainName")) == (name == "write")


def test_the_event_table_is_connected_to_the_kinesis_stream() -> None:
    answers = Answers()
    tuned(varied(STAGES["write"], VARIANTS["kinesis"]), answers)

    (connected,) = answers.of("EnableKinesisStreamingDestination")
    assert connected["StreamArn"].endswith(":stream/twofold-prod-events")
    assert [each["RetentionPeriodHours"] for each in answers.of("IncreaseStreamRetentionPeriod")]


def test_a_stage_is_deployed_with_its_responses_before_its_own_settings_are_made() -> None:
    answers = Answers()
    tuned(STAGES["write"], answers)

    order = [name for name, _ in answers.calls]
    assert order.index("CreateDeployment") > max(
        place for place, name in enumerate(order) if name == "PutGatewayResponse"
    )
    # AWS takes no access log before the account has a role for them.
    assert order.index("UpdateAccount") < order.index("UpdateStage")


def test_a_role_for_access_logs_that_is_there_stays() -> None:
    answers = Answers(GetAccount={"cloudwatchRoleArn": "arn:aws:iam::1:role/theirs"})
    tuned(STAGES["write"], answers)

    assert answers.of("CreateRole") == answers.of("UpdateAccount") == []


def test_the_settings_of_a_stage_are_those_of_the_template_and_no_others() -> None:
    stage = STAGES["write"]
    live: dict[str, Any] = {"methodSettings": {"*/*": {}, "health/GET": {}, "old/path/GET": {}}}
    answers = Answers(GetStage=live)

    tuned(stage, answers)

    (updated,) = answers.of("UpdateStage")
    made = {each["path"]: each.get("value") for each in updated["patchOperations"]}
    assert made["/tracingEnabled"] == "true"
    assert made["/*/*/throttling/rateLimit"] == "500"
    assert made["/~1health/GET/throttling/rateLimit"] == "10"
    assert made["/accessLogSettings/destinationArn"].endswith(
        ":log-group:/aws/apigateway/twofold-write"
    )
    removed = [each["path"] for each in updated["patchOperations"] if each["op"] == "remove"]
    assert removed == ["/old~1path/GET"]


def test_a_mapping_of_another_stream_is_refused_with_what_to_do() -> None:
    answers = Answers(GetEventSourceMapping={"EventSourceArn": STREAM + "-before"})

    with pytest.raises(click.ClickException, match="run provision, then deploy it again"):
        tuned(STAGES["accounts"], answers)


def test_a_lambda_on_another_runtime_is_refused() -> None:
    answers = Answers(
        GetFunctionConfiguration={"FunctionName": "twofold-write", "Runtime": "python3.13"}
    )
    with pytest.raises(click.ClickException, match=r"runs on python3\.13, not python3\.11"):
        tuned(STAGES["write"], answers)


def test_a_table_that_is_missing_is_refused_with_what_to_do() -> None:
    with pytest.raises(click.ClickException, match="--stage write provision"):
        tuned(STAGES["write"], Answers(DescribeTable="ResourceNotFoundException"))


def _with_type(template: dict[str, Any]) -> None:
    template["Resources"]["Topic"] = {"Type": "AWS::SNS::Topic", "Properties": {}}


def _with_property(template: dict[str, Any]) -> None:
    template["Resources"]["ErrorRateAlarm"]["Properties"]["Unit"] = "Count"


def _with_setting(template: dict[str, Any]) -> None:
    template["Resources"]["RestAPI"]["Properties"]["MethodSettings"][0]["MetricsEnabled"] = True


def _with_extension(template: dict[str, Any]) -> None:
    template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["x-new"] = {}


def _with_mapping(template: dict[str, Any]) -> None:
    (source,) = template["Resources"]["ProjectAccounts"]["Properties"]["Events"].values()
    source["Properties"]["TumblingWindowInSeconds"] = 1


def _with_reference(template: dict[str, Any]) -> None:
    template["Resources"]["Dashboard"]["Properties"]["DashboardBody"] = {"Ref": "Elsewhere"}


def _with_function(template: dict[str, Any]) -> None:
    body = {"Fn::ImportValue": "elsewhere"}
    template["Resources"]["Dashboard"]["Properties"]["DashboardBody"] = body


def _with_attribute(template: dict[str, Any]) -> None:
    body = {"Fn::GetAtt": ["ProjectAccountsFailed", "QueueUrl"]}
    template["Resources"]["Dashboard"]["Properties"]["DashboardBody"] = body


def _with_condition(template: dict[str, Any]) -> None:
    template["Conditions"]["Protected"] = {"Fn::Not": [{"Fn::Equals": ["1", "2"]}]}


@pytest.mark.parametrize(
    "changed",
    [
        _with_type,
        _with_property,
        _with_setting,
        _with_extension,
        _with_mapping,
        _with_reference,
        _with_function,
        _with_attribute,
        _with_condition,
    ],
)
def test_nothing_of_a_template_is_passed_over(
    changed: Callable[[dict[str, Any]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(template: dict[str, Any], stage: Stage) -> dict[str, Any]:
        whole = completed(template, stage)
        changed(whole)
        return whole

    monkeypatch.setattr(tuner, "completed", other)

    with pytest.raises(Unknown):
        tuned(STAGES["accounts"], Answers())


def test_a_condition_chooses_by_the_parameters() -> None:
    template = {"Conditions": {"On": {"Fn::Equals": [{"Ref": "Switch"}, "on"]}}, "Resources": {}}
    chosen = {"Fn::If": ["On", {"Fn::Sub": "in ${AWS::Region}"}, "off"]}
    where = Deployed(ACCOUNT, REGION, "aws")

    assert Resolver(template, where, {"Switch": "on"}, {}).resolve(chosen) == f"in {REGION}"
    assert Resolver(template, where, {"Switch": "no"}, {}).resolve(chosen) == "off"


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", STAGES)
def test_all_that_was_made_is_removed_but_for_the_tables(name: str, variant: str) -> None:
    stage = varied(STAGES[name], VARIANTS[variant])
    made = Answers()
    tuned(stage, made)
    answers = Answers(GetQueueUrl={"QueueUrl": "https://queue"})
    target = Target(stage, Deployed(ACCOUNT, REGION, "aws"), answers.client)

    assert list(tuner.remove(target, tuner.steps(target)))

    for creates, deletes in (
        ("PutMetricAlarm", "DeleteAlarms"),
        ("PutDashboard", "DeleteDashboards"),
        ("CreateQueue", "DeleteQueue"),
        ("CreateStream", "DeleteStream"),
        ("EnableKinesisStreamingDestination", "DisableKinesisStreamingDestination"),
        ("CreateDomainName", "DeleteDomainName"),
        ("CreateBasePathMapping", "DeleteBasePathMapping"),
    ):
        assert len(made.of(creates)) == len(answers.of(deletes)), deletes
    assert answers.of("DeleteTable") == []
    # `chalice delete` comes next, and stops if one of the Lambdas' log groups is gone.
    (deleted,) = answers.of("DeleteLogGroup")
    assert deleted["logGroupName"] == f"/aws/apigateway/{stage.stack}"


def test_what_chalice_leaves_of_logs_is_deleted_with_the_tables() -> None:
    stage, answers = STAGES["write"], Answers()

    lines = list(monitoring.delete_lambda_logs(answers.client("logs"), stage))

    deleted = {each["logGroupName"] for each in answers.of("DeleteLogGroup")}
    assert deleted == {
        "/aws/lambda/twofold-write",
        "/aws/lambda/twofold-write-api_handler",
        "/aws/lambda/twofold-write-authorize",
        "/aws/lambda/twofold-write-sweep",
    }
    assert len(lines) == 4
    none = Answers(DeleteLogGroup="ResourceNotFoundException")
    assert list(monitoring.delete_lambda_logs(none.client("logs"), stage)) == []


def recorded(folder: Path, stage: Stage, *, without: str = "") -> None:
    """What Chalice records of a deployment."""
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
    parts: list[dict[str, str]] = [
        {"name": "rest_api", "resource_type": "rest_api", "rest_api_id": "api1"}
        | {"rest_api_url": "https://api1.example/v1/"}
    ]
    for name in stage.functions:
        if name != without:
            parts.append({"name": name, "lambda_arn": f"{arn}{stage.stack}-{name}"})
            parts.append({"name": f"{name}_role", "role_name": f"role-of-{name}"})
    parts += [
        {"name": f"{name}-dynamodb-event-source", "event_uuid": mapping_of(name)}
        for name in stage.projectors
    ]
    (folder / f"{stage.name}.json").write_text(json.dumps({"resources": parts}))


@pytest.mark.parametrize("name", STAGES)
def test_chalices_record_says_where_a_stage_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployed, "RECORDS", tmp_path)
    recorded(tmp_path, STAGES[name])

    assert deployed.deployed(STAGES[name], {"Account": ACCOUNT}, REGION) == at(STAGES[name])


def test_a_stage_that_was_not_deployed_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployed, "RECORDS", tmp_path)
    stage, identity = STAGES["write"], {"Account": ACCOUNT}

    with pytest.raises(click.ClickException, match="run `chalice deploy --stage write` first"):
        deployed.deployed(stage, identity, REGION)
    (tmp_path / "write.json").write_text('{"resources": []}')  # What `chalice delete` leaves.
    with pytest.raises(click.ClickException, match="run `chalice deploy --stage write` first"):
        deployed.deployed(stage, identity, REGION)
    recorded(tmp_path, stage, without="sweep")
    with pytest.raises(click.ClickException, match="without sweep"):
        deployed.deployed(stage, identity, REGION)
    recorded(tmp_path, stage)
    for account, region in (("999999999999", REGION), (ACCOUNT, "us-east-1")):
        with pytest.raises(click.ClickException, match="was deployed to"):
            deployed.deployed(stage, {"Account": account}, region)


def test_another_python_than_the_lambdas_is_refused_in_one_line() -> None:
    stage = varied(STAGES["write"], {"TWOFOLD_RUNTIME": "python3.13"})
    with pytest.raises(click.ClickException, match=r"runs on python3\.13 and this is python3"):
        deployed.check_limits(stage)


def test_what_chalice_cannot_make_is_refused_with_what_can() -> None:
    deployed.check_limits(STAGES["write"])
    copies = varied(STAGES["accounts"], {"TWOFOLD_REPLICAS": "eu-west-1"})
    with pytest.raises(click.ClickException, match="twofold deploy --environment prod"):
        deployed.check_limits(copies)
    elsewhere = varied(STAGES["accounts"], {"TWOFOLD_REGION": "eu-west-1"})
    with pytest.raises(click.ClickException, match="set AWS_DEFAULT_REGION=eu-west-1"):
        deployed.check_limits(elsewhere)
    described = replace(STAGES["accounts"], config={**STAGES["accounts"].config, "xray": False})
    with pytest.raises(click.ClickException, match=r"Chalice reads \.chalice/config\.json alone"):
        deployed.check_limits(described)


@pytest.mark.parametrize("command", [tune.tune, provision.provision])
def test_a_stage_has_to_be_named(command: click.Command) -> None:
    done = CliRunner().invoke(command, [], obj=None)
    assert done.exit_code != 0
    assert "name a stage first" in done.output


def test_nothing_is_taken_away_below_a_stage_that_is_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployed, "RECORDS", tmp_path)
    recorded(tmp_path, STAGES["write"])

    done = CliRunner().invoke(provision.provision, ["--remove"], obj=STAGES["write"])

    assert done.output == "Error: write is deployed: run `chalice delete --stage write` first\n"


@pytest.mark.parametrize("words", [["--remove", "--events", "yes"], ["--events", EVENTS_WORD]])
def test_the_books_are_deleted_by_the_whole_of_the_word_only(words: list[str]) -> None:
    done = CliRunner().invoke(provision.provision, words, obj=STAGES["write"])
    assert done.exit_code != 0
    assert f"--remove --events {EVENTS_WORD}" in done.output


def test_the_stream_of_each_environment_is_noted_for_chalice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = tmp_path / "folder" / "provisioned.json"
    provision.remember("prod", STREAM, noted)
    provision.remember("staging", STREAM + "-staging", noted)
    monkeypatch.setattr(settings, "PROVISIONED", noted)

    def read(**environ: str) -> str:
        return settings.read({"TWOFOLD_ENVIRONMENT": "prod", **environ}).stream_arn

    assert read(AWS_CHALICE_CLI_MODE="true") == STREAM
    assert read(AWS_CHALICE_CLI_MODE="true", TWOFOLD_STREAM_ARN="another") == "another"
    assert read().endswith("/stream/-")
    assert read(AWS_CHALICE_CLI_MODE="true", TWOFOLD_ENVIRONMENT="dev").endswith("/stream/-")


def test_a_package_of_chalices_own_is_not_taken_for_ours(tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    assert not provision.is_ours(path)
    with ZipFile(path, "w") as packed:
        packed.writestr("app.py", "")
        packed.writestr("chalicelib/__pycache__/app.cpython-311.pyc", "")
    assert not provision.is_ours(path)
    with ZipFile(path, "a") as packed:
        packed.writestr("__pycache__/app.cpython-311.pyc", "")
    assert provision.is_ours(path)


def test_a_path_of_a_patch_is_escaped_once() -> None:
    properties = {
        "TracingEnabled": True,
        "AccessLogSetting": {"DestinationArn": "arn", "Format": "{}"},
        "MethodSettings": [],
    }
    operations = api.stage_operations(properties, {"methodSettings": {"~1docs/GET": {}}})
    assert [each["path"] for each in operations if each["op"] == "remove"] == ["/~1docs/GET"]
