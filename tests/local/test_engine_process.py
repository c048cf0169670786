"""The engine's own process, where somebody stops it."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import botocore.session
import psutil
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from tests.engines import free_port, running, wait_until_up

WRITERS = 8


def record_of(folder: Path) -> Path:
    """The record that makes this process an owner of the engine in a folder."""
    us = psutil.Process()
    return folder / "owners" / f"{us.pid}-{us.create_time()}"


def command_of(folder: Path, port: int) -> list[str]:
    """The command of an engine that this process owns."""
    record = record_of(folder)
    record.parent.mkdir(exist_ok=True)
    record.touch()
    return [sys.executable, "-m", "chalicelib.local.engine_process", str(folder), str(port)]


@contextmanager
def engine(folder: Path) -> Iterator[Any]:
    """A client of an engine that this process owns."""
    port = free_port()
    with running(command_of(folder, port), f"http://127.0.0.1:{port}") as endpoint:
        client = botocore.session.get_session().create_client(
            "dynamodb",
            region_name="us-east-1",
            endpoint_url=endpoint,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(
                retries={"total_max_attempts": 1}, max_pool_connections=WRITERS, read_timeout=10
            ),
        )
        yield client
        client.close()


def create_table(client: Any, name: str) -> None:
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def test_an_engine_that_is_told_to_stop_saves_its_books(tmp_path: Path) -> None:
    found = []

    for _ in range(2):
        with engine(tmp_path) as client:
            found.append(client.list_tables()["TableNames"])
            create_table(client, f"table-{len(found)}")

    assert found == [[], ["table-1"]]
    assert [path.name for path in (tmp_path / "books").iterdir()] == ["dynamodb.json"]


def test_an_engine_that_is_told_to_stop_many_times_saves_its_books(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(command_of(tmp_path, port), stderr=subprocess.DEVNULL)
    wait_until_up(f"http://127.0.0.1:{port}", process)

    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        process.terminate()
        time.sleep(0.001)

    process.wait(1)
    assert (tmp_path / "books" / "dynamodb.json").exists()


def test_an_engine_without_owners_saves_what_was_acknowledged_while_it_stopped(
    tmp_path: Path,
) -> None:
    acknowledged: list[str] = []

    def write(client: Any, writer: int) -> None:
        for number in count():
            id = f"{writer}-{number}"
            try:
                client.put_item(TableName="notes", Item={"id": {"S": id}})
            except BotoCoreError:
                return
            acknowledged.append(id)

    with engine(tmp_path) as client:
        create_table(client, "notes")
        writers = [threading.Thread(target=write, args=(client, each)) for each in range(WRITERS)]
        for writer in writers:
            writer.start()
        while len(acknowledged) < 100:
            assert any(writer.is_alive() for writer in writers)
        record_of(tmp_path).unlink()
        for writer in writers:
            writer.join(60)

    with engine(tmp_path) as client:
        pages = client.get_paginator("scan").paginate(TableName="notes")
        kept = {item["id"]["S"] for page in pages for item in page["Items"]}
    assert set(acknowledged) - kept == set()
