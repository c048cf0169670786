"""Taking down keeps the books unless it is told otherwise, and a deploy makes all else of them.

What ministack gets wrong is tested on a model instead (`tests/ops/deploying`): its CloudFormation
deletes protected tables when it rolls back, and adopts no global tables.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cloud import Cloud, cloud
from tests.e2e.test_deployed import TRANSFER, eventually, make_key

LEDGER = "/ledgers/acme"


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Cloud]:
    """All stages of production."""
    with cloud(tmp_path) as made:
        assert "prod is up" in made.ops("deploy")
        yield made


def test_the_books_outlive_what_is_taken_down_and_are_adopted_by_the_next_deploy(
    deployed: Cloud,
) -> None:
    key = make_key(deployed, "acme", scopes=("read", "write"))
    write = deployed.url("write") + LEDGER
    for id, side, least in (("cash", "debit", None), ("alice", "credit", "0")):
        account = {"id": id, "asset": "USD/2", "normal_balance": side, "min_balance": least}
        assert deployed.call("POST", f"{write}/accounts", key, account)[0] == 201
    status, posted = deployed.call("POST", f"{write}/transactions", key, TRANSFER)
    assert status == 201
    tables = deployed.client("dynamodb")

    with pytest.raises(AssertionError, match="delete-the-books"):
        deployed.ops("destroy", "--events", "yes")
    before = tables.list_tables()["TableNames"]
    planned = deployed.ops("destroy", "--plan")
    assert tables.list_tables()["TableNames"] == before
    assert deployed.ops("destroy") == planned
    assert sorted(tables.list_tables()["TableNames"]) == [
        "twofold-prod-events",
        "twofold-prod-keys",
    ]
    assert deployed.client("lambda").list_functions()["Functions"] == []

    printed = deployed.ops("deploy")

    assert "adopted the table twofold-prod-events with all that is in it" in printed
    assert "accounts: rebuilding accounts from the events" in printed
    assert "journal: rebuilding journal from the events" in printed
    alice = f"{deployed.url('accounts')}{LEDGER}/accounts/alice"
    assert eventually(deployed, alice, key)[1]["posted"] == posted["entries"][1]["balance_after"]
    transaction = f"{deployed.url('journal')}{LEDGER}/transactions/{posted['id']}"
    assert eventually(deployed, transaction, key)[0] == 200
    again = deployed.call("POST", f"{deployed.url('write')}{LEDGER}/transactions", key, TRANSFER)
    assert again[0] == 201
    for table in tables.list_tables()["TableNames"]:
        assert tables.describe_table(TableName=table)["Table"]["DeletionProtectionEnabled"], table
    stages = json.loads(deployed.ops("deploy", "--plan", "--json"))
    assert [each["stage"] for each in stages] == ["accounts", "journal", "write"]
    kinds = ("added", "adopted", "changed", "replaced", "removed")
    assert not [each[kind] for each in stages for kind in kinds if each[kind]]
