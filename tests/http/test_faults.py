"""What is wrong with a request is all said at once, and says what to do instead."""

import json
from typing import Any

import pytest

from tests.http.api import Api, assert_problem
from tests.http.cases import NOT_DIGITS, moving
from tests.soak import examples

DEBIT = {"account": "cash", "direction": "debit", "amount": "1"}
CREDIT = {"account": "alice", "direction": "credit", "amount": "1"}
ACCOUNT = {"id": "bob", "asset": "USD/2", "normal_balance": "credit"}
SIDES = "expected one of debit, credit"


def raw(api: Api, method: str, path: str, body: str, **headers: str) -> Any:
    sent = {"Content-Type": "application/json", **headers}
    return api.request(
        method,
        f"/ledgers/{api.ledger}{path}",
        headers=sent,
        body=body.encode("utf-8", "surrogatepass"),
    )


def faults(reply: Any, code: str = "validation_failed") -> dict[str, str]:
    problem = assert_problem(reply, 400, code)
    return {error["field"]: error["detail"] for error in problem["errors"]}


def test_every_fault_of_a_transaction_is_named(api: Api) -> None:
    body = {
        "id": "no spaces",
        "reference": "",
        "surprise": 1,
        "metadata": {"a": "fine", "order": 7, "when": None},
        "pending": {"timeout_seconds": 0, "seconds": 5},
        "entries": [
            {"account": "c a s h", "direction": "DEBIT", "amount": 10.5},
            {"account": 7, "amount": "01"},
            "credit",
        ],
    }

    assert faults(api.post("/transactions", body)) == {
        "id": "an id matches [A-Za-z0-9][A-Za-z0-9_.:-]{0,127}",
        "reference": "a reference has 1 to 256 characters",
        "surprise": "unknown field",
        "metadata.order": "expected a string, got a whole number",
        "metadata.when": "expected a string, got null",
        "pending.timeout_seconds": "a timeout is 1 to 315360000 whole seconds, or null for none",
        "pending.seconds": "unknown field",
        "entries[0].account": "an id matches [A-Za-z0-9][A-Za-z0-9_.:-]{0,127}",
        "entries[0].direction": SIDES,
        "entries[0].amount": NOT_DIGITS,
        "entries[1].account": "expected a string, got a whole number",
        "entries[1].amount": NOT_DIGITS,
        "entries[1].direction": "required field",
        "entries[2]": "expected an object, got a string",
    }


def test_what_a_command_refuses_comes_with_the_other_faults(api: Api) -> None:
    body = moving("cash", "no spaces", 10.5, reference="", metadata={"k": "v" * 5000})

    problem = assert_problem(api.post("/transactions", body), 400, "invalid_amount")

    assert [error["field"] for error in problem["errors"]] == [
        "entries[0].amount",
        "entries[1].account",
        "entries[1].amount",
        "reference",
        "metadata",
    ]
    assert problem["detail"] == f"entries[0].amount: {NOT_DIGITS} (and 4 more in errors)"


def test_every_fault_of_an_account_is_named(api: Api) -> None:
    body = {
        "id": "batch",
        "asset": "USD",
        "normal_balance": "left",
        "min_balance": 0.5,
        "max_balance": True,
        "stripes": 65,
        "metadata": [],
    }

    assert faults(api.post("/accounts", body)) == {
        "id": "batch is the name of a route, and no id",
        "asset": "an asset is a code and a scale, such as USD/2 or POINTS/0",
        "normal_balance": SIDES,
        "min_balance": NOT_DIGITS,
        "max_balance": NOT_DIGITS,
        "stripes": "expected a whole number <= 64",
        "metadata": "expected an object, got an array",
    }


def test_every_fault_of_one_of_a_batch_is_named(api: Api) -> None:
    sick = {**moving("cash", "alice", "10.50"), "entries": [{**DEBIT, "amount": "10.50"}], "x": 1}

    reply = api.post("/transactions/batch", {"atomic": False, "transactions": [sick]})

    [result] = reply.json_body["results"]
    assert {error["field"] for error in result["problem"]["errors"]} == {
        "x",
        "entries[0].amount",
    }


def test_every_fault_of_a_query_is_named(api: Api) -> None:
    reply = api.get(
        "/accounts/alice/entries?order=up&limit=x&min_version=-1&surprise=1&account=cash"
    )

    assert faults(reply) == {
        "order": "expected one of asc, desc",
        "limit": "expected a whole number of at most 16 digits, such as 7",
        "min_version": "expected a whole number >= 0",
        "surprise": "is not a parameter here",
        "account": "is not a parameter here",
    }


def test_every_fault_of_the_flags_of_a_write_is_named(api: Api) -> None:
    reply = api.post("/transactions?dry_run=yes&surprise=1&more=2", {})

    assert faults(reply) == {
        "dry_run": "expected true or false",
        "surprise": "is not a parameter here",
        "more": "is not a parameter here",
    }


