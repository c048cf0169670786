"""The OpenAPI document: valid, made of the routes as they are, and agreeing with the contract."""

import json
import re
from copy import deepcopy
from dataclasses import replace
from hashlib import sha256
from typing import Annotated, Any

import msgspec
import pytest
from openapi_spec_validator import validate

from app import app
from chalicelib.http.description import OPENAPI, REFERENCE
from chalicelib.http.problems import STATUS
from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.settings import settings, using
from ops.describing.document import document
from ops.openapi import routes
from tests.http.api import Api

DOCUMENT: dict[str, Any] = json.loads(OPENAPI.read_text())

ACCOUNTS = "/ledgers/{ledger}/accounts"
TRANSACTIONS = "/ledgers/{ledger}/transactions"
CONTRACT: dict[tuple[str, str], tuple[set[int], set[str]]] = {
    ("post", ACCOUNTS): ({201, 200}, {"account_exists"}),
    ("post", f"{ACCOUNTS}/batch"): ({200}, {"batch_too_large"}),
    ("patch", f"{ACCOUNTS}/{{account}}"): ({200}, {"version_conflict", "balance_limit_exceeded"}),
    ("post", f"{ACCOUNTS}/{{account}}/freeze"): ({200}, {"account_not_found"}),
    ("post", f"{ACCOUNTS}/{{account}}/unfreeze"): ({200}, {"account_not_found"}),
    ("post", f"{ACCOUNTS}/{{account}}/close"): ({200}, {"account_not_empty"}),
    ("post", TRANSACTIONS): (
        {201, 200},
        {
            "idempotency_key_reused",
            "too_many_entries",
            "unbalanced_transaction",
            "insufficient_funds",
            "balance_limit_exceeded",
            "account_frozen",
            "account_closed",
            "asset_mismatch",
            "invalid_amount",
            "contention",
        },
    ),
    ("post", f"{TRANSACTIONS}/batch"): ({200}, {"batch_too_large"}),
    ("post", f"{TRANSACTIONS}/{{transaction}}/post"): (
        {200},
        {"transaction_not_pending", "exceeds_pending_amount"},
    ),
    ("post", f"{TRANSACTIONS}/{{transaction}}/void"): ({200}, {"transaction_not_pending"}),
    ("post", f"{TRANSACTIONS}/{{transaction}}/reverse"): ({201, 200}, {"already_reversed"}),
    ("get", f"{ACCOUNTS}/{{account}}"): ({200}, {"account_not_found", "projection_behind"}),
    ("get", "/ledgers"): ({200}, {"invalid_cursor"}),
    ("get", ACCOUNTS): ({200}, {"invalid_cursor", "ledger_not_found"}),
    ("get", f"{ACCOUNTS}/{{account}}/balance"): ({200}, {"projection_behind"}),
    ("get", f"{ACCOUNTS}/{{account}}/entries"): ({200}, {"invalid_cursor"}),
    ("get", f"{ACCOUNTS}/{{account}}/statement"): ({200}, {"invalid_cursor"}),
    ("get", f"{TRANSACTIONS}/{{transaction}}"): ({200}, {"transaction_not_found"}),
    ("get", f"{ACCOUNTS}/{{account}}/events"): ({200}, {"account_not_found", "invalid_cursor"}),
    ("get", f"{TRANSACTIONS}/{{transaction}}/events"): (
        {200},
        {"transaction_not_found", "invalid_cursor"},
    ),
    ("get", "/ledgers/{ledger}/status"): ({200}, {"ledger_not_found"}),
    ("get", TRANSACTIONS): ({200}, {"invalid_cursor", "ledger_not_found"}),
    ("get", "/ledgers/{ledger}/trial-balance"): ({200}, {"ledger_not_found"}),
    ("get", "/ledgers/{ledger}/integrity"): ({200}, set()),
    ("get", "/health"): ({200}, set()),
    ("get", "/problems/{code}"): ({200}, {"not_found"}),
    ("get", "/openapi.json"): ({200}, set()),
    ("get", "/docs"): ({200}, set()),
}
"""The paths of the contract, each with its success and the codes that the contract names for it."""

