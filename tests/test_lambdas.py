"""Each Lambda's process: started as AWS starts it, it loads what it answers with and no more."""

import subprocess
import sys

import pytest

from benchmarks.invocations import LAMBDAS, Lambda, environment
from tests.test_house import NAMES, ROOT

AWS_CLIENTS = {"boto3", "s3transfer", "requests", "aiohttp"}
"""Ways to DynamoDB besides botocore, which PynamoDB brings."""
ROOMS = {"balances", "statements", "transactions", "totals", "integrity"}
WRITING = {"commands", "sweep"}
PROJECTING = {
    "events.dead_letters",
    "events.stream",
    "read_models.accounts",
    "read_models.journal",
    "read_models.feeding",
    *(f"read_models.{room}.projector" for room in ROOMS - {"integrity"}),
}
ANSWERING = {
    "http.auth",
    "http.request",
    "http.router",
    "http.pagination",
    "http.problems",
    "read_models.ask",
    *(f"read_models.{room}.routes" for room in ROOMS),
    *(f"read_models.{room}.queries" for room in ROOMS),
}

NOT_LOADED = {
    "write": {"read_models", "events.stream", "events.dead_letters", "sweep"},
    "authorizer": {"commands", "events", "domain", "read_models", "sweep", "http.router"},
    "sweep": {"commands", "events", "http", "read_models"},
    "accounts query": {
        *(WRITING | PROJECTING),
        *(f"read_models.{room}" for room in ("transactions", "totals", "integrity")),
        "events.dynamodb",
    },
    "accounts projector": {
        *(WRITING | ANSWERING),
        *(f"read_models.{room}" for room in ("transactions", "totals", "integrity")),
    },
    "journal query": {
        *(WRITING | PROJECTING),
        *(f"read_models.{room}" for room in ("balances", "statements")),
        "events.dynamodb",
    },
    "journal projector": {
        *(WRITING | ANSWERING),
        *(f"read_models.{room}" for room in ("balances", "statements")),
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
