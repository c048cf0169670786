"""Part 6, cold start: each Lambda in a fresh process, against a bare botocore client.

Each runs out of its unpacked deployment package, and the floor out of botocore as it is installed;
the same client out of our package, which is trimmed, stands beside it.
Import and first request only: what AWS does before, such as fetching the package and starting
Python, is not here to be measured. The processes take turns.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import botocore

from benchmarks import results
from benchmarks.api import furnish, opened
from benchmarks.engine import dynamodb_local
from benchmarks.invocations import LAMBDAS, Lambda, environment, first_of
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_stream
from chalicelib.read_models.balances.table import BalanceRow, row_of
from ops.packaging import package_stages
from ops.stages import stage_named

FLOOR = "floor: a bare client"
COMMANDS_FLOOR = "a bare client that makes a command's calls"
TRIMMED_FLOOR = "a bare client out of our trimmed package"
_NAMES = [one.name for one in LAMBDAS]
_SCRIPT = Path(__file__).with_name("cold_start.py")
_INSTALLED = Path(botocore.__file__).parents[1]

Started = dict[str, Any]
Call = tuple[str, dict[str, Any]]


def run(*, quick: bool) -> None:
    """Measures on DynamoDB Local, whose tables are filled by the app itself."""
    rounds = 1 if quick else 15
    with dynamodb_local() as endpoint, opened() as client, tempfile.TemporaryDirectory() as folder:
        furnish(client, "cold", size=2)
        size = _unpack(Path(folder))
        code = Path(folder) / "code"
        floors = {
            TRIMMED_FLOOR: (_one_call, code),
            COMMANDS_FLOOR: (_commands_calls, _INSTALLED),
            FLOOR: (_one_call, _INSTALLED),
        }
        started: dict[str, list[Started]] = {name: [] for name in [*_NAMES, *floors]}
        for turn in range(rounds + 1):
            results.say(f"cold: round {turn} of {rounds}")
            file = Path(folder) / "first.json"
            for one in LAMBDAS:
                file.write_text(json.dumps(first_of(one, "cold")))
                started[one.name].append(_start(one, endpoint, file, code))
            for name, (calls, path) in floors.items():
                file.write_text(json.dumps(calls()))
                started[name].append(_start_floor(endpoint, file, path))
    against = {"of_floor": started[FLOOR][1:], "of_trimmed": started[TRIMMED_FLOOR][1:]}
    rows = [_summary(name, found[1:], against) for name, found in started.items()]
    results.save("cold", quick=quick, engine="DynamoDB Local", rounds=rounds, rows=rows, zip=size)


def _unpack(folder: Path) -> dict[str, int]:
    """A stage's package, whose code is that of every stage, unpacked; its size packed and so."""
    (made,) = package_stages([stage_named("write")], folder)
    path = made.code
    with zipfile.ZipFile(path) as packed:
        packed.extractall(folder / "code")
        unpacked = sum(entry.file_size for entry in packed.infolist())
    return {"packed": path.stat().st_size, "unpacked": unpacked}


def _start(one: Lambda, endpoint: str, event: Path, code: Path) -> Started:
    command = [one.module, one.handler, str(event)]
    return _process(command, {**environment(one, endpoint), "PYTHONPATH": str(code)})


def _start_floor(endpoint: str, calls: Path, path: Path) -> Started:
    caches = {name: os.environ[name] for name in ("PYTHONPYCACHEPREFIX",) if name in os.environ}
    env = {**environment(LAMBDAS[0], endpoint), "PYTHONPATH": str(path)}
    # Where installed packages keep their bytecode; the trimmed one has its own beside the code.
    return _process(["floor", str(calls)], {**env, **caches} if path == _INSTALLED else env)


def _one_call() -> list[Call]:
    row = row_of("cold", "customers:0000")
    key = {"partition": {"S": row.partition}, "account": {"S": row.account}}
    return [("get_item", {"TableName": BalanceRow.Meta.table_name, "Key": key})]


def _commands_calls() -> list[Call]:
    """The newest event of each of two streams, and three new items or none."""
    table = EventItem.Meta.table_name
    loads = [
        {
            "TableName": table,
            "KeyConditionExpression": "#stream = :stream",
            "ExpressionAttributeNames": {"#stream": "stream"},
            "ExpressionAttributeValues": {":stream": {"S": str(account_stream("cold", id))}},
            "ScanIndexForward": False,
            "Limit": 1,
            "ConsistentRead": True,
        }
        for id in ("customers:0000", "customers:0001")
    ]
    puts = [
        {
            "Put": {
                "TableName": table,
                "Item": {"stream": {"S": f"bare/{uuid4()}"}, "version": {"N": "1"}},
                "ConditionExpression": "attribute_not_exists(version)",
            }
        }
        for _ in range(3)
    ]
    return [*(("query", load) for load in loads), ("transact_write_items", {"TransactItems": puts})]


def _process(command: list[str], env: dict[str, str]) -> Started:
    # -S: nothing is found but what the path names.
    done = subprocess.run(  # noqa: S603  # Our own words.
        [sys.executable, "-S", str(_SCRIPT), *command],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[:2]} failed: {done.stderr[-500:]}")
    return dict(json.loads(done.stderr.splitlines()[-1]))


def _summary(name: str, found: list[Started], against: dict[str, list[Started]]) -> dict[str, Any]:
    totals = _totals(found)
    return {
        "lambda": name,
        "ours": name in _NAMES,
        "import": results.median([one["import"] for one in found]),
        "first": results.median([one["first"] for one in found]),
        "total": results.median(totals),
        **{
            floor: results.median([a / b for a, b in zip(totals, _totals(others), strict=True)])
            for floor, others in against.items()
        },
        "megabytes": results.median([one["megabytes"] for one in found]),
        "modules": found[-1]["modules"],
    }


def _totals(found: list[Started]) -> list[float]:
    return [one["import"] + one["first"] for one in found]
