"""A read replica in another region: a stage that only answers, from copies of the tables."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import engines
from tests.e2e.cloud import Cloud, cloud
from tests.e2e.test_deployed import eventually

THERE = "eu-west-1"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with one more config entry: the accounts' Read API in another region."""
    copy = tmp_path_factory.mktemp("project") / "twofold"
    skipped = shutil.ignore_patterns(".git", ".venv", "deployments", "deployed", ".*_cache")
    shutil.copytree(engines.ROOT, copy, ignore=skipped)
    path = copy / ".chalice" / "config.json"
    config = json.loads(path.read_text())
    here = config["stages"]["accounts"]
    variables = {**here["environment_variables"], "TWOFOLD_PROJECTS": "0", "TWOFOLD_REGION": THERE}
    config["stages"]["accountseu"] = {**here, "environment_variables": variables}
    for stage in ("write", "accounts"):
        config["stages"][stage]["environment_variables"]["TWOFOLD_REPLICAS"] = THERE
    path.write_text(json.dumps(config))
    return copy


@pytest.fixture(scope="module")
def deployed(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud(tmp_path_factory.mktemp("cloud"), project) as made:
        yield made


def test_a_replica_answers_in_its_region_what_was_written_in_another(deployed: Cloud) -> None:
    # CloudFormation makes the copies on AWS; the emulator's takes note of them and makes none, so
    # they are made by hand, between the stages that own the tables and the one that reads copies.
    for stage in ("write", "accounts"):
        deployed.ops("deploy", "--environment", "prod", "--only", stage)
    for table in ("keys", "balances", "statements"):
        deployed.client("dynamodb").update_table(
            TableName=f"twofold-prod-{table}",
            ReplicaUpdates=[{"Create": {"RegionName": THERE}}],
        )
    deployed.ops("deploy", "--environment", "prod", "--only", "accountseu")

    printed = deployed.ops(
        *("--stage", "write", "keys", "create", "--name", "e2e", "--ledger", "acme"),
        *("--scope", "read", "--scope", "write"),
    )
    key = printed.split()[0]
    account = {"id": "alice", "asset": "USD/2", "normal_balance": "credit"}
    url = f"{deployed.url('write')}/ledgers/acme/accounts"
    status, opened = deployed.call("POST", url, key, account)
    assert status == 201
    there = f"{deployed.url('accountseu', THERE)}/ledgers/acme/accounts/alice?min_version=1"
    assert eventually(deployed, there, key) == (200, opened)
    functions = deployed.client("lambda", THERE).list_functions()["Functions"]
    assert not [each for each in functions if "Project" in each["FunctionName"]]
