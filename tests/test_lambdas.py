"""Each Lambda's process: started as AWS starts it, it loads what it answers with and no more."""

import subprocess
import sys

import pytest

from benchmarks.invocations import LAMBDAS, Lambda, environment
from chalicelib.read_models.read_model import groups
from tests.test_house import NAMES, ROOT

AWS_CLIENTS = {"boto3", "s3transfer", "requests", "aiohttp"}
"""Ways to DynamoDB besides botocore, which PynamoDB brings."""
FOLDERS = {
    group.name: {
        each.package.removeprefix("chalicelib.") for each in group.read_models if not each.derived
    }
    for group in groups()
}
"""The packages of each group's read models."""
WRITING = {"commands", "sweep"}
PROJECTING = {
    "events.dead_letters",
    "events.stream",
    "read_models.feeding",
    *(f"{folder}.projector" for folder in (*FOLDERS["accounts"], *FOLDERS["journal"])),
} - {"read_models.integrity.projector"}
ANSWERING = {
    "http.auth",
    "http.door",
    "http.pagination",
    "http.problems",
    *(f"{folder}.lambdas" for folder in (*FOLDERS["accounts"], *FOLDERS["journal"])),
    *(f"{folder}.queries" for folder in (*FOLDERS["accounts"], *FOLDERS["journal"])),
}

NOT_LOADED = {
    "write": {"read_models", "events.stream", "events.dead_letters", "sweep"},
    "authorizer": {"commands", "events", "domain", "read_models", "sweep", "http.door"},
    "sweep": {"commands", "events", "http", "read_models"},
    "accounts query": {
        *(WRITING | PROJECTING),
        *FOLDERS["journal"],
        "events.dynamodb",
    },
    "accounts projector": {
        *(WRITING | ANSWERING),
        *FOLDERS["journal"],
    },
    "journal query": {
        *(WRITING | PROJECTING),
        *FOLDERS["accounts"],
        "events.dynamodb",
    },
    "journal projector": {
        *(WRITING | ANSWERING),
        *FOLDERS["accounts"],
    },
}
"""Of the house, by the Lambda that does not need it."""


def loaded_by(one: Lambda) -> set[str]:
    """The names of all modules in the Lambda's process once it is ready for its first request."""
    listed = f"import sys, {one.module}; print(*sys.modules)"
    done = subprocess.run(  # Our own words.
        [sys.executable, "-c", listed],
        cwd=ROOT,
        env=environment(one, "http://127.0.0.1:1"),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def part_of(name: str, whole: str) -> bool:
    """Whether a module is another one, or inside of it."""
    return f"{name}.".startswith(f"{whole}.")


@pytest.mark.parametrize("one", LAMBDAS, ids=lambda one: one.name)
def test_a_lambda_loads_nothing_that_only_others_need(one: Lambda) -> None:
    loaded = loaded_by(one)

    unneeded = {f"chalicelib.{name}" for name in (*NOT_LOADED[one.name], "local")}
    assert unneeded <= NAMES
    assert one.module in loaded
    assert {name for name in loaded for no in unneeded if part_of(name, no)} == set()
    assert loaded.isdisjoint(AWS_CLIENTS)
