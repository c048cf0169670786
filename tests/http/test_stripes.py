"""Stripes: an account that many write at once, as a client of the API sees it."""

import pytest

from chalicelib.read_models.accounts import project_accounts
from tests.deliveries import records_of
from tests.http.api import Api, assert_problem


@pytest.fixture
def striped(api: Api) -> Api:
    """A ledger with an account in three stripes, `hot`, and one without, `cash`."""
    api.open("cash", normal_balance="debit", min_balance=None)
    api.open("hot", stripes=3, metadata={"of": "the house"})
    return api


def test_a_striped_account_is_opened_without_limits_and_says_its_stripes(api: Api) -> None:
    body = api.open("hot", stripes=8)

    assert (body["stripes"], body["version"]) == (8, 1)
    assert (body["min_balance"], body["max_balance"]) == (None, None)
    assert "stripes" not in api.open("plain")
    assert api.open("one", stripes=1)["min_balance"] == "0"


def test_opening_it_again_is_replayed_and_with_other_stripes_a_conflict(striped: Api) -> None:
    body = {"id": "hot", "asset": "USD/2", "normal_balance": "credit", "stripes": 3}
    body |= {"metadata": {"of": "the house"}}
    striped.transfer("t", "cash", "hot", 7)

    again = striped.post("/accounts", body)

    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.json_body["posted"] == "7"
    for other in ({"stripes": 4}, {"stripes": 1, "min_balance": None}):
        assert_problem(striped.post("/accounts", {**body, **other}), 409, "account_exists")


@pytest.mark.parametrize("limit", ["min_balance", "max_balance"])
def test_it_has_no_limits(striped: Api, limit: str) -> None:
    body = {"id": "x", "asset": "USD/2", "normal_balance": "credit", "stripes": 2, limit: "0"}

    for reply in (
        striped.post("/accounts", body),
        striped.patch("/accounts/hot", {limit: "0"}),
    ):
        problem = assert_problem(reply, 400, "validation_failed")
        assert [error["field"] for error in problem["errors"]] == [limit]


@pytest.mark.parametrize("stripes", [0, -1, 65, "2", 1.5, True, None])
def test_it_has_1_to_64_stripes(api: Api, stripes: object) -> None:
    body = {"asset": "USD/2", "normal_balance": "credit", "stripes": stripes}

    assert_problem(api.post("/accounts", body), 400, "validation_failed")


