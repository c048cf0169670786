"""Part 6, cold start: each Lambda in a fresh process, against a bare botocore client.

Each runs out of its unpacked deployment package, and the floor out of botocore as it is installed.
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

import botocore

from benchmarks import results
from benchmarks.api import furnish, opened
from benchmarks.engine import dynamodb_local
from benchmarks.invocations import LAMBDAS, Lambda, environment, first_of
from chalicelib.read_models.balances.table import BalanceRow, row_of
from ops.deploy import package
from ops.stages import stage_named

FLOOR = "floor: a bare client"
_NAMES = [one.name for one in LAMBDAS]
_SCRIPT = Path(__file__).with_name("cold_start.py")

Started = dict[str, Any]


def run(*, quick: bool) -> None:
    """Measures on DynamoDB Local, whose tables are filled by the app itself."""
    rounds = 3 if quick else 25
    with dynamodb_local() as endpoint, opened() as client, tempfile.TemporaryDirectory() as folder:
        furnish(client, "cold", size=2)
        size = _unpack(Path(folder))
        started: dict[str, list[Started]] = {name: [] for name in [*_NAMES, FLOOR]}
        for turn in range(rounds + 1):
            results.say(f"cold: round {turn} of {rounds}")
            for one in LAMBDAS:
                event = Path(folder) / "event.json"
                event.write_text(json.dumps(first_of(one, "cold")))
                started[one.name].append(_start(one, endpoint, event, Path(folder) / "code"))
            started[FLOOR].append(_start_floor(endpoint))
    rows = [_summary(name, found[1:], started[FLOOR][1:]) for name, found in started.items()]
    results.save("cold", quick=quick, engine="DynamoDB Local", rounds=rounds, rows=rows, zip=size)


def _unpack(folder: Path) -> dict[str, int]:
    """A stage's package, whose code is that of every stage, unpacked; its size packed and so."""
    package(stage_named("write"), folder)
    path = folder / "deployment.zip"
    with zipfile.ZipFile(path) as packed:
        packed.extractall(folder / "code")
        unpacked = sum(entry.file_size for entry in packed.infolist())
    return {"packed": path.stat().st_size, "unpacked": unpacked}


def _start(one: Lambda, endpoint: str, event: Path, code: Path) -> Started:
    command = [one.module, one.handler, str(event)]
    return _process(command, {**environment(one, endpoint), "PYTHONPATH": str(code)})


def _start_floor(endpoint: str) -> Started:
    row = row_of("cold", "customers:0000")
    key = json.dumps({"partition": {"S": row.partition}, "account": {"S": row.account}})
    command = ["floor", BalanceRow.Meta.table_name, key]
    caches = {name: os.environ[name] for name in ("PYTHONPYCACHEPREFIX",) if name in os.environ}
    env = {**environment(LAMBDAS[0], endpoint), **caches}
    return _process(command, {**env, "PYTHONPATH": str(Path(botocore.__file__).parents[1])})


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


def _summary(name: str, found: list[Started], floor: list[Started]) -> dict[str, Any]:
    totals = [one["import"] + one["first"] for one in found]
    floors = [one["import"] + one["first"] for one in floor]
    modules = found[-1]["modules"]
    return {
        "lambda": name,
        "import": results.median([one["import"] for one in found]),
        "first": results.median([one["first"] for one in found]),
        "total": results.median(totals),
        "of_floor": results.median([a / b for a, b in zip(totals, floors, strict=True)]),
        "megabytes": results.median([one["megabytes"] for one in found]),
        "modules": len(modules),
        "ours": [module for module in modules if module.startswith("chalicelib.")],
        "packages": sorted(
            {
                module.partition(".")[0]
                for module in modules
                if module.partition(".")[0] not in sys.stdlib_module_names
                and not module.startswith("_")
            }
        ),
    }