def test_every_fault_of_a_change_is_named(funded: Api) -> None:
    body = {"metadata": {"a": "fine", "order": 7}, "min_balance": 0.5, "asset": "EUR/2"}

    assert faults(funded.patch("/accounts/alice", body)) == {
        "metadata.order": "expected a string, got a whole number",
        "min_balance": NOT_DIGITS,
        "asset": "unknown field",
    }


def test_what_is_no_time_is_told_how_one_is_written(funded: Api) -> None:
    said = "expected a time such as 2026-11-01T00:00:00Z"
    body = moving("cash", "alice", 1, effective_at="tomorrow")

    assert faults(funded.post("/transactions", body)) == {"effective_at": said}
    for path in (
        "/accounts/alice/balance?at",
        "/accounts/alice/statement?from",
        "/transactions?to",
    ):
        # As the + of an offset arrives from a client that does not escape it.
        reply = funded.get(f"{path}=2026-11-01T00:00:00+01:00")
        name = path.rpartition("?")[2]
        assert faults(reply) == {name: f"{said}; a + in a query string is written %2B"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is empty"),
        (b"\xef\xbb\xbf{}", "it begins with a byte order mark"),
        (b'{"id": "\xff"}', "it is not UTF-8"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"id": "a",}', "expecting property name enclosed in double quotes, at character 12"),
    ],
)
def test_what_is_no_json_is_told_why(api: Api, body: bytes, why: str) -> None:
    problem = assert_problem(api.post("/transactions", body), 400, "malformed_json")

    assert problem["detail"] == f"the body is not JSON: {why}"


def test_a_list_of_faults_has_an_end(api: Api) -> None:
    entries = "{}," * examples(8_000, 80_000)
    reply = raw(api, "POST", "/transactions", f'{{"entries": [{entries}{{}}]}}')

    problem = assert_problem(reply, 400, "validation_failed")

    assert len(problem["errors"]) == 100
    assert len(reply.body) < 20_000


def test_a_body_that_ends_in_the_middle_is_malformed_whatever_was_wrong_before(api: Api) -> None:
    assert_problem(raw(api, "POST", "/transactions", '{"id": 7, "entries"'), 400, "malformed_json")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"entries": [], "id": "a", "id": "a"}', "id"),
        (
            '{"entries": [{"account": "cash", "amount": "1", "amount": "1000"}]}',
            "entries[0].amount",
        ),
        ('{"metadata": {"k": "v", "\\u006b": "v"}}', "metadata.k"),
        ('{"pending": {"timeout_seconds": 1, "timeout_seconds": null}}', "pending.timeout_seconds"),
        ('{"entries": [{"amount": {"deep": [{"x": 1, "x": 1}]}}]}', "entries[0].amount.deep[0].x"),
    ],
)
def test_a_name_that_occurs_twice_is_refused_by_its_place(api: Api, body: str, field: str) -> None:
    reply = raw(api, "POST", "/transactions", body)

    assert faults(reply) == {field: "this name occurs twice"}


def test_an_amount_that_is_given_twice_moves_no_money(funded: Api) -> None:
    body = json.dumps(moving("cash", "alice", "1")).replace(
        '"amount": "1"', '"amount": "1", "amount": "1000"'
    )

    single = raw(funded, "POST", "/transactions", body)
    batch = raw(funded, "POST", "/transactions/batch", f'{{"transactions": [{body}]}}')

    assert set(faults(single)) == {"entries[0].amount", "entries[1].amount"}
    assert set(faults(batch)) == {
        "transactions[0].entries[0].amount",
        "transactions[0].entries[1].amount",
    }
    funded.project()
    assert funded.get("/accounts/alice").json_body["posted"] == "1000"


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/transactions?dry_run=true&dry_run=false", moving("cash", "alice", 1), "dry_run"),
        ("POST", "/transactions?dry_run=true&dry_run=true", moving("cash", "alice", 1), "dry_run"),
        ("POST", "/accounts?dry_run=true&dry_run=true", ACCOUNT, "dry_run"),
        ("GET", "/accounts?limit=1&limit=2", None, "limit"),
        (
            "GET",
            "/accounts/alice/balance?at=2026-01-01T00:00:00Z&at=2027-01-01T00:00:00Z",
            None,
            "at",
        ),
        ("GET", "/transactions?reference=a&reference=b", None, "reference"),
    ],
)
def test_a_parameter_that_is_given_twice_is_refused(
    funded: Api, method: str, path: str, body: object, field: str
) -> None:
    reply = raw(funded, method, path, "" if body is None else json.dumps(body))

    assert faults(reply) == {field: "this parameter is given twice"}


def test_a_shortage_says_on_which_side_the_account_grows(funded: Api) -> None:
    problem = assert_problem(funded.transfer("t", "alice", "cash", 1001), 422, "insufficient_funds")

    assert problem["detail"] == "alice has 1000 available, 1001 asked; it grows by credits"
    assert problem["normal_balance"] == "credit"


