"""Stages that CloudFormation brought up: their functions are found, and they are fed anew."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from ops.restoring import functions, streams
from ops.restoring.record import begun
from ops.stages import Stage
from tests.domain.books import NOW
from tests.ops.restoring.rehearsal import HANDLER, ROLE, Rehearsal, stage

TABLES = ("damaged", "twofold-cf-events")
WRITER, READER = stage("cf-write", "write"), stage("cf-accounts", "accounts")


def function(**environment: Any) -> dict[str, Any]:
    """A Lambda in a template."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.11",
            "Role": ROLE,
            "Handler": "index.handle",
            "Code": {"ZipFile": HANDLER},
            "Timeout": 9,
            "Environment": {"Variables": environment},
        },
    }


TEMPLATES = {
    WRITER.name: {
        "Parameters": {"Restored": {"Type": "String", "Default": "never"}},
        "Resources": {
            "APIHandler": function(TWOFOLD_RESTORED={"Ref": "Restored"}),
            "Sweep": function(TWOFOLD_RESTORED={"Ref": "Restored"}),
        },
    },
    READER.name: {
        "Parameters": {
            "EventsStream": {"Type": "String"},
            "Other": {"Type": "String", "Default": "a default"},
        },
        "Resources": {
            "APIHandler": function(),
            "ProjectAccounts": function(SAYS={"Ref": "Other"}),
            "Feeding": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "FunctionName": {"Ref": "ProjectAccounts"},
                    "EventSourceArn": {"Ref": "EventsStream"},
                    "StartingPosition": "TRIM_HORIZON",
                },
            },
        },
    },
}


class Deployed:
    """Two stacks in the emulator, and the streams of two tables."""

    def __init__(self, endpoint: str, home: Path) -> None:
        self.rehearsal = Rehearsal(endpoint, home)
        self.cloud = self.rehearsal.cloud
        self.record = begun("cf", NOW, home, NOW + timedelta(days=1))
        self.old, self.record.stream = (self._stream(name) for name in TABLES)

    def _stream(self, name: str) -> str:
        found = self.cloud.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        return str(found["TableDescription"]["LatestStreamArn"])

    def create(self, made: Stage, parameters: dict[str, str]) -> None:
        """Brings a stack up."""
        formation = self.cloud.client("cloudformation")
        formation.create_stack(
            StackName=made.stack,
            TemplateBody=json.dumps(TEMPLATES[made.name]),
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
        )
        formation.get_waiter("stack_create_complete").wait(
            StackName=made.stack, WaiterConfig={"Delay": 0}
        )

    def configuration(self, made: Stage, name: str) -> dict[str, Any]:
        """What is configured for one of a stage's functions."""
        found = functions.functions_of(self.cloud, made)[name]
        client = self.cloud.client("lambda")
        return dict(client.get_function_configuration(FunctionName=found))


@pytest.fixture
def deployed(emulator: str, tmp_path: Path) -> Iterator[Deployed]:
    """The stages, fed from the stream of a table that was damaged."""
    made = Deployed(emulator, tmp_path)
    made.create(WRITER, {})
    made.create(READER, {"EventsStream": made.old, "Other": "kept"})
    yield made
    for name in (WRITER.stack, READER.stack):
        made.cloud.client("cloudformation").delete_stack(StackName=name)
    for table in TABLES:
        made.rehearsal.client("dynamodb").inner.delete_table(TableName=table)


def test_a_stage_is_fed_from_the_new_stream_and_all_else_stays_as_it_was(
    deployed: Deployed,
) -> None:
    for _ in range(2):  # It is safe to repeat.
        streams.feed_from(deployed.cloud, [WRITER, READER], deployed.record)

        projector = functions.functions_of(deployed.cloud, READER)["project_accounts"]
        mappings = functions.mappings_of(deployed.cloud.client("lambda"), projector)
        assert [each["EventSourceArn"] for each in mappings] == [deployed.record.stream]
        for made, name, variables in (
            (WRITER, "api_handler", {"TWOFOLD_RESTORED": deployed.record.id}),
            (WRITER, "sweep", {"TWOFOLD_RESTORED": deployed.record.id}),
            (READER, "project_accounts", {"SAYS": "kept"}),
        ):
            found = deployed.configuration(made, name)
            assert found["Environment"]["Variables"] == variables


