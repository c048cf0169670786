"""What others' programs say of the document: linters, a compiler of types, Postman's converter."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from chalicelib.http.description import OPENAPI
from tests.engines import ROOT
from tests.npm import run
from tests.openapi import judges
from tests.openapi.test_description import DOCUMENT, operations

CONTRACT_BODIES: list[tuple[str, str]] = [
    (
        "openAccount",
        '{"id": "customers:alice", "asset": "USD/2", "normal_balance": "credit", '
        '"min_balance": "0", "max_balance": null, "metadata": {"name": "Alice"}}',
    ),
    ("openAccount", '{"asset": "USD/2", "normal_balance": "debit", "min_balance": -5000}'),
    ("changeAccount", '{"min_balance": "-5000", "metadata": {"name": "Bob"}}'),
    ("freezeAccount", '{"debits": true, "credits": false}'),
    ("unfreezeAccount", "{}"),
    ("closeAccount", "{}"),
    (
        "postTransaction",
        '{"id": "order-77", "reference": "invoice 1009", '
        '"effective_at": "2026-11-01T00:00:00.000000Z", "entries": ['
        '{"account": "cash", "direction": "debit", "amount": "1000"}, '
        '{"account": "customers:alice", "direction": "credit", "amount": 1000}], '
        '"metadata": {"k": "v"}}',
    ),
    (
        "postTransaction",
        '{"entries": [{"account": "a", "direction": "debit", "amount": 1, "asset": "USD/2"}, '
        '{"account": "b", "direction": "credit", "amount": 1}], '
        '"pending": {"timeout_seconds": null}}',
    ),
    ("postHold", '{"amount": "700"}'),
    ("postHold", "{}"),
    ("voidHold", '{"reason": "out of stock"}'),
    ("reverseTransaction", '{"id": "refund-1", "reference": "r", "metadata": {"k": "v"}}'),
    (
        "postBatch",
        '{"atomic": true, "transactions": [{"entries": ['
        '{"account": "a", "direction": "debit", "amount": 1}, '
        '{"account": "b", "direction": "credit", "amount": 1}]}]}',
    ),
    ("openAccounts", '{"accounts": [{"asset": "USD/2", "normal_balance": "credit"}]}'),
]
"""Bodies as the contract has them, by operation."""

_BODY = re.compile(r"(?:--json|--data|-d)\s+'(\{.*?\})'", re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the judges, the document, and one that is worse."""
    folder = judges.workplace(tmp_path_factory.mktemp("judges"))
    (folder / "good.json").write_text(OPENAPI.read_text())
    worse = deepcopy(DOCUMENT)
    for method in worse["paths"]["/ledgers"].values():
        del method["operationId"], method["tags"], method["description"]
    (folder / "worse.json").write_text(json.dumps(worse))
    return folder


def test_redocly_finds_nothing_against_the_document(folder: Path) -> None:
    arguments = ("lint", "--extends=recommended", "--format=json", "good.json", "worse.json")
    good, worse = judges.judged(folder, "redocly", *arguments)

    assert good["problems"] == []
    assert [each["ruleId"] for each in worse["problems"]] == ["operation-operationId"]


def test_spectral_finds_nothing_against_the_document(folder: Path) -> None:
    arguments = ("lint", "--ruleset", "spectral.yaml", "--format=json", "--quiet")
    (problems,) = judges.judged(folder, "spectral", *arguments, "good.json", "worse.json")
    found = [(Path(each["source"]).name, each["code"]) for each in problems]

    assert [each for each in found if each[0] == "good.json"] == []
    assert {code for _, code in found} == {
        *("operation-operationId", "operation-tags", "operation-description"),
    }


def test_generated_types_accept_the_requests_of_the_pages_and_the_contract(folder: Path) -> None:
    requests = [*_of_pages(), *CONTRACT_BODIES]
    lines = [
        f'export const request{number}: Body<"{operation}"> = {body};'
        for number, (operation, body) in enumerate(requests)
    ]
    (folder / "requests.ts").write_text("\n".join(['import type { Body } from "./uses";', *lines]))
    run("node_modules/.bin/openapi-typescript", "good.json", "-o", "types.ts", folder=folder)

    assert {operation for operation, _ in requests} == {
        each["operationId"] for each in operations().values() if "requestBody" in each
    }
    run("node_modules/.bin/tsc", folder=folder)


def _of_pages() -> Iterator[tuple[str, str]]:
    """The requests with a body in README and concepts, by curl: the operation, and the body."""
    for page in (ROOT / "README.md", ROOT / "docs" / "concepts.md"):
        found = 0
        for command in page.read_text().split("curl ")[1:]:
            path, body = re.search(r"\$L(/[^\s'\"?]+)", command), _BODY.search(command)
            if path and body:
                found += 1
                yield _operation_at(f"/ledgers/acme{path[1]}"), body[1]
        assert found > 2, page


def _operation_at(path: str) -> str:
    """The operation of a POST to a path."""
    (found,) = [
        operation["operationId"]
        for (method, template), operation in operations().items()
        if method == "post" and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
        if "batch" not in path or template.endswith("/batch")
    ]
    assert isinstance(found, str)
    return found


def test_postman_fills_in_the_examples(folder: Path) -> None:
    collection = json.loads(run("node", "postman.js", "good.json", folder=folder))
    asked = list(_requests(collection))

    variables = {
        (variable["key"], variable["value"])
        for request in asked
        for variable in request["url"].get("variable", ())
    }
    (transaction,) = [
        json.loads(request["body"]["raw"])
        for request in asked
        if request["method"] == "POST" and request["url"]["path"][-1] == "transactions"
    ]
    assert len(asked) == len(operations())
    assert variables == {
        ("ledger", "acme"),
        ("account", "customers:alice"),
        ("transaction", "order-77"),
        ("code", "insufficient_funds"),
    }
    assert transaction["id"] == "order-77"
    assert {each["name"] for each in collection["item"]} == {
        each["name"] for each in DOCUMENT["tags"]
    }


def _requests(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "request" in item:
        yield item["request"]
    for inner in item.get("item", ()):
        yield from _requests(inner)
