"""A rehearsal: an emulated AWS with a ledger, its Lambdas, and a past that can be restored.

The emulator restores a table as it is now, whatever moment is asked for, and a restored table is
never torn there. Both are made up for here, right after its RestoreTableToPointInTime.
"""

import io
import json
import time
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import click
from botocore.config import Config
from click.testing import CliRunner

from chalicelib import tables
from chalicelib.domain.fields import rfc3339
from chalicelib.events.table import EventItem
from ops.audit import audit
from ops.rebuild import rebuild
from ops.restoring import record
from ops.restoring.cloud import Cloud
from ops.restoring.steps import Restore
from ops.schema import definition
from ops.stages import Stage
from tests.domain.books import NOW

EVENTS = "twofold-test-events"
ROLE = "arn:aws:iam::000000000000:role/rehearsal"
HANDLER = """
import uuid

PROCESS = str(uuid.uuid4())


def handle(event, context):
    return PROCESS
"""
WRITES = (
    "create_backup",
    "create_event_source_mapping",
    "create_table",
    "delete_event_source_mapping",
    "delete_function_concurrency",
    "delete_item",
    "delete_table",
    "put_function_concurrency",
    "restore_table_from_backup",
    "restore_table_to_point_in_time",
    "tag_resource",
    "update_continuous_backups",
    "update_event_source_mapping",
    "update_function_configuration",
    "update_table",
)


def stage(name: str, *serves: str, **variables: str) -> Stage:
    """A stage of the environment that the tests run in."""
    return Stage(
        name=name,
        environment="test",
        serves=serves,
        variables={"TWOFOLD_ENVIRONMENT": "test", **variables},
    )


STAGES = (stage("r-write", "write"), stage("r-accounts", "accounts"), stage("r-journal", "journal"))


class Lost(click.ClickException):
    """A call of which no reply came."""


@dataclass
class Client:
    """A client of the emulator: a hook may stand in for a call, or come after it."""

    inner: Any
    service: str
    hooks: dict[str, Callable[..., Any]]
    calls: list[tuple[str, dict[str, Any]]]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name not in WRITES and name not in self.hooks:
            return found

        def call(**arguments: Any) -> Any:
            if name in WRITES:
                self.calls.append((name, arguments))
            hook = self.hooks.get(name)
            return hook(found, **arguments) if hook else found(**arguments)

        return call


