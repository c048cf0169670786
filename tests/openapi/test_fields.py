"""Every field and parameter of the document says what it is, and shows a value that is valid."""

import ast
import inspect
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import twofold
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from twofold.accounts import Accounts
from twofold.transactions import Transactions

from chalicelib.domain.errors import Refusal
from ops.describing.operations import OPERATIONS, TAGS
from ops.describing.samples import SERVER
from ops.openapi import routes
from tests.openapi.test_description import DOCUMENT, operations, resolved

SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
TIMES = re.compile(r"(_at|^at|^as_of|^from|^to)$")


def properties() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of every message, by `Message.property`."""
    for name, schema in SCHEMAS.items():
        for inner, described in schema["properties"].items():
            yield f"{name}.{inner}", described


def parameters() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every parameter of every operation, by `operation.parameter`, and every header."""
    for operation in operations().values():
        for each in map(resolved, operation["parameters"]):
            yield f"{operation['operationId']}.{each['name']}", each
    yield from DOCUMENT["components"]["headers"].items()


def is_of_messages(described: dict[str, Any]) -> bool:
    """Whether a property consists of messages, whose own properties have the examples."""
    options = [described, described.get("items", {}), *described.get("anyOf", ())]
    return any("$ref" in option for option in options)


def validator(schema: dict[str, Any]) -> Validator:
    """A validator of a schema of the document, formats included."""
    whole = Resource.from_contents(DOCUMENT, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:twofold", whole)
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:twofold#/'))
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(absolute, registry=registry, format_checker=checker)


def test_every_property_has_a_description_and_an_example() -> None:
    found = dict(properties())
    silent = [name for name, each in found.items() if not each.get("description")]
    bare = [
        name
        for name, each in found.items()
        if not each.get("examples") and not is_of_messages(each)
    ]

    assert len(found) > 120
    assert (silent, bare) == ([], [])


def test_every_parameter_and_header_has_a_description_and_an_example() -> None:
    found = dict(parameters())
    lacking = [name for name, each in found.items() if not {"description", "example"} <= {*each}]

    assert len(found) > 50
    assert lacking == []


def test_every_example_is_valid() -> None:
    wrong = [
        (name, example)
        for name, each in properties()
        for example in each.get("examples", ())
        if not validator(each).is_valid(example)
    ]
    wrong += [
        (name, each["example"])
        for name, each in parameters()
        if not validator(each["schema"]).is_valid(each["example"])
    ]

    assert wrong == []


def test_every_time_is_a_date_time_and_every_closed_set_an_enumeration() -> None:
    named = [*properties(), *((name, each["schema"]) for name, each in parameters())]
    last = {name: (name.rpartition(".")[2], each) for name, each in named}
    times = {name for name, (field, _) in last.items() if TIMES.search(field)}
    sets = {
        name
        for name, (field, _) in last.items()
        if field in ("direction", "normal_balance", "code", "state", "order", "consistency")
        and name not in ("Problem.direction", "Problem.normal_balance", "Problem.state")
    }

    assert len(times) > 20
    assert {name for name, (_, each) in last.items() if each.get("format") == "date-time"} == times
    assert len(sets) > 8
    assert [name for name in sets if not last[name][1].get("enum")] == []


def test_no_body_has_a_default_which_would_make_generated_types_require_it() -> None:
    assert [name for name, each in properties() if "default" in each] == []


def test_a_problem_may_have_further_members_and_says_which_there_are() -> None:
    problem = SCHEMAS["Problem"]
    figures = {
        name
        for kind in _kinds(Refusal)
        for name in inspect.get_annotations(kind)
        if name not in ("where", "why", "similar", "code", "sentence")
    }

    assert problem["additionalProperties"] is True
    assert figures == set(problem["properties"]) - set(problem["required"])
    assert "`insufficient_funds`" in problem["properties"]["available"]["description"]


def _kinds(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds(each)


def test_every_route_has_a_name_a_group_and_a_summary_of_its_own() -> None:
    views = [route.view.__name__ for route in routes()]
    ids = [operation["operationId"] for operation in operations().values()]

    assert sorted(views) == sorted(OPERATIONS)
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-z]+[A-Za-z]+", id) for id in ids)
    assert {tag for each in operations().values() for tag in each["tags"]} == set(TAGS)
    assert all(each["summary"][-1] != "." for each in operations().values())


def sources(language: str) -> dict[str, str]:
    """The samples in a language, by operation."""
    return {
        operation["operationId"]: sample["source"]
        for operation in operations().values()
        for sample in operation["x-codeSamples"]
        if sample["label"] == language
    }


def test_every_operation_has_a_sample_for_curl_which_is_its_first_example() -> None:
    found = sources("curl")
    assert set(found) == {each["operationId"] for each in operations().values()}
    for (method, path), operation in operations().items():
        words = shlex.split(found[operation["operationId"]].replace("\\\n", ""))
        (address,) = [word for word in words if word.startswith(SERVER)]
        plain = re.sub(r"\{\w+\}", "[^/]+", path)
        assert words[0] == "curl"
        assert re.fullmatch(plain, address.removeprefix(SERVER).partition("?")[0])
        # curl has `--json` since 7.82 only.
        assert set(words) & {"--json"} == set()
        if method in ("post", "patch"):
            content = operation["requestBody"]["content"]["application/json"]
            first = content["examples"]["example-1"]["value"]
            assert json.loads(words[words.index("-d") + 1]) == first
            assert "Content-Type: application/json" in words


@pytest.mark.parametrize("operation", sources("Python"))
def test_a_sample_for_python_calls_the_client_as_it_is(operation: str) -> None:
    tree = ast.parse(sources("Python")[operation])
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    of_ledger = [call for call in calls if ast.unparse(call.func).startswith("ledger.")]

    assert len(of_ledger) == 1
    for call in calls:
        named = ast.unparse(call.func)
        if named.startswith("ledger.") or hasattr(twofold, named):
            bound = [None] if named.startswith("ledger.") else []
            keywords = {keyword.arg: None for keyword in call.keywords if keyword.arg}
            inspect.signature(_called(named)).bind(*bound, *call.args, **keywords)


def _called(named: str) -> Any:
    """What a sample calls: a method of the client, or a name of the package."""
    *owner, name = named.split(".")
    match owner:
        case ["ledger", "accounts"]:
            return getattr(Accounts, name)
        case ["ledger", "transactions"]:
            return getattr(Transactions, name)
        case ["ledger"]:
            return getattr(twofold.Ledger, name)
        case _:
            return getattr(twofold, name)


def test_every_operation_of_the_client_has_a_sample_for_python() -> None:
    named = {each["operationId"] for each in operations().values()}

    assert set(sources("Python")) == named - {"getOpenapi", "getDocs", "getProblemPage"}
