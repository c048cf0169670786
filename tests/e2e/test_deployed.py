"""The system deployed: three stacks on an emulated AWS with IAM enforced, driven over HTTP.

One deployment serves all tests of this file, since it takes longer than most of them.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from benchmarks import combined
from chalicelib.commands.combining.dynamodb import DynamoInbox
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.ledger.aggregates import account_stream
from tests import engines
from tests.commands.combining.test_inbox import row_of
from tests.e2e.cloud import ENVIRONMENT, Cloud, cloud
from tests.e2e.in_browser import shows_the_books
from tests.e2e.pictures import keep, picture
from tests.soak import examples

SAMPLE = engines.ROOT / "tests" / "data" / "berka-sample.csv"
TRANSFER = {
    "entries": [
        {"account": "cash", "direction": "debit", "amount": "1"},
        {"account": "alice", "direction": "credit", "amount": "1"},
    ]
}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """All stages of production, brought up and operated by one who may do no more than that."""
    with (
        cloud(tmp_path_factory.mktemp("cloud")) as made,
        made.as_user("deployer-policy", "deployer-tables-policy"),
    ):
        printed = made.ops("deploy", "--environment", "prod")
        assert "prod is up" in printed
        keep(picture(made), tmp_path_factory)
        yield made


@pytest.fixture(scope="module")
def key(deployed: Cloud) -> str:
    """A key to two ledgers."""
    return make_key(deployed, "acme", "berka", scopes=("read", "write"))


@pytest.fixture(scope="module")
def books(deployed: Cloud, key: str) -> str:
    """A ledger with a till and a customer; its path."""
    accounts = f"{deployed.url('write')}/ledgers/acme/accounts"
    cash = {"id": "cash", "asset": "USD/2", "normal_balance": "debit", "min_balance": None}
    alice = {"id": "alice", "asset": "USD/2", "normal_balance": "credit"}
    for account in (cash, alice):
        assert deployed.call("POST", accounts, key, account)[0] == 201
    return "/ledgers/acme"


def make_key(cloud: Cloud, *ledgers: str, scopes: tuple[str, ...]) -> str:
    """A key made by the operator's command."""
    words = ["--stage", "write", "keys", "create", "--name", "e2e"]
    words += [word for ledger in ledgers for word in ("--ledger", ledger)]
    words += [word for scope in scopes for word in ("--scope", scope)]
    found = re.search(r"tf_[A-Za-z0-9_-]{43}", cloud.ops(*words))
    assert found, "no key was printed"
    return found.group()


def test_the_banks_statements_come_back_from_the_deployed_system(
    deployed: Cloud, key: str, tmp_path: Path
) -> None:
    lines = SAMPLE.read_text().splitlines()[: 1 + examples(60, 499)]
    sample = tmp_path / SAMPLE.name
    sample.write_text("\n".join(lines) + "\n")
    printed = deployed.ops(
        "demo",
        "--url",
        deployed.url("write"),
        "--accounts-url",
        deployed.url("accounts"),
        "--journal-url",
        deployed.url("journal"),
        "--key",
        key,
        str(sample),
    )
    # A client that got no answer tries again, and then finds its own transaction there already.
    counts = re.search(r"(\d+) transactions posted, (\d+) were there already", printed)
    assert counts
    assert int(counts[1]) + int(counts[2]) == len(lines) - 1
    assert f"{len(lines) - 1} of {len(lines) - 1} running balances agree" in printed
    assert "NOT BALANCED" not in printed


def test_each_stage_answers_its_own_paths_only(deployed: Cloud, key: str, books: str) -> None:
    accounts, transactions = f"{books}/accounts", f"{books}/transactions"
    foreign = [
        ("write", "GET", accounts),
        ("write", "GET", f"{accounts}/alice"),
        ("write", "GET", f"{books}/trial-balance"),
        ("accounts", "POST", accounts),
        ("accounts", "POST", transactions),
        ("accounts", "GET", f"{books}/trial-balance"),
        ("journal", "POST", transactions),
        ("journal", "GET", f"{accounts}/alice"),
    ]
    for stage, method, path in foreign:
        status, body = deployed.call(method, deployed.url(stage) + path, key, TRANSFER)
        assert (status, body["code"]) == (404, "not_found"), (stage, method, path)
    for stage in ("write", "accounts", "journal"):
        status, body = deployed.call("GET", f"{deployed.url(stage)}/health")
        assert (status, body["serves"]) == (200, [stage])


