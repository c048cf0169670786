"""Every example of the OpenAPI document is executed, and answers what the document shows."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from chalicelib.settings import settings, using
from ops.examples import SESSION, Example
from ops.openapi import only_of
from tests.http.api import Api
from tests.openapi.test_description import DOCUMENT, operations, responses_of

INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T[0-9:]{8}\.\d{6}Z")
HASH = re.compile(r'(?<="hash": ")[0-9a-f]{64}')
CURSOR = re.compile(r'(?<="next_cursor": ")[^"]+')


def comparable(answer: object, ledger: str) -> Any:
    """An answer without its instants, hashes and cursors, of the ledger `acme`."""
    text = json.dumps(answer, sort_keys=True).replace(ledger, "acme")
    for found, name in ((CURSOR, "cursor"), (INSTANT, "instant"), (HASH, "hash")):
        text = found.sub(f"<{name}>", text)
    return json.loads(text)


def execute(api: Api, example: Example) -> Any:
    """What an example is answered, once all that came before it has been projected."""
    if example.method == "GET":
        api.project()
    headers = {"Content-Type": "application/json", **example.headers}
    body = b"" if example.body is None else json.dumps(example.body).encode()
    path = example.whole_path(api.ledger)
    reply = api.request(example.method, path, headers=headers, body=body)
    assert reply.status_code == example.status, (example, reply.body)
    return only_of(api.ledger, json.loads(reply.body))


def shown(operation: dict[str, Any], status: int) -> tuple[dict[str, Any], list[Any]]:
    """The schema of a response, and its examples in their order."""
    (content,) = responses_of(operation)[str(status)]["content"].values()
    return content["schema"], [each["value"] for each in content.get("examples", {}).values()]


def is_described(answer: object, schema: dict[str, Any]) -> None:
    """Raises ValidationError for an answer of another shape."""
    whole = Resource.from_contents(DOCUMENT, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:twofold", whole)
    absolute = {"$ref": f"urn:twofold{schema['$ref']}"}
    Draft202012Validator(absolute, registry=registry).validate(answer)


@pytest.fixture
def strong() -> Iterator[None]:
    """A stage that may read the event table, as a laptop's."""
    with using(replace(settings(), strong_reads=True)):
        yield


@pytest.mark.usefixtures("moto", "strong")
def test_every_example_is_true(api: Api) -> None:
    named = {each["operationId"]: each for each in operations().values()}
    executed: dict[tuple[str, int], list[Any]] = defaultdict(list)

    for example in SESSION:
        answer = execute(api, example)
        schema, _ = shown(named[example.operation], example.status)
        is_described(answer, schema)
        executed[example.operation, example.status].append(comparable(answer, api.ledger))

    for (operation, status), answers in executed.items():
        _, examples = shown(named[operation], status)
        assert [comparable(each, api.ledger) for each in examples] == answers, (operation, status)


def test_every_operation_has_an_example_but_for_those_that_describe_the_others() -> None:
    named = {each["operationId"] for each in operations().values()}

    assert {example.operation for example in SESSION} == named - {
        "getOpenapi",
        "getDocs",
        "getProblemPage",
    }


def test_every_request_that_is_shown_is_one_of_the_session() -> None:
    asked = [example.body for example in SESSION]
    for operation in operations().values():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert all(each["value"] in asked for each in content.get("examples", {}).values())