PARAMETERS = {
    ("get", "/ledgers"): {"limit", "cursor"},
    ("post", ACCOUNTS): {"Idempotency-Key"},
    ("get", ACCOUNTS): {"prefix", "limit", "cursor"},
    ("get", f"{ACCOUNTS}/{{account}}"): {"min_version", "consistency"},
    ("get", f"{ACCOUNTS}/{{account}}/balance"): {"at", "min_version", "consistency"},
    ("get", f"{ACCOUNTS}/{{account}}/entries"): {
        *("limit", "cursor", "order", "min_version", "consistency"),
    },
    ("get", f"{ACCOUNTS}/{{account}}/statement"): {
        *("from", "to", "limit", "cursor", "min_version", "consistency"),
    },
    ("get", f"{TRANSACTIONS}/{{transaction}}"): {"min_version", "consistency"},
    ("get", f"{ACCOUNTS}/{{account}}/events"): {"min_version", "order", "limit", "cursor"},
    ("get", f"{TRANSACTIONS}/{{transaction}}/events"): {"min_version", "order", "limit", "cursor"},
    ("get", TRANSACTIONS): {"reference", "state", "from", "to", "order", "limit", "cursor"},
    ("post", TRANSACTIONS): {"dry_run", "Idempotency-Key"},
    ("patch", f"{ACCOUNTS}/{{account}}"): {"If-Match"},
}


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """Each operation of the document by its method and path."""
    return {
        (method, path): operation
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }


def resolved(described: dict[str, Any]) -> dict[str, Any]:
    """A parameter or a response, of which an operation may have a reference only."""
    if "$ref" not in described:
        return described
    _, _, kind, name = described["$ref"].split("/")
    found: dict[str, Any] = DOCUMENT["components"][kind][name]
    return found