def test_assets_that_are_easily_confused_are_told_apart(funded: Api) -> None:
    funded.open("lower", asset="usd/2")
    funded.open("coarse", asset="USD/0")
    funded.open("euros", asset="EUR/2")

    def said(body: object) -> str:
        return str(json.loads(funded.post("/transactions", body).body)["detail"])

    assert said(moving("cash", "lower", 5)) == (
        "USD/2: debits are 5, credits are 0. usd/2 is another asset"
    )
    assert said(moving("cash", "coarse", 5)).endswith(". USD/2 is another asset")
    assert said(moving("cash", "euros", 5)) == "EUR/2: debits are 0, credits are 5"
    lines = [{**DEBIT, "asset": "usd/2"}, CREDIT]
    assert said({"entries": lines}) == (
        "cash holds USD/2, the entry says usd/2, which is another asset: "
        "code and scale must be the same to the letter"
    )


@pytest.mark.parametrize(
    "path",
    ["/accounts/bob/close", "/accounts/bob/freeze", "/transactions/first/reverse", "/accounts"],
)
@pytest.mark.parametrize(
    "media",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "text/plain; application/json",
        "text/plain, application/json",
        "*/*",
    ],
)
def test_a_write_of_any_other_type_than_json_is_refused_with_or_without_a_body(
    funded: Api, path: str, media: str | None
) -> None:
    funded.open("bob")
    headers = {} if media is None else {"Content-Type": media}

    for body in (b"", b"{}"):
        reply = funded.request(
            "POST", f"/ledgers/{funded.ledger}{path}", headers=headers, body=body
        )
        assert_problem(reply, 415, "unsupported_media_type")

    funded.project()
    assert funded.get("/accounts/bob").json_body["state"] == "open"


@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/docs",
        "/openapi.json",
        "/ledgers/{}/accounts",
        "/ledgers/{}/accounts/alice",
        "/ledgers/{}/accounts/alice/statement",
        "/ledgers/{}/accounts/nobody",
        "/ledgers/{}/transactions?limit=ten",
        "/ledgers/{}/transactions/first",
        "/ledgers/{}/trial-balance",
    ],
)
def test_head_is_answered_as_get_is_without_a_body(funded: Api, path: str) -> None:
    funded.project()
    asked = path.format(funded.ledger)

    got, head = funded.request("GET", asked), funded.request("HEAD", asked)

    assert (head.status_code, head.body) == (got.status_code, b"")
    assert head.headers == got.headers


def test_head_is_no_write(funded: Api) -> None:
    for path in ("/accounts/alice/close", "/transactions/first/reverse"):
        reply = funded.request("HEAD", f"/ledgers/{funded.ledger}{path}")
        assert reply.status_code == 405


@pytest.mark.parametrize("tag", ['W/"2"', 'W/"1"', 'W/"99"'])
def test_a_weak_tag_never_matches(funded: Api, tag: str) -> None:
    assert (
        funded.patch("/accounts/alice", {"max_balance": None}, {"If-Match": '"2"'}).status_code
        == 200
    )

    reply = funded.patch("/accounts/alice", {"max_balance": "5000"}, {"If-Match": tag})

    problem = assert_problem(reply, 409, "version_conflict")
    assert problem["detail"] == "alice is at version 2; a weak tag matches no version"


@pytest.mark.parametrize("tag", ['w/"2"', "W/2", 'W/""', '"02"'])
def test_what_is_no_tag_of_ours_is_refused(funded: Api, tag: str) -> None:
    reply = funded.patch("/accounts/alice", {"max_balance": "5000"}, {"If-Match": tag})

    assert set(faults(reply)) == {"If-Match"}


def test_the_name_of_a_route_is_no_id(funded: Api) -> None:
    for path, body in (
        ("/accounts", {**ACCOUNT, "id": "batch"}),
        ("/transactions", {**moving("cash", "alice", 1), "id": "batch"}),
        ("/transactions/first/reverse", {"id": "batch"}),
    ):
        assert set(faults(funded.post(path, body))) == {"id"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/accounts/alice", {}),
        ("POST", "/accounts/alice/freeze", {"debits": False, "credits": False}),
        ("POST", "/accounts/alice/unfreeze", {"credits": False}),
    ],
)
def test_a_write_that_asks_for_nothing_reads_nothing(
    funded: Api, method: str, path: str, body: object
) -> None:
    reply = raw(funded, method, path, json.dumps(body))

    assert set(faults(reply)) == {"body"}
    assert b"1000" not in reply.body


def test_the_asset_that_an_entry_names_is_part_of_what_is_asked(funded: Api) -> None:
    body = moving("cash", "alice", 1)
    assert funded.post("/transactions", body).status_code == 201
    lines = [{**DEBIT, "amount": 1}, {**CREDIT, "amount": 1}]

    same = funded.post(
        "/transactions", {"id": "new", "entries": [{**lines[0], "asset": "USD/2"}, lines[1]]}
    )
    other = funded.post(
        "/transactions", {"id": "new", "entries": [{**lines[0], "asset": "EUR/2"}, lines[1]]}
    )

    assert (same.status_code, same.headers["Idempotency-Replayed"]) == (200, "true")
    assert_problem(other, 422, "idempotency_key_reused")