def test_each_read_stage_tells_how_far_it_has_come_by_what_it_may_read(
    deployed: Cloud, key: str, books: str
) -> None:
    told = {}
    for stage in ("accounts", "journal"):
        deadline = time.monotonic() + 60
        while True:
            status, told[stage] = deployed.call("GET", f"{deployed.url(stage)}{books}/status", key)
            if status != 404 or time.monotonic() > deadline:
                break
        assert status == 200, told
    names = {stage: [each["name"] for each in told[stage]["read_models"]] for stage in told}
    assert names == {"accounts": ["balances", "statements"], "journal": ["transactions", "totals"]}

    # Strong reads are off, and the query Lambda may not read the event table.
    path = f"{deployed.url('accounts')}{books}/accounts/cash/events"
    status, body = deployed.call("GET", path, key)
    assert (status, body["errors"][0]["field"]) == (400, "events")


def test_a_key_opens_its_ledgers_and_its_scopes_and_nothing_else(
    deployed: Cloud, key: str, books: str
) -> None:
    url = f"{deployed.url('accounts')}{books}/accounts"
    for wrong in (None, "tf_" + "x" * 43, "nonsense"):
        status, body = deployed.call("GET", url, wrong)
        assert (status, body.get("code")) == (401, "unauthorized"), (wrong, body)
    elsewhere = f"{deployed.url('accounts')}/ledgers/other/accounts"
    status, body = deployed.call("GET", elsewhere, key)
    assert (status, body["code"]) == (404, "not_found")
    reader = make_key(deployed, "acme", scopes=("read",))
    assert deployed.call("GET", url, reader)[0] == 200
    posting = f"{deployed.url('write')}{books}/transactions"
    status, body = deployed.call("POST", posting, reader, TRANSFER)
    assert (status, body["code"]) == (403, "forbidden")


def test_a_planner_is_told_what_a_deploy_would_do_and_may_do_no_more(deployed: Cloud) -> None:
    with deployed.as_user("planner-policy"):
        assert "nothing would change" in deployed.ops("deploy", "--plan", "--only", "accounts")
        with pytest.raises(AssertionError, match="not authorized"):
            deployed.ops("--stage", "write", "keys", "list")


def test_the_halves_fail_separately_and_catch_up(deployed: Cloud, key: str, books: str) -> None:
    stopped = deployed.projector("accounts")
    deployed.switch(stopped, on=False)
    status, posted = deployed.call(
        "POST", f"{deployed.url('write')}{books}/transactions", key, TRANSFER
    )
    assert status == 201
    journal = f"{deployed.url('journal')}{books}/transactions/{posted['id']}?min_version=1"
    assert eventually(deployed, journal, key)[0] == 200
    version = posted["entries"][1]["version"]
    account = f"{deployed.url('accounts')}{books}/accounts/alice?min_version={version}"
    status, behind = deployed.call("GET", account, key)
    assert (status, behind["code"]) == (503, "projection_behind")

    deployed.switch(stopped, on=True)

    status, caught_up = eventually(deployed, account, key)
    assert (status, caught_up["posted"]) == (200, posted["entries"][1]["balance_after"])


def test_a_striped_account_is_written_and_read_as_one(
    deployed: Cloud, key: str, books: str
) -> None:
    write, read = deployed.url("write") + books, f"{deployed.url('accounts')}{books}/accounts/house"
    house = {"id": "house", "asset": "USD/2", "normal_balance": "credit", "stripes": 3}
    assert deployed.call("POST", f"{write}/accounts", key, house)[0] == 201
    entries = [TRANSFER["entries"][0], {**TRANSFER["entries"][1], "account": "house"}]
    for _ in range(6):
        status, posted = deployed.call("POST", f"{write}/transactions", key, {"entries": entries})
        assert status == 201
        version = posted["entries"][1]["version"]
        status, shown = eventually(deployed, f"{read}?min_version={version}", key)
        assert status == 200

    assert (shown["posted"], shown["stripes"]) == ("6", 3)
    status, listed = eventually(deployed, f"{read}/entries?min_version={version}", key)
    assert [entry["balance_after"] for entry in listed["entries"]] == list("123456")
    frozen = deployed.call("POST", f"{write}/accounts/house/freeze", key, {"credits": True})
    assert frozen[0] == 200
    refused = deployed.call("POST", f"{write}/transactions", key, {"entries": entries})
    assert (refused[0], refused[1]["code"]) == (422, "account_frozen")