def test_the_functions_of_a_stack_are_stopped_and_begin_anew(deployed: Deployed) -> None:
    found = functions.functions_of(deployed.cloud, WRITER)
    before = {name: deployed.rehearsal.invoke(name) for name in found.values()}
    assert set(found) == {"api_handler", "sweep"}

    functions.stop(deployed.cloud, [WRITER, READER], deployed.record)

    assert {deployed.rehearsal.invoke(name) for name in found.values()} == {""}
    functions.open_again(deployed.cloud, deployed.record)
    for name, process in before.items():
        assert deployed.rehearsal.invoke(name) not in ("", process)


def test_a_stack_that_an_earlier_build_deployed_is_to_be_deployed_first(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "EVENTS_STREAM", "NewerName")

    with pytest.raises(click.ClickException, match="an earlier build deployed it"):
        streams.feed_from(deployed.cloud, [READER], deployed.record)


def test_a_stack_in_a_state_in_which_it_cannot_be_changed_is_named(deployed: Deployed) -> None:
    def failed(call: Any, **arguments: Any) -> Any:
        found = call(**arguments)
        found["Stacks"][0]["StackStatus"] = "UPDATE_ROLLBACK_FAILED"
        return found

    deployed.rehearsal.hooks["describe_stacks"] = failed

    with pytest.raises(click.ClickException, match="twofold-cf-accounts is in UPDATE_ROLLBACK_F"):
        streams.feed_from(deployed.cloud, [READER], deployed.record)


class Metrics:
    """Invocations of a projector: some, and then none."""

    def __init__(self) -> None:
        self.left = [3.0, 1.0, 0.0]

    def get_metric_statistics(self, **_: Any) -> Any:
        return {"Datapoints": [{"Sum": self.left.pop(0)}]}


def test_a_projector_on_kinesis_reads_to_the_end_before_it_is_switched_off(
    deployed: Deployed,
) -> None:
    reader = stage("cf-accounts", "accounts", TWOFOLD_KINESIS_STREAM="events")
    metrics = deployed.rehearsal._clients["cloudwatch"] = Metrics()
    cloud = deployed.cloud

    functions.pause(cloud, [reader], deployed.record, kinesis=False)
    assert deployed.record.mappings == {}
    functions.pause(cloud, [reader], deployed.record, kinesis=True)

    assert metrics.left == []
    (uuid,) = deployed.record.mappings
    mapping = cloud.client("lambda").get_event_source_mapping(UUID=uuid)
    assert mapping["State"] == "Disabled"
    functions.feed_again(cloud, deployed.record)
    mapping = cloud.client("lambda").get_event_source_mapping(UUID=uuid)
    assert mapping["State"] in ("Enabled", "Enabling")


def test_the_changes_of_the_restored_table_go_to_its_kinesis_stream_again(
    deployed: Deployed,
) -> None:
    client = deployed.cloud.client("kinesis")
    client.create_stream(StreamName="events", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    writer = stage("cf-write", "write", TWOFOLD_KINESIS_STREAM="events")
    for _ in range(2):
        streams.feed_kinesis(deployed.cloud, writer, deployed.record)

    found = deployed.cloud.client("dynamodb").describe_kinesis_streaming_destination(
        TableName=deployed.record.table
    )
    states = [each["DestinationStatus"] for each in found["KinesisDataStreamDestinations"]]
    assert states == ["ACTIVE"]
    client.delete_stream(StreamName="events")
