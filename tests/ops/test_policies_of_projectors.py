"""Least privilege of projectors: their policies allow the statements that they send, and no others.

No emulator asks IAM about a statement's own action. (DynamoDB Developer Guide, "IAM security
policies with PartiQL for DynamoDB".)
"""

import re
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from chalicelib.tables import connection
from ops.policies import documents
from tests.books import PROJECTORS, Bookkeeper, record_of
from tests.domain.books import credit, debit

ARN = "arn:aws:dynamodb:eu-central-1:1:table/"
Call = tuple[str, str]
"""An action, and the resource that it is on."""

_STATEMENT = re.compile(r'(INSERT) INTO "([^"]+)"|(UPDATE) "([^"]+)"')


def calls_of(operation: str, params: dict[str, Any]) -> Iterator[Call]:
    """What IAM is asked about a request. A transaction's parts are asked about by their kind."""
    if operation == "BatchExecuteStatement":
        for each in params["Statements"]:
            found = _STATEMENT.match(each["Statement"])
            assert found, each
            verb, table = filter(None, found.groups())
            yield f"dynamodb:PartiQL{verb.capitalize()}", ARN + table
    elif operation == "TransactWriteItems":
        for part in params["TransactItems"]:
            for kind, asked in part.items():
                yield f"dynamodb:{kind}Item", ARN + asked["TableName"]
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for table in params["RequestItems"]:
            yield f"dynamodb:{operation}", ARN + table
    else:
        yield f"dynamodb:{operation}", ARN + params["TableName"]


def allows(policy: str, call: Call) -> bool:
    action, resource = call
    return any(
        action in each["Action"] and any(fnmatchcase(resource, arn) for arn in each["Resource"])
        for each in documents("test")[policy]["Statement"]
    )


@pytest.mark.usefixtures("ministack")
def test_a_projectors_policy_allows_what_it_sends_and_no_statement_of_another_kind(
    ledger: str,
) -> None:
    books = Bookkeeper(ledger)
    for number in range(4):
        books.open(f"a{number}")
    first = len(books.recorded)
    for number in range(4):
        books.post(f"t{number}", debit("a0", 1), credit("a1", 1), debit("a2", 1), credit("a3", 1))
    events: Any = connection().client.meta.events
    for projector, group in zip(PROJECTORS, ("accounts", "journal"), strict=True):
        calls: Counter[Call] = Counter()

        def note(
            params: dict[str, Any], model: Any, calls: Counter[Call] = calls, **_: Any
        ) -> None:
            calls.update(calls_of(model.name, params))

        events.register("before-parameter-build.dynamodb", note)
        try:
            for batch in (books.recorded[:first], books.recorded[first:]):
                projector({"Records": [record_of(event) for event in batch]}, None)
        finally:
            events.unregister("before-parameter-build.dynamodb", note)

        for feed in ("", "-kinesis"):
            assert [call for call in calls if not allows(f"{group}-projector{feed}", call)] == []
        tables = {"accounts": "balances", "journal": "transactions"}
        inserted = ("dynamodb:PartiQLInsert", f"{ARN}twofold-test-{tables[group]}")
        assert calls[inserted] == 4
        for verb in ("Select", "Delete"):
            for _, resource in calls:
                assert not allows(f"{group}-projector", (f"dynamodb:PartiQL{verb}", resource))


@pytest.mark.parametrize("verb", ["Insert", "Update"])
def test_statements_are_allowed_on_two_read_models_only(verb: str) -> None:
    action = f"dynamodb:PartiQL{verb}"
    allowed = {
        (name, arn.rpartition("-")[2])
        for name, document in documents("test").items()
        for each in document["Statement"]
        if action in each["Action"]
        for arn in each["Resource"]
    }

    assert allowed == {
        (f"{group}-projector{feed}", table)
        for group, name in (("accounts", "balances"), ("journal", "transactions"))
        for feed in ("", "-kinesis")
        for table in (name, f"{name}_b")
    }