def test_the_console_of_a_deployed_stage_shows_the_books(
    deployed: Cloud, key: str, books: str
) -> None:
    write, account = deployed.url("write") + books, f"{books}/accounts/alice"
    status, posted = deployed.call("POST", f"{write}/transactions", key, TRANSFER)
    assert status == 201
    entry = posted["entries"][1]
    read = f"{deployed.url('accounts')}{account}?min_version={entry['version']}"
    deadline = time.monotonic() + 120
    status, shown = eventually(deployed, read, key)
    while status == 503 and time.monotonic() < deadline:
        status, shown = eventually(deployed, read, key)
    assert status == 200, shown
    balance = f"{int(entry['balance_after']) / 100:.2f}"
    shows_the_books(deployed.url("accounts"), key, account, balance)


def test_the_write_lambda_combines_commands_by_what_its_role_may(
    deployed: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = deployed.credentials(deployed.role("write", "APIHandler"))
    for name, value in {**role, "TWOFOLD_ENVIRONMENT": ENVIRONMENT}.items():
        monkeypatch.setenv(name, value)
    with engines.connected(deployed.endpoint):
        # Waiting, leading, refusing: each reply is 200, else one of these raises.
        cases = combined.measure("combined", led=[])
        inbox, row = DynamoInbox(DynamoStore()), row_of(account_stream("combined", "hot"), 1)
        inbox.put(row)
        assert inbox.outcome(row, [(row.account, 1)])[0] == row
        assert inbox.withdraw(row)
        assert inbox.withdraw(row, leave_mark=True)

    assert [case["write_units"] for case in cases] == [6, 6, 1, 2, 80]


TABLES = ("events", "inbox", "keys", "balances", "statements", "transactions", "totals")
READS = {"get_item", "query"}

ALLOWED: dict[tuple[str, str], dict[str, set[str]]] = {
    ("write", "APIHandler"): {
        "events": {*READS, "put_item"},
        "inbox": {*READS, "put_item", "update_item", "delete_item"},
    },
    ("write", "Authorize"): {"keys": {"get_item"}},
    # Of the keys one row, which the emulator does not tell apart: it has no `dynamodb:LeadingKeys`.
    ("accounts", "APIHandler"): {"keys": {"get_item"}, "balances": READS, "statements": READS},
    ("accounts", "Authorize"): {"keys": {"get_item"}},
    ("accounts", "ProjectAccounts"): {
        "events": READS,
        "balances": {"update_item"},
        "statements": {"put_item"},
    },
    ("journal", "APIHandler"): {"keys": {"get_item"}, "transactions": READS, "totals": READS},
    ("journal", "Authorize"): {"keys": {"get_item"}},
    ("journal", "ProjectJournal"): {
        "events": READS,
        "transactions": {"put_item"},
        "totals": {"put_item", "update_item"},
    },
}


@pytest.mark.parametrize(("stage", "function"), ALLOWED)
def test_a_lambda_can_do_what_it_must_and_nothing_else(
    deployed: Cloud, stage: str, function: str
) -> None:
    dynamodb = deployed.as_role(deployed.role(stage, function))
    schemas = {table: deployed.keys_of(f"twofold-prod-{table}") for table in TABLES}
    done = {
        table: {call for call in CALLS if _may(dynamodb, call, f"twofold-prod-{table}", keys)}
        for table, keys in schemas.items()
    }
    assert {table: calls for table, calls in done.items() if calls} == ALLOWED[stage, function]


CALLS = ("get_item", "query", "scan", "put_item", "update_item", "delete_item")


def _may(dynamodb: Any, call: str, table: str, keys: dict[str, str]) -> bool:
    """Whether IAM lets the call through; what the table then says of it does not matter."""
    item = {name: {kind: "0"} for name, kind in keys.items()}
    hash_key = next(iter(keys))
    arguments: dict[str, dict[str, Any]] = {
        "get_item": {"Key": item},
        "query": {
            "KeyConditionExpression": "#key = :key",
            "ExpressionAttributeNames": {"#key": hash_key},
            "ExpressionAttributeValues": {":key": item[hash_key]},
        },
        "scan": {},
        # On a condition that nothing meets, so that nothing is written.
        "put_item": {"Item": item, "ConditionExpression": "attribute_exists(nothing)"},
        "update_item": {"Key": item, "ConditionExpression": "attribute_exists(nothing)"},
        "delete_item": {"Key": item, "ConditionExpression": "attribute_exists(nothing)"},
    }
    try:
        getattr(dynamodb, call)(TableName=table, **arguments[call])
    except ClientError as error:
        return error.response["Error"]["Code"] != "AccessDeniedException"
    return True


def eventually(cloud: Cloud, url: str, key: str) -> tuple[int, dict[str, Any]]:
    """The answer once it is not 503 any more, or the last one after half a minute."""
    deadline = time.monotonic() + 30
    while True:
        status, body = cloud.call("GET", url, key)
        if status != 503 or time.monotonic() > deadline:
            return status, body
