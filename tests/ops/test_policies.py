"""Least privilege: the policy files are those of `ops/policies.py`, and none says too much."""

import json
from typing import Any

import pytest

from ops.policies import WILDCARDS, documents, files
from ops.stages import CONFIG, all_stages

ENVIRONMENTS = sorted({stage.environment for stage in all_stages()})


def _statements(environment: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, statement)
        for name, document in documents(environment).items()
        for statement in document["Statement"]
    ]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_policy_files_are_up_to_date(environment: str) -> None:
    for path, content in files(environment).items():
        assert path.read_text() == content, f"run: python -m ops policies ({path.name})"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_action_is_a_wildcard_and_no_resource_beyond_the_argued_ones(environment: str) -> None:
    for name, statement in _statements(environment):
        for action in statement["Action"]:
            assert "*" not in action, name
            if "*" in statement["Resource"]:
                assert action in WILDCARDS, (name, action)
        for resource in statement["Resource"]:
            service = resource.split(":")[2] if resource != "*" else ""
            if service == "dynamodb":
                assert f"table/twofold-{environment}-" in resource, (name, resource)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_may_scan_or_delete_and_only_writers_write(environment: str) -> None:
    writes = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"}
    writes |= {"dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"}
    written: dict[str, set[str]] = {}
    for name, statement in _statements(environment):
        for action in statement["Action"]:
            assert action not in ("dynamodb:Scan", "dynamodb:PartiQLSelect"), name
            assert action != "dynamodb:PartiQLDelete", name
            if action == "dynamodb:DeleteItem":  # Rows that were answered, of nothing else.
                inbox = [f"arn:*:dynamodb:*:*:table/twofold-{environment}-inbox"]
                assert (name in ("write", "sweep"), statement["Resource"]) == (True, inbox)
            if action in writes:
                named = {arn.rsplit("-", 1)[1] for arn in statement["Resource"]}
                tables = {name.removesuffix("_b") for name in named}  # Of either generation.
                written.setdefault(name, set()).update(tables)
    accounts = {"balances", "statements", "accounts_parked", "accounts_ledgers"}
    journal = {"transactions", "totals", "journal_parked", "journal_ledgers"}
    assert written == {
        "write": {"events", "inbox"},
        "sweep": {"events", "inbox"},
        "accounts-projector": accounts,
        "accounts-projector-kinesis": accounts,
        "journal-projector": journal,
        "journal-projector-kinesis": journal,
    }


def test_every_lambda_of_a_deployed_stage_has_a_policy_file_of_its_own() -> None:
    config = json.loads(CONFIG.read_text())["stages"]
    for stage in all_stages():
        entry = config[stage.name]
        assert entry["autogen_policy"] is False
        for function in ("api_handler", "authorize", *stage.projectors):
            named = entry["lambda_functions"][function]["iam_policy_file"]
            assert (CONFIG.parent / named).is_file(), (stage.name, function)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_of_the_keys_a_query_lambda_may_read_the_one_that_seals_cursors(environment: str) -> None:
    found = [
        (name, statement)
        for name, statement in _statements(environment)
        if any(resource.endswith("-keys") for resource in statement["Resource"])
        and name != "authorize"
    ]

    assert {name for name, _ in found} == {
        *("accounts-query", "accounts-query-strong", "journal-query", "journal-query-strong")
    }
    for _, statement in found:
        assert statement["Action"] == ["dynamodb:GetItem"]
        assert statement["Condition"] == {
            "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["cursors"]}
        }
