"""Contestant: the floor, a bare loop of a botocore client that reads the same two items, both at
the same time, and writes the same three. It decides nothing and checks nothing but versions.
"""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from benchmarks.stores.worker import serve

Item = dict[str, Any]


class Floor:
    """Two parallel reads of the newest item, one transaction of three puts."""

    def __init__(self, table: str, endpoint: str) -> None:
        self.conflicts = 0
        self._table = table
        self._client: Any = botocore.session.get_session().create_client(
            "dynamodb",
            region_name="us-east-1",
            endpoint_url=endpoint,
            # As lean as ours, whose requests do not describe their system either.
            config=Config(parameter_validation=False, user_agent="floor"),
        )
        self._pool = ThreadPoolExecutor(2)

    def template(self) -> None:
        """Not needed: histories are copies of Twofold's."""

    def keys(self, accounts: Sequence[str]) -> list[str]:
        """The names of streams."""
        return [f"floor/account/{account}" for account in accounts]

    def fill(self, accounts: Sequence[str], events: int) -> None:
        """Not needed."""

    def transfer(self, source: str, target: str, id: str) -> None:
        """Until no one else was first."""
        while not self._once(self.keys([source, target]), id):
            self.conflicts += 1

    def _once(self, streams: list[str], id: str) -> bool:
        heads = list(self._pool.map(self._newest, streams))
        now = datetime.now(UTC).isoformat()
        told = {**heads[0], "stream": {"S": f"floor/transaction/{id}"}, "version": {"N": "0"}}
        told["data"] = {"S": heads[0]["data"]["S"] * 3}  # As long as a transaction's.
        puts = [self._put(item, now) for item in (told, *heads)]
        try:
            self._client.transact_write_items(TransactItems=puts)
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            return False
        return True

    def _newest(self, stream: str) -> Item:
        found = self._client.query(
            TableName=self._table,
            KeyConditionExpression="#stream = :stream",
            ExpressionAttributeNames={"#stream": "stream"},
            ExpressionAttributeValues={":stream": {"S": stream}},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=1,
        )
        return dict(found["Items"][0])

    def _put(self, before: Item, now: str) -> Item:
        item = {
            **before,
            "version": {"N": str(int(before["version"]["N"]) + 1)},
            "recorded_at": {"S": now},
            "command_id": {"S": str(uuid4())},
            "hash": {"B": os.urandom(32)},
        }
        condition = {
            "ConditionExpression": "attribute_not_exists(#version)",
            "ExpressionAttributeNames": {"#version": "version"},
        }
        return {"Put": {"TableName": self._table, "Item": item, **condition}}


if __name__ == "__main__":
    serve(Floor(sys.argv[1], sys.argv[2]))