@dataclass
class Rehearsal:
    """The emulator, on a clock of its own. `present` is what the restored moment has of events."""

    endpoint: str
    home: Path
    stages: Sequence[Stage] = STAGES
    now: datetime = NOW + timedelta(days=1)
    said: list[str] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    hooks: dict[str, Callable[..., Any]] = field(default_factory=dict)
    gone: Collection[tuple[str, int]] = ()
    whole: Collection[tuple[str, int]] = ()
    at: datetime = NOW
    _clients: dict[str, Any] = field(default_factory=dict)
    _restores: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hooks["describe_continuous_backups"] = self._described
        self.hooks["restore_table_to_point_in_time"] = self._restored
        self.hooks["restore_table_from_backup"] = self._restored_from_backup
        self.hooks["describe_table"] = self._described_table

    def client(self, service: str, region: str | None = None) -> Any:
        """A client, each service's the same."""
        del region
        if service not in self._clients:
            inner = client_of(self.endpoint, service)
            self._clients[service] = Client(inner, service, self.hooks, self.calls)
        return self._clients[service]

    @property
    def cloud(self) -> Cloud:
        """What a restore works with."""
        return Cloud(
            client=self.client, say=self.said.append, sleep=self._sleep, now=lambda: self.now
        )

    def restore(self, at: datetime | None = None, **options: Any) -> Restore:
        """The restore to a moment, or that to go on with."""
        now = record.begun("test", at or self.at, self.home, self.now)
        return Restore(
            cloud=self.cloud,
            stages=self.stages,
            record=now,
            definition=definition(EventItem, self.stages[0].tags),
            run_in=run_in(self.cloud),
            **options,
        )

    def invoke(self, function: str) -> str:
        """Which process answers a call of a function; empty where none does."""
        try:
            reply = self.client("lambda").invoke(FunctionName=function)
        except self.client("lambda").exceptions.TooManyRequestsException:
            return ""
        return str(json.loads(reply["Payload"].read()))

    def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        time.sleep(0.005)

    def _described(self, call: Callable[..., Any], **arguments: Any) -> Any:
        found = call(**arguments)
        recovery = found["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        recovery["EarliestRestorableDateTime"] = NOW - timedelta(days=1)
        recovery["LatestRestorableDateTime"] = self.now - timedelta(minutes=5)
        return found

    def _restored(self, call: Callable[..., Any], **arguments: Any) -> Any:
        found = call(**arguments)
        table, client = arguments["TargetTableName"], self.client("dynamodb").inner
        source = client.describe_table(TableName=arguments["SourceTableName"])["Table"]
        self._restores[table] = {"SourceTableArn": source["TableArn"]}
        client.get_waiter("table_exists").wait(TableName=table)
        at = rfc3339(arguments["RestoreDateTime"].astimezone(UTC))
        for item in scanned(client, table):
            place = (item["stream"]["S"], int(item["version"]["N"]))
            if item["recorded_at"]["S"] > at or place in self.gone:
                key = {name: item[name] for name in ("stream", "version")}
                client.delete_item(TableName=table, Key=key)
        return found

    def _restored_from_backup(self, call: Callable[..., Any], **arguments: Any) -> Any:
        found = call(**arguments)
        self._restores[arguments["TargetTableName"]] = {"SourceBackupArn": arguments["BackupArn"]}
        return found

    def _described_table(self, call: Callable[..., Any], **arguments: Any) -> Any:
        """With what it was restored from, which the emulator does not say."""
        found = call(**arguments)
        summary = self._restores.get(arguments["TableName"])
        if summary is not None:
            found["Table"]["RestoreSummary"] = summary
        return found


def client_of(endpoint: str, service: str) -> Any:
    """A client of a service of the emulator."""
    session = botocore.session.get_session()
    once = Config(retries={"total_max_attempts": 1})  # A stopped function is asked once.
    return session.create_client(
        service, endpoint_url=endpoint, region_name="us-east-1", config=once
    )


def scanned(client: Any, table: str) -> list[dict[str, Any]]:
    """All items of a table."""
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def run_in(cloud: Cloud) -> Callable[[Stage, Sequence[str]], str]:
    """Runs commands of `ops` in this process, whose tables are those of every stage."""

    def run(stage: Stage, arguments: Sequence[str]) -> str:
        if arguments[0] == "empty":
            from ops.restoring.readside import empty as emptied
            from ops.template import tables_of

            emptied(cloud, stage, tables_of(stage))
            return ""
        command = {"rebuild": rebuild, "audit": audit}[arguments[0]]
        options = ["--patience", "0"] if arguments[0] == "audit" else []
        done = CliRunner().invoke(
            command, [*arguments[1:], *options], obj=stage, catch_exceptions=False
        )
        if done.exit_code and arguments[0] != "audit":
            raise click.ClickException(done.output)
        return done.stdout

    return run


def make_functions(client: Any, stages: Sequence[Stage]) -> list[str]:
    """The Lambdas of all stages, as `chalice deploy` names them."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as package:
        package.writestr("handler.py", HANDLER)
    made = []
    for stage in stages:
        for name in stage.functions:
            made.append(stage.stack if name == "api_handler" else f"{stage.stack}-{name}")
            client.create_function(
                FunctionName=made[-1],
                Runtime="python3.11",
                Role=ROLE,
                Handler="handler.handle",
                Code={"ZipFile": code.getvalue()},
                Timeout=7,
                Environment={"Variables": {"TWOFOLD_SERVES": ",".join(stage.serves)}},
            )
    return made


@contextmanager
def fed(client: Any, stages: Sequence[Stage], stream: str) -> Iterator[None]:
    """The projectors are fed from a stream, and are not at the end, wherever from."""
    functions = [f"{stage.stack}-{name}" for stage in stages for name in stage.projectors]
    for function in functions:
        client.create_event_source_mapping(
            FunctionName=function, EventSourceArn=stream, StartingPosition="TRIM_HORIZON"
        )
    try:
        yield
    finally:
        for function in functions:
            found = client.list_event_source_mappings(FunctionName=function)
            for mapping in found["EventSourceMappings"]:
                client.delete_event_source_mapping(UUID=mapping["UUID"])


@contextmanager
def made_tables(client: Any, models: Sequence[type[tables.Table]]) -> Iterator[None]:
    """All tables as `ops/schema.py` defines them; at the end no table or backup is left."""
    for model in models:
        client.create_table(**definition(model, {"app": "twofold"}))
        client.update_continuous_backups(
            TableName=model.Meta.table_name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
    try:
        yield
    finally:
        for name in client.list_tables()["TableNames"]:
            client.update_table(TableName=name, DeletionProtectionEnabled=False)
            client.delete_table(TableName=name)
        for backup in client.list_backups()["BackupSummaries"]:
            client.delete_backup(BackupArn=backup["BackupArn"])


def fill(client: Any, contents: Mapping[str, Sequence[Any]]) -> None:
    """Puts items into tables."""
    for name, items in contents.items():
        for start in range(0, len(items), 25):
            puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
            client.batch_write_item(RequestItems={name: puts})
