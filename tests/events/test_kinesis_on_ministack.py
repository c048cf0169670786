"""Kinesis: through a Kinesis data stream of the event table the rooms learn what its own tells.

The engine puts changes there in the shape of a DynamoDB stream's records, each with a sequence
number of DynamoDB's besides the one of Kinesis; the shape on AWS is in tests/read_models.
"""

import base64
import json
import random
import runpy
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import botocore.session
import pytest

from chalicelib import tables
from chalicelib.events.dead_letters import stored
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.stream import read
from chalicelib.events.table import EventItem
from chalicelib.local.environment import TABLES, stream_arn
from chalicelib.read_models import accounts, journal
from chalicelib.settings import read_again, settings
from tests import engines
from tests.books import PROJECTORS, Bookkeeper
from tests.domain.books import credit, debit
from tests.read_models.shelves import shelves_of

pytestmark = pytest.mark.engine

NAME = "twofold-test-events"
SHARDS = 3
STACKS = ("accounts", "journal")

Record = dict[str, Any]
Projector = Callable[[Any, Any], Any]


def client(service: str, endpoint: str) -> Any:
    """A client of one of the engine's services."""
    return botocore.session.get_session().create_client(
        service, region_name="us-east-1", endpoint_url=endpoint
    )


@pytest.fixture(scope="module")
def kinesis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of an engine whose event table feeds a Kinesis data stream besides its own."""
    port = engines.free_port()
    server = engines.running(
        [sys.executable, "-m", "ministack"],
        f"http://127.0.0.1:{port}",
        SERVICES="dynamodb,dynamodbstreams,kinesis",
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",
        TMPDIR=str(tmp_path_factory.mktemp("kinesis")),
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        LOG_LEVEL="WARNING",
    )
    with server as endpoint, engines.connected(endpoint):
        tables.create(TABLES)
        streams = client("kinesis", endpoint)
        streams.create_stream(StreamName=NAME, ShardCount=SHARDS)
        summary = streams.describe_stream_summary(StreamName=NAME)["StreamDescriptionSummary"]
        enabled = client("dynamodb", endpoint).enable_kinesis_streaming_destination(
            TableName=EventItem.Meta.table_name, StreamArn=summary["StreamARN"]
        )
        assert enabled["DestinationStatus"] in ("ENABLING", "ACTIVE")
        yield streams


@pytest.fixture
def lived(kinesis: Any, ledger: str) -> Bookkeeper:  # noqa: ARG001  # Its engine is needed.
    """A small history, kept in the engine's event table."""
    return live(ledger)


def live(ledger: str) -> Bookkeeper:
    """Four accounts in two assets and nine transactions, in books of this name."""
    books = Bookkeeper(ledger, DynamoStore())
    books.open_till()
    books.open("till", asset="EUR/2")
    books.open("bob", "credit", asset="EUR/2")
    for number in range(8):
        books.pay_in(f"t{number}", 10 + number, reference=f"invoice {number % 2}")
    books.post("both", debit("cash", 3), debit("till", 4), credit("alice", 3), credit("bob", 4))
    return books


@pytest.fixture
def hung_on_kinesis(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Projector]]:
    """The projector Lambdas of a stage whose config names a Kinesis stream."""
    monkeypatch.setenv("TWOFOLD_KINESIS_STREAM", NAME)
    read_again()
    stacks = engines.ROOT / "chalicelib" / "read_models"
    # The modules themselves were imported with the settings of a stage without.
    yield [loaded(stacks / f"{stack}.py", f"project_{stack}") for stack in STACKS]
    monkeypatch.undo()
    read_again()
    settings()


def loaded(module: Path, name: str) -> Projector:
    """A Lambda of a fresh copy of a module."""
    return cast(Projector, runpy.run_path(str(module))["__getattr__"](name))


def changes(record: Record) -> Record:
    """What DynamoDB put into a record of Kinesis."""
    return cast(Record, json.loads(base64.b64decode(record["kinesis"]["data"])))


