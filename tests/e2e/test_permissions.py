"""What each deployed Lambda may not do is refused by IAM, with the Lambda's own role."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.cloud import Cloud
from tests.e2e.test_deployed import deployed  # noqa: F401  # One deployment serves both files.

TABLES = ("events", "keys", "balances", "statements", "transactions", "totals")
READS = {"get_item", "query"}

ALLOWED: dict[tuple[str, str], dict[str, set[str]]] = {
    ("write", "APIHandler"): {"events": {*READS, "put_item"}},
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
    deployed: Cloud,  # noqa: F811  # The fixture imported above.
    stage: str,
    function: str,
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
