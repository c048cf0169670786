"""How a transaction is asked for: a field that is wrong is named, and nothing is written."""

import json
from typing import Any

import pytest

from tests.http.api import Api, assert_problem

DEBIT = {"account": "cash", "direction": "debit", "amount": "1"}
CREDIT = {"account": "alice", "direction": "credit", "amount": "1"}


def without(entry: dict[str, str], field: str) -> dict[str, str]:
    return {name: value for name, value in entry.items() if name != field}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"surprise": 1}, "surprise"),
        ({"two words": 1}, "two words"),
        ({"entries": [DEBIT, {**CREDIT, "surprise": 1}]}, "entries[1].surprise"),
        ({"entries": [DEBIT, without(CREDIT, "account")]}, "entries[1].account"),
        ({"entries": [without(DEBIT, "amount"), CREDIT]}, "entries[0].amount"),
        ({"entries": [DEBIT, {**CREDIT, "direction": "left"}]}, "entries[1].direction"),
        ({"entries": [DEBIT, {**CREDIT, "account": "no spaces"}]}, "entries[1].account"),
        ({"entries": [DEBIT, {**CREDIT, "account": None}]}, "entries[1].account"),
        ({"entries": [DEBIT, {**CREDIT, "asset": 1}]}, "entries[1].asset"),
        ({"entries": [DEBIT, "credit"]}, "entries[1]"),
        ({"entries": [DEBIT]}, "entries"),
        ({"entries": []}, "entries"),
        ({"entries": {}}, "entries"),
        ({"entries": None}, "entries"),
        ({"id": ""}, "id"),
        ({"id": "-begins-with-a-dash"}, "id"),
        ({"id": 77}, "id"),
        ({"reference": ""}, "reference"),
        ({"reference": "r" * 257}, "reference"),
        ({"reference": 1009}, "reference"),
        ({"effective_at": "2026-11-01T00:00:00"}, "effective_at"),
        ({"effective_at": "2026-11-01"}, "effective_at"),
        ({"effective_at": "2026-02-30T00:00:00Z"}, "effective_at"),
        ({"effective_at": 1793491200}, "effective_at"),
        ({"metadata": None}, "metadata"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"k": ["v"]}}, "metadata.k"),
        ({"metadata": {"k": "é" * 2048}}, "metadata"),
    ],
    ids=lambda value: json.dumps(value)[:48] if isinstance(value, dict) else None,
)
def test_a_field_that_is_not_as_it_should_be_is_named(
    api: Api, change: dict[str, Any], field: str
) -> None:
    body = {"id": "t", "entries": [DEBIT, CREDIT], **change}

    problem = assert_problem(api.post("/transactions", body), 400, "validation_failed")

    assert [error["field"] for error in problem["errors"]] == [field]
    assert field in problem["detail"]


def test_entries_left_out_are_named(api: Api) -> None:
    problem = assert_problem(api.post("/transactions", {}), 400, "validation_failed")

    assert [error["field"] for error in problem["errors"]] == ["entries"]


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"7"])
@pytest.mark.parametrize("path", ["/accounts", "/transactions"])
def test_a_body_that_is_no_object_is_refused(api: Api, path: str, body: bytes) -> None:
    assert_problem(api.post(path, body), 400, "validation_failed")


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"id": "\xff"}', b'{"entries": []} {}', b"\xef\xbb\xbf{}"]
)
def test_a_body_that_is_no_json_is_malformed(api: Api, body: bytes) -> None:
    assert_problem(api.post("/transactions", body), 400, "malformed_json")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/accounts?dry_run=true", "dry_run"),
        ("/accounts?surprise=1", "surprise"),
        ("/transactions?surprise=1", "surprise"),
        ("/transactions?dry_run=1", "dry_run"),
        ("/transactions?dry_run=", "dry_run"),
    ],
)
def test_a_query_parameter_that_is_none_of_ours_is_named(api: Api, path: str, field: str) -> None:
    problem = assert_problem(api.post(path, {}), 400, "validation_failed")

    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize("path", ["accounts", "transactions"])
def test_a_ledger_that_cannot_be_named_so_is_refused(api: Api, path: str) -> None:
    account = {"asset": "USD/2", "normal_balance": "debit"}
    body = account if path == "accounts" else {"entries": [DEBIT, CREDIT]}
    headers = {"Content-Type": "application/json"}

    reply = api.request(
        "POST", f"/ledgers/-acme/{path}", headers=headers, body=json.dumps(body).encode()
    )

    problem = assert_problem(reply, 400, "validation_failed")
    assert [error["field"] for error in problem["errors"]] == ["ledger"]


@pytest.mark.parametrize("key", ["", '""', "no spaces", "k" * 256, "caf\xe9", "a\tb"])
def test_what_is_no_key_is_refused(api: Api, key: str) -> None:
    reply = api.post("/transactions", {"entries": [DEBIT, CREDIT]}, {"Idempotency-Key": key})

    problem = assert_problem(reply, 400, "validation_failed")
    assert [error["field"] for error in problem["errors"]] == ["Idempotency-Key"]


def test_the_media_type_may_say_its_charset(api: Api) -> None:
    account = {"id": "a", "asset": "USD/2", "normal_balance": "debit"}

    reply = api.post("/accounts", account, {"Content-Type": "application/json; charset=utf-8"})

    assert reply.status_code == 201


def test_a_body_of_exactly_256_kilobytes_is_read(api: Api) -> None:
    account = b'{"id": "a", "asset": "USD/2", "normal_balance": "debit"}'

    assert api.post("/accounts", account.ljust(262_144)).status_code == 201
    assert_problem(api.post("/accounts", account.ljust(262_145)), 413, "request_too_large")


def test_what_was_refused_has_left_nothing(funded: Api) -> None:
    body = {"id": "t", "entries": [DEBIT, {**CREDIT, "amount": "1001"}]}
    assert_problem(funded.post("/transactions", body), 422, "unbalanced_transaction")

    funded.project()

    assert_problem(funded.get("/transactions/t"), 404, "transaction_not_found")
    assert funded.get("/accounts/alice").json_body["version"] == 2
    assert funded.post("/transactions", {"id": "t", "entries": [DEBIT, CREDIT]}).status_code == 201