def out_of_kinesis(streams: Any, ledger: str) -> list[list[Record]]:
    """The records of a ledger, shard by shard, as the batches that Lambda would deliver."""
    batches = []
    for shard in streams.list_shards(StreamName=NAME)["Shards"]:
        start = streams.get_shard_iterator(
            StreamName=NAME, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        page = streams.get_records(ShardIterator=start["ShardIterator"])["Records"]
        batch = [as_lambda_sends_it(record, shard["ShardId"]) for record in page]
        batches.append([record for record in batch if f"{ledger}/" in json.dumps(changes(record))])
    return batches


def as_lambda_sends_it(record: Record, shard: str) -> Record:
    """A record of the Kinesis API as Lambda's event has it: JSON, so its data are base64 text."""
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": record["SequenceNumber"],
            "data": base64.b64encode(record["Data"]).decode(),
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{record['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::000000000000:role/projector",
        "awsRegion": "us-east-1",
        "eventSourceARN": f"arn:aws:kinesis:us-east-1:000000000000:stream/{NAME}",
    }


def out_of_dynamodb(ledger: str) -> list[Record]:
    """The records of a ledger in the event table's own stream, as its API gives them."""
    # Of botocore: that of the local environment leaves bytes in base64, as Lambda does.
    streams, arn = client("dynamodbstreams", str(settings().endpoint)), stream_arn()
    records: list[Record] = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        start = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        page = streams.get_records(ShardIterator=start["ShardIterator"])
        records += [record for record in page["Records"] if f"{ledger}/" in str(record)]
    return records


def tell(projectors: Sequence[Projector], batch: Sequence[Record]) -> None:
    """A batch for the projector of each stack, which takes all of it."""
    for projector in projectors:
        assert projector({"Records": batch}, None) == {"batchItemFailures": []}


def as_json(record: Record) -> Record:
    """A record of the streams API as Lambda's event has it."""
    change = {**record["dynamodb"], "ApproximateCreationDateTime": 1_764_000_000}
    return cast(
        Record,
        json.loads(
            json.dumps(
                {**record, "dynamodb": change}, default=lambda it: base64.b64encode(it).decode()
            )
        ),
    )


def test_a_hash_arrives_as_bytes_or_as_base64_and_is_the_same(
    kinesis: Any, lived: Bookkeeper
) -> None:
    own = [record["dynamodb"]["NewImage"] for record in out_of_dynamodb(lived.ledger)]
    sent = [as_json(record)["dynamodb"]["NewImage"] for record in out_of_dynamodb(lived.ledger)]
    batches = out_of_kinesis(kinesis, lived.ledger)
    carried = [changes(record)["dynamodb"]["NewImage"] for batch in batches for record in batch]

    assert {type(image["hash"]["B"]) for image in own} == {bytes}
    assert {type(image["hash"]["B"]) for image in [*sent, *carried]} == {str}
    expected = sorted(event.hash for event in lived.recorded)
    for images in (own, sent, carried):
        events = [read(image) for image in images]
        assert all(event in lived.recorded for event in events)
        assert sorted(event.hash for event in events) == expected


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_a_stack_on_kinesis_fills_its_rooms_like_one_on_the_tables_own_stream(
    kinesis: Any, lived: Bookkeeper, hung_on_kinesis: list[Projector], seed: int | None
) -> None:
    same = live(f"{lived.ledger}-same")
    tell(PROJECTORS, [as_json(record) for record in out_of_dynamodb(same.ledger)])
    expected = shelves_of(same.ledger)
    batches = out_of_kinesis(kinesis, lived.ledger)
    assert len([batch for batch in batches if batch]) > 1
    if seed is not None:
        batches = disordered(batches, random.Random(seed))

    for batch in batches:
        tell(hung_on_kinesis, batch)

    assert all(expected.values())
    assert shelves_of(lived.ledger) == expected


def disordered(batches: list[list[Record]], chance: random.Random) -> list[list[Record]]:
    """The same records as Kinesis may give them: repeated, and in any order."""
    records = [record for batch in batches for record in batch]
    records += chance.sample(records, len(records) // 2)
    chance.shuffle(records)
    return [records[start : start + 7] for start in range(0, len(records), 7)]


def test_what_cannot_be_projected_is_parked_and_holds_nobody_up(
    kinesis: Any, lived: Bookkeeper, hung_on_kinesis: list[Projector]
) -> None:
    batch = max(out_of_kinesis(kinesis, lived.ledger), key=len)
    poison = changes(batch[0])
    keys = poison["dynamodb"]["Keys"]
    poison["dynamodb"]["NewImage"]["stream"] = {"S": f"{lived.ledger}/wallet/cash"}
    batch[0] = carrying(batch[0], json.dumps(poison))
    batch[1] = carrying(batch[1], "not JSON")
    number = batch[1]["kinesis"]["sequenceNumber"]

    tell(hung_on_kinesis, batch)

    for group in (accounts.GROUP, journal.GROUP):
        places = {row.place for row in stored(group.dead_letters)}
        assert f"{keys['stream']['S']}#{int(keys['version']['N']):016d}" in places
        assert f"#{number}" in places


def carrying(record: Record, text: str) -> Record:
    """The record with other data."""
    data = base64.b64encode(text.encode()).decode()
    return {**record, "kinesis": {**record["kinesis"], "data": data}}