def test_an_entry_says_a_version_by_which_it_can_be_read_at_once(striped: Api) -> None:
    entries = [
        striped.transfer(f"t{number}", "cash", "hot", number + 1).json_body["entries"][1]
        for number in range(9)
    ]
    assert all(entry["account"] == "hot" for entry in entries)
    assert all(entry["balance_after"] is None for entry in entries)
    newest = max(entry["version"] for entry in entries)
    for path in ("/accounts/hot", "/accounts/hot/balance", "/accounts/hot/entries"):
        assert_problem(striped.get(f"{path}?min_version={newest}"), 503, "projection_behind")

    striped.project()

    for entry in entries:
        reply = striped.get(f"/accounts/hot?min_version={entry['version']}")
        assert reply.json_body["posted"] == "45"
    listed = striped.get(f"/accounts/hot/entries?min_version={newest}").json_body["entries"]
    assert [one["version"] for one in listed] == [one["version"] for one in entries]
    assert [one["balance_after"] for one in listed] == [
        str(number * (number + 1) // 2) for number in range(1, 10)
    ]
    assert_problem(
        striped.get(f"/accounts/hot?min_version={newest + 400}"), 503, "projection_behind"
    )


def test_a_transaction_shows_the_account_and_not_its_stripe(striped: Api) -> None:
    made = striped.transfer("t", "cash", "hot", 5).json_body
    striped.project()

    assert striped.get("/transactions/t").json_body == made
    again = striped.transfer("t", "cash", "hot", 5)
    assert (again.status_code, again.json_body) == (200, made)


def test_metadata_is_changed_on_the_version_it_was_meant_for(striped: Api) -> None:
    for number in range(6):
        striped.transfer(f"t{number}", "cash", "hot", 1)
    striped.project()
    tag = striped.get("/accounts/hot").headers["ETag"]

    changed = striped.patch("/accounts/hot", {"metadata": {"n": "1"}}, {"If-Match": tag})

    assert (changed.status_code, changed.json_body["posted"]) == (200, "6")
    assert changed.headers["ETag"] != tag
    stale = striped.patch("/accounts/hot", {"metadata": {"n": "2"}}, {"If-Match": tag})
    assert_problem(stale, 409, "version_conflict")
    striped.project()
    version = changed.json_body["version"]
    read = striped.get(f"/accounts/hot?min_version={version}")
    assert read.json_body == changed.json_body


def test_frozen_it_takes_no_entries_on_any_stripe(striped: Api) -> None:
    frozen = striped.post("/accounts/hot/freeze", {"credits": True}).json_body

    assert frozen["frozen"] == {"debits": False, "credits": True}
    for number in range(12):
        refused = striped.transfer(f"t{number}", "cash", "hot", 1)
        assert "hot~" not in assert_problem(refused, 422, "account_frozen")["detail"]
    assert striped.transfer("out", "hot", "cash", 1).status_code == 201
    assert striped.post("/accounts/hot/unfreeze", {}).json_body["frozen"]["credits"] is False
    for number in range(12):
        assert striped.transfer(f"t{number}", "cash", "hot", 1).status_code == 201


def test_it_is_closed_when_the_sum_of_its_stripes_is_nothing(striped: Api) -> None:
    for number in range(8):
        striped.transfer(f"in{number}", "cash", "hot", 1)
    striped.hold("held", "cash", "hot", 1)
    assert_problem(striped.post("/accounts/hot/close", {}), 409, "account_not_empty")
    striped.transfer("out", "hot", "cash", 8)
    assert_problem(striped.post("/accounts/hot/close", {}), 409, "account_not_empty")
    striped.post("/transactions/held/void", {})

    closed = striped.post("/accounts/hot/close", {})

    assert (closed.status_code, closed.json_body["state"]) == (200, "closed")
    for number in range(8):
        refused = striped.transfer(f"more{number}", "cash", "hot", 1)
        assert "hot~" not in assert_problem(refused, 422, "account_closed")["detail"]


def test_its_stripes_are_nobody_elses_accounts(striped: Api) -> None:
    striped.transfer("t", "cash", "hot", 5)
    striped.project()

    for id in ("hot~1of3", "hot~1"):
        path = f"/accounts/{id.replace('~', '%7E')}"
        assert striped.get(path).status_code in (400, 404)
        assert_problem(striped.transfer("x", "cash", id, 1), 400, "validation_failed")
    listed = striped.get("/accounts").json_body["accounts"]
    assert [(one["id"], one["posted"]) for one in listed] == [("cash", "5"), ("hot", "5")]
    assert striped.get("/accounts?prefix=hot").json_body["accounts"] == listed[1:]


def test_it_is_listed_once_all_of_its_stripes_are_here(striped: Api) -> None:
    *records, last = records_of(striped.ledger)
    project_accounts({"Records": records}, None)

    problem = assert_problem(striped.get("/accounts"), 503, "projection_behind")

    assert problem["detail"] == "all of it has not arrived here yet"
    project_accounts({"Records": [last]}, None)
    listed = striped.get("/accounts").json_body["accounts"]
    assert [(one["id"], one.get("stripes")) for one in listed] == [("cash", None), ("hot", 3)]


def test_its_version_is_the_newest_of_any_stripe_and_may_be_waited_for(striped: Api) -> None:
    opened = striped.get("/accounts/hot?min_version=0")
    seen = []
    for number in range(6):
        striped.transfer(f"t{number}", "cash", "hot", 1)
        striped.project()
        body = striped.get("/accounts/hot").json_body
        entry = striped.get(f"/transactions/t{number}").json_body["entries"][1]
        assert (body["version"], body["own_version"]) == (entry["version"], 1)
        again = striped.get(f"/accounts/hot?min_version={body['version']}")
        assert (again.status_code, again.json_body) == (200, body)
        seen.append(body["version"])

    assert opened.status_code == 404
    assert len(set(seen)) == 6


def test_its_etag_is_that_of_what_was_done_to_the_account_itself(striped: Api) -> None:
    made = striped.open("fresh", stripes=3)
    striped.transfer("t", "cash", "fresh", 1)
    striped.project()

    read = striped.get("/accounts/fresh")

    assert (made["version"], made["own_version"]) == (1, 1)
    assert read.headers["ETag"] == '"1"'
    assert read.json_body["version"] > 1
    assert "own_version" not in striped.get("/accounts/cash").json_body
