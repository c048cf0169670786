"""The engine's own process, where somebody stops it."""

import sys
from pathlib import Path
from typing import Any

import botocore.session
import psutil

from tests.engines import free_port, running


def test_an_engine_that_is_told_to_stop_saves_its_books(tmp_path: Path) -> None:
    us = psutil.Process()
    (tmp_path / "owners").mkdir()
    (tmp_path / "owners" / f"{us.pid}-{us.create_time()}").touch()
    found = []

    for _ in range(2):
        port = free_port()
        command = [
            sys.executable,
            "-m",
            "chalicelib.local.engine_process",
            str(tmp_path),
            str(port),
        ]
        with running(command, f"http://127.0.0.1:{port}") as endpoint:
            client: Any = botocore.session.get_session().create_client(
                "dynamodb",
                region_name="us-east-1",
                endpoint_url=endpoint,
                aws_access_key_id="local",
                aws_secret_access_key="local",
            )
            found.append(client.list_tables()["TableNames"])
            client.create_table(
                TableName=f"table-{len(found)}",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            client.close()

    assert found == [[], ["table-1"]]
    assert [path.name for path in (tmp_path / "books").iterdir()] == ["dynamodb.json"]
