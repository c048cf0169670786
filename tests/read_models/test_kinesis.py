"""A stack that hangs on Kinesis: the same rooms, fed with the same changes wrapped otherwise."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from chalicelib import tables
from chalicelib.commands.executor import executor
from chalicelib.domain.account.commands import OpenAccount
from chalicelib.domain.transaction.commands import Entry, PostTransaction
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.stream import feed
from chalicelib.events.table import EventItem
from chalicelib.local.environment import TABLES
from chalicelib.read_models import accounts, journal
from chalicelib.read_models.balances.queries import GetAccount
from chalicelib.read_models.statements.queries import AccountEntries
from chalicelib.read_models.totals.queries import TrialBalance
from chalicelib.read_models.transactions.queries import GetTransaction
from tests import engines
from tests.ask import ask
from tests.deliveries import record_of
from tests.events.recordings import OPENED, recorded, streams_of
from tests.projected import group_of

STREAM = "twofold-test-events"


def wrapped(image: dict[str, Any], sequence: str) -> dict[str, Any]:
    """A change as DynamoDB puts it into Kinesis and Lambda delivers it."""
    change = {
        "awsRegion": "us-east-1",
        "eventID": sequence,
        "eventName": "INSERT",
        "userIdentity": None,
        "recordFormat": "application/json",
        "tableName": "twofold-test-events",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_764_000_000_000,
            "Keys": {"stream": image["stream"], "version": image["version"]},
            "NewImage": image,
            "SizeBytes": 700,
        },
        "eventSource": "aws:dynamodb",
    }
    data = base64.b64encode(json.dumps(change).encode()).decode()
    return {"kinesis": {"sequenceNumber": sequence, "data": data}, "eventSource": "aws:kinesis"}


def test_a_change_says_the_same_through_kinesis(ledger: str) -> None:
    (event,) = recorded(streams_of(ledger, 1)[0], OPENED)
    image = record_of(event)["dynamodb"]["NewImage"]
    told: list[Recorded] = []

    group = group_of(told.extend, dead_letters=accounts.GROUP.dead_letters, name="told")
    fed = feed(group, [wrapped(image, "7")], history=no_history)

    assert (fed.failed, fed.dead_letters) == (None, 0)
    assert told == [event]


def test_what_is_to_be_delivered_again_is_reported_by_its_kinesis_number(ledger: str) -> None:
    events = [recorded(stream, OPENED)[0] for stream in streams_of(ledger, 3)]
    records = [
        wrapped(record_of(event)["dynamodb"]["NewImage"], f"495{place}")
        for place, event in enumerate(events)
    ]

    def project(batch: Any) -> None:
        if events[1] in batch:
            raise TimeoutError

    group = group_of(project, dead_letters=accounts.GROUP.dead_letters, name="late")
    fed = feed(group, records, history=no_history)

    assert fed.response == {"batchItemFailures": [{"itemIdentifier": "4951"}]}
    assert fed.events == events[:1]


def no_history(stream: Stream) -> Iterator[Recorded]:
    """For events whose states need not be folded again."""
    raise AssertionError(stream)


def test_the_stage_chooses_where_its_projectors_read() -> None:
    script = (
        "from app import app\n"
        "for source in app.event_sources: print(type(source).__name__, source.name)\n"
    )
    for stream, kind in (("", "DynamoDBEventConfig"), ("twofold-events", "KinesisEventConfig")):
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=engines.ROOT,
            env={"TWOFOLD_KINESIS_STREAM": stream, "HOME": str(engines.ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split("\n")[:-1] == [
            "ScheduledEventConfig sweep",
            f"{kind} project_accounts",
            "ScheduledEventConfig watch_accounts",
            f"{kind} project_journal",
            "ScheduledEventConfig watch_journal",
        ]


@pytest.fixture
def kinesis(tmp_path: Path) -> Iterator[Any]:
    """An engine whose event table feeds a Kinesis stream as well; the stream's client."""
    port = engines.free_port()
    with (
        engines.running(
            [sys.executable, "-m", "ministack"],
            f"http://127.0.0.1:{port}",
            cwd=tmp_path,
            GATEWAY_PORT=str(port),
            BIND_HOST="127.0.0.1",
            SERVICES="dynamodb,dynamodbstreams,kinesis",
            SFTP_ENABLED="0",
            IOT_MTLS_ENABLED="0",
        ) as endpoint,
        engines.connected(endpoint),
    ):
        tables.create(TABLES)
        session: Any = botocore.session.get_session()
        client = session.create_client("kinesis", endpoint_url=endpoint)
        client.create_stream(StreamName=STREAM, ShardCount=1)
        arn = client.describe_stream(StreamName=STREAM)["StreamDescription"]["StreamARN"]
        session.create_client(
            "dynamodb", endpoint_url=endpoint
        ).enable_kinesis_streaming_destination(TableName=EventItem.Meta.table_name, StreamArn=arn)
        yield client


def test_the_rooms_are_filled_through_a_real_kinesis_stream(kinesis: Any, ledger: str) -> None:
    executor().execute(
        OpenAccount(
            ledger=ledger, account="a", asset="USD/2", normal_balance="debit", min_balance=None
        ),
        actor="test",
    )
    executor().execute(
        OpenAccount(ledger=ledger, account="b", asset="USD/2", normal_balance="credit"),
        actor="test",
    )
    lines = (
        Entry(account="a", direction="debit", amount=7),
        Entry(account="b", direction="credit", amount=7),
    )
    transfer = PostTransaction(ledger=ledger, transaction="t", entries=lines)
    executor().execute(transfer, actor="test")

    records = list(_read(kinesis, expected=5))
    for group in (accounts.GROUP, journal.GROUP):
        fed = feed(group, [*records, *records[::-1]], history=no_history)
        assert (fed.failed, fed.dead_letters) == (None, 0)

    assert ask(GetAccount(ledger=ledger, account="b")).posted == "7"
    assert len(ask(AccountEntries(ledger=ledger, account="a")).entries) == 1
    assert ask(GetTransaction(ledger=ledger, transaction="t")).version == 1
    (totals,) = ask(TrialBalance(ledger=ledger)).assets
    assert (totals.debits, totals.credits, totals.balanced) == ("7", "7", True)


def _read(kinesis: Any, expected: int) -> Iterator[dict[str, Any]]:
    """What Lambda would deliver of the stream's shard, once this many records are there."""
    (shard,) = kinesis.describe_stream(StreamName=STREAM)["StreamDescription"]["Shards"]
    at = kinesis.get_shard_iterator(
        StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found: list[Any] = []
    for _ in range(100):
        page = kinesis.get_records(ShardIterator=at)
        found += page["Records"]
        at = page["NextShardIterator"]
        if len(found) >= expected:
            break
        time.sleep(0.1)
    assert len(found) == expected
    for record in found:
        data = base64.b64encode(record["Data"]).decode()
        yield {"kinesis": {"sequenceNumber": record["SequenceNumber"], "data": data}}