def responses_of(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The responses of an operation, by status."""
    return {status: resolved(each) for status, each in operation["responses"].items()}


def without_examples(whole: dict[str, Any]) -> dict[str, Any]:
    """The document as its routes alone make it."""
    bare = deepcopy(whole)
    for methods in bare["paths"].values():
        for operation in methods.values():
            operation.pop("x-codeSamples", None)
            contents = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in contents:
                for described in content.get("content", {}).values():
                    described.pop("examples", None)
    return bare


def test_it_is_a_valid_openapi_document() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    validate(DOCUMENT)


def test_it_is_what_the_routes_make_of_it_today() -> None:
    made = json.loads(json.dumps(document(routes(), {})))

    assert without_examples(DOCUMENT) == without_examples(made), "run: python -m ops openapi"


def test_it_has_every_route_of_the_app_but_files_of_a_page_and_no_other() -> None:
    served = {
        (method.lower(), path)
        for path, methods in app.routes.items()
        for method in methods
        if path != "/docs/scalar.js" and not path.startswith("/console")
    }

    # HEAD is answered wherever GET is, which the document says once.
    heads = {("get", path) for method, path in served if method == "head"}
    assert heads == {(method, path) for method, path in served if method == "get"}
    assert set(operations()) == {each for each in served if each[0] != "head"} == set(CONTRACT)


@pytest.mark.parametrize(("method", "path"), CONTRACT)
def test_an_operation_answers_as_the_contract_says(method: str, path: str) -> None:
    successes, codes = CONTRACT[method, path]
    responses = responses_of(operations()[method, path])
    said = {
        code
        for status, response in responses.items()
        for code in re.findall("`([a-z_]+)`", response["description"])
        if STATUS[code] == int(status)
    }

    assert {int(status) for status in responses if int(status) < 300} == successes
    assert codes <= said
    assert {"internal_error", "rate_limited"} <= said


@pytest.mark.parametrize(("method", "path"), PARAMETERS)
def test_an_operation_takes_the_parameters_of_the_contract(method: str, path: str) -> None:
    found = {
        parameter["name"]
        for parameter in map(resolved, operations()[method, path]["parameters"])
        if parameter["in"] != "path"
    }

    assert found == PARAMETERS[method, path]


def test_every_code_there_is_can_be_met_somewhere() -> None:
    # The gateway says the two of paths and methods, and a batch says the one of its parts.
    elsewhere = {"method_not_allowed", "batch_aborted"}
    described = [
        each for operation in operations().values() for each in responses_of(operation).values()
    ]
    said = set(re.findall("`([a-z_]+)`", "".join(each["description"] for each in described)))

    assert set(STATUS) - elsewhere <= said


def test_only_what_describes_the_system_is_open_to_all() -> None:
    open_to_all = {path for (_, path), each in operations().items() if each.get("security") == []}

    assert open_to_all == {"/health", "/problems/{code}", "/openapi.json", "/docs"}


def test_both_are_served_to_anybody(api: Api) -> None:
    described = api.request("GET", "/openapi.json")
    shown = api.request("GET", "/docs")

    assert described.headers["Content-Type"] == "application/json"
    assert described.json_body["paths"] == DOCUMENT["paths"]
    assert shown.headers["Content-Type"] == "text/html; charset=utf-8"
    assert shown.body.decode() == (REFERENCE / "index.html").read_text()


@pytest.mark.parametrize(
    ("auth", "required", "schemes"),
    [
        ("none", [], {}),
        ("keys", [{"key": []}], {"key": ("http", "bearer")}),
        ("cognito", [{"cognito": []}], {"cognito": ("http", "bearer")}),
        ("iam", [{"iam": []}], {"iam": ("apiKey", None)}),
    ],
)
def test_the_document_asks_for_what_its_server_asks_for_and_for_nothing_else(
    api: Api, auth: str, required: list[Any], schemes: dict[str, Any]
) -> None:
    plain = api.request("GET", "/openapi.json").headers["ETag"]
    with using(replace(settings(), auth=auth)):
        reply = api.request("GET", "/openapi.json")

    document = reply.json_body
    validate(document)
    found = document["components"].pop("securitySchemes", {})
    assert document["security"] == required
    assert {name: (each["type"], each.get("scheme")) for name, each in found.items()} == schemes
    assert (reply.headers["ETag"] == plain) == (auth == settings().auth)
    rest = {**DOCUMENT, "components": {**DOCUMENT["components"]}}
    del rest["components"]["securitySchemes"]
    same: dict[str, Any] = {"security": [], "servers": []}
    assert {**document, **same} == {**rest, **same}


def test_a_laptop_whose_settings_change_is_asked_for_the_pages_each_time(api: Api) -> None:
    with using(replace(settings(), embedded=True)):
        assert api.request("GET", "/openapi.json").headers["Cache-Control"] == "no-cache"


def served(context: dict[str, str], **headers: str) -> Any:
    """The document, as it is served to a request of this context."""
    event = {
        "httpMethod": "GET",
        "path": "/openapi.json",
        "requestContext": {"resourcePath": "/openapi.json", "httpMethod": "GET", **context},
        "headers": {"Accept": "application/json", **headers},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }
    reply = app(event, None)
    return json.loads(reply["body"])


def servers(context: dict[str, str], **headers: str) -> list[str]:
    """The addresses in the document, likewise."""
    return [each["url"] for each in served(context, **headers)["servers"]]


def test_the_document_names_the_server_that_was_asked_first_and_then_where_others_are() -> None:
    made, *others = [each["url"] for each in DOCUMENT["servers"]]
    gateway = {"domainName": "abc.execute-api.eu-west-1.amazonaws.com", "path": "/v1/openapi.json"}
    domain = {"domainName": "ledger.example.com", "path": "/accounts/openapi.json"}

    assert made == "http://127.0.0.1:8000"
    assert servers(gateway) == ["https://abc.execute-api.eu-west-1.amazonaws.com/v1", *others]
    assert servers(domain) == ["https://ledger.example.com/accounts", *others]
    assert servers({}, Host="127.0.0.1:9000") == ["http://127.0.0.1:9000", *others]
    assert servers({}, Host="elsewhere.example") == ["/", *others]
    assert servers({**domain, "path": "/accounts/openapi.json/"}) == servers(domain)


def test_the_samples_call_the_server_of_this_computer_at_its_own_port() -> None:
    ours = json.dumps(served({}, Host="127.0.0.1:9000")["paths"])
    theirs = json.dumps(served({}, Host="elsewhere.example")["paths"])

    assert "http://127.0.0.1:8000/ledgers" in theirs
    assert ours == theirs.replace("http://127.0.0.1:8000", "http://127.0.0.1:9000")


def test_a_slash_at_the_end_leads_to_the_page_whose_addresses_are_relative(api: Api) -> None:
    for method in ("GET", "HEAD"):
        led = api.request(method, "/docs/")
        assert (led.status_code, led.headers["Location"]) == (308, "../docs")


PAGES = ("/openapi.json", "/docs", "/docs/scalar.js")


@pytest.mark.parametrize("path", PAGES)
def test_a_cache_keeps_a_page_for_an_hour_and_then_asks_whether_it_changed(
    api: Api, path: str
) -> None:
    first = api.request("GET", path)
    etag = first.headers["ETag"]

    assert first.headers["Cache-Control"] == "public, max-age=3600"
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag)
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = api.request("GET", path, headers={"If-None-Match": known})
        assert (again.status_code, again.body) == (304, b""), known
        for name in ("ETag", "Cache-Control", "Vary"):
            assert again.headers[name] == first.headers[name]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("known", ['"other"', "", "W/", "other"])
def test_who_has_another_page_is_given_this_one(api: Api, path: str, known: str) -> None:
    reply = api.request("GET", path, headers={"If-None-Match": known})

    assert reply.status_code == 200
    assert reply.body == api.request("GET", path).body


def test_each_page_has_a_tag_of_its_own(api: Api) -> None:
    assert len({api.request("GET", path).headers["ETag"] for path in PAGES}) == 3


def test_no_cache_keeps_what_a_stage_says_of_its_health(api: Api) -> None:
    assert api.request("GET", "/health").headers["Cache-Control"] == "no-store"


def test_the_page_may_run_and_ask_what_is_of_its_own_origin_only(api: Api) -> None:
    shown = api.request("GET", "/docs")

    policy = set(shown.headers["Content-Security-Policy"].split("; "))
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'"} < policy
    assert not re.search(r"\sstyle=|\son[a-z]+=|https?:", shown.body.decode())


def test_the_script_of_the_page_is_the_one_that_its_readme_names(api: Api) -> None:
    script = api.request("GET", "/docs/scalar.js")
    named = re.findall("[0-9a-f]{64}", (REFERENCE / "README.md").read_text())

    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert named == [sha256(script.body).hexdigest()]


def test_a_new_route_is_described_by_its_declaration_alone() -> None:
    class Turnover(msgspec.Struct):
        ledger: str
        day: str
        asset: Annotated[str, msgspec.Meta(description="Of this asset.")] = "USD/2"

    router = Router("new")

    @router.get("/ledgers/{ledger}/turnover/{day}", errors=("ledger_not_found",))
    def turnover(query: Turnover) -> Response[Turnover]:
        """What a day moved."""
        return Response(query)

    made = document(router.declared, {})["paths"]["/ledgers/{ledger}/turnover/{day}"]["get"]

    assert made["description"] == "What a day moved."
    assert (made["operationId"], made["summary"]) == ("turnover", "Turnover")
    described = {each["name"]: (each["in"], each["description"]) for each in made["parameters"]}
    assert described["day"] == ("path", "An id.")
    assert described["asset"] == ("query", "Of this asset.")
    assert "`ledger_not_found`" in made["responses"]["404"]["description"]
