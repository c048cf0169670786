"""More readers: a replica in another region, and one that hangs on a Kinesis stream."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import engines
from tests.e2e.cloud import Cloud, cloud
from tests.e2e.test_deployed import eventually

THERE = "eu-west-1"
STREAM = "twofold-prod-events"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with two more config entries of the accounts' stack.

    One only answers, in another region; one is a further replica, fed through Kinesis.
    """
    copy = tmp_path_factory.mktemp("project") / "twofold"
    skipped = shutil.ignore_patterns(".git", ".venv", "deployments", "deployed", ".*_cache")
    shutil.copytree(engines.ROOT, copy, ignore=skipped)
    path = copy / ".chalice" / "config.json"
    config = json.loads(path.read_text())
    here = config["stages"]["accounts"]
    variables = {**here["environment_variables"], "TWOFOLD_PROJECTS": "0", "TWOFOLD_REGION": THERE}
    config["stages"]["accountseu"] = {**here, "environment_variables": variables}
    functions = json.loads(json.dumps(here["lambda_functions"]))
    functions["api_handler"]["iam_policy_file"] = "policies/prod/b/accounts-query.json"
    functions["project_accounts"]["iam_policy_file"] = (
        "policies/prod/b/accounts-projector-kinesis.json"
    )
    fed = {"TWOFOLD_REPLICA": "b", "TWOFOLD_KINESIS_STREAM": STREAM}
    variables = {**here["environment_variables"], **fed}
    config["stages"]["accountsb"] = {
        **here,
        "environment_variables": variables,
        "lambda_functions": functions,
    }
    config["stages"]["write"]["environment_variables"]["TWOFOLD_KINESIS_STREAM"] = STREAM
    for stage in ("write", "accounts"):
        config["stages"][stage]["environment_variables"]["TWOFOLD_REPLICAS"] = THERE
    path.write_text(json.dumps(config))
    return copy


@pytest.fixture(scope="module")
def deployed(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The Write API and the accounts' stack, on which the replicas build."""
    with cloud(tmp_path_factory.mktemp("cloud"), project) as made:
        made.ops("policies", "--environment", "prod", "--replica", "b")
        made.ops("deploy", "--environment", "prod", "--only", "write", "--only", "accounts")
        yield made


@pytest.fixture(scope="module")
def key(deployed: Cloud) -> str:
    """A key to the ledger."""
    printed = deployed.ops(
        *("--stage", "write", "keys", "create", "--name", "e2e", "--ledger", "acme"),
        *("--scope", "read", "--scope", "write"),
    )
    return printed.split()[0]


def open_account(deployed: Cloud, key: str, id: str) -> object:
    """A new account of the ledger."""
    account = {"id": id, "asset": "USD/2", "normal_balance": "credit"}
    url = f"{deployed.url('write')}/ledgers/acme/accounts"
    status, opened = deployed.call("POST", url, key, account)
    assert status == 201
    return opened


def test_a_further_replica_is_fed_through_kinesis(deployed: Cloud, key: str) -> None:
    # The emulator's CloudFormation does not connect a table to Kinesis; `deploy` sees to that.
    kinesis = deployed.client("kinesis")
    arn = kinesis.describe_stream(StreamName=STREAM)["StreamDescription"]["StreamARN"]
    fed = deployed.client("dynamodb").describe_kinesis_streaming_destination(
        TableName="twofold-prod-events"
    )
    assert [
        (each["StreamArn"], each["DestinationStatus"])
        for each in fed["KinesisDataStreamDestinations"]
    ] == [(arn, "ACTIVE")]
    deployed.ops("deploy", "--environment", "prod", "--only", "accountsb")

    opened = open_account(deployed, key, "bob")

    url = f"{deployed.url('accountsb')}/ledgers/acme/accounts/bob?min_version=1"
    assert eventually(deployed, url, key) == (200, opened)
    rows = deployed.client("dynamodb").scan(TableName="twofold-prod-b-balances")["Items"]
    assert [row["account"]["S"] for row in rows] == ["bob"]


def test_a_replica_answers_in_its_region_what_was_written_in_another(
    deployed: Cloud, key: str
) -> None:
    # CloudFormation makes the copies on AWS; the emulator's takes note of them and makes none, so
    # they are made by hand, between the stages that own the tables and the one that reads copies.
    for table in ("keys", "balances", "statements"):
        deployed.client("dynamodb").update_table(
            TableName=f"twofold-prod-{table}",
            ReplicaUpdates=[{"Create": {"RegionName": THERE}}],
        )
    deployed.ops("deploy", "--environment", "prod", "--only", "accountseu")

    opened = open_account(deployed, key, "alice")

    there = f"{deployed.url('accountseu', THERE)}/ledgers/acme/accounts/alice?min_version=1"
    assert eventually(deployed, there, key) == (200, opened)
    functions = deployed.client("lambda", THERE).list_functions()["Functions"]
    assert not [each for each in functions if "Project" in each["FunctionName"]]
