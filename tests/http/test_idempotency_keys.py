"""Idempotency keys as clients make them: an id, or what gives one, the same each time."""

import hashlib

import pytest

from tests.http.api import Api, assert_problem
from tests.http.cases import moving

ACCOUNT = {"asset": "USD/2", "normal_balance": "credit"}
KEY = "Idempotency-Key"


def made_from(key: str) -> str:
    return f"key-{hashlib.sha256(key.encode()).hexdigest()}"


@pytest.mark.parametrize(
    ("header", "id"),
    [
        ("order-77", "order-77"),
        ('"order-77"', "order-77"),
        ("k" * 128, "k" * 128),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("k" * 129, made_from("k" * 129)),
        ("k" * 255, made_from("k" * 255)),
        (f'"{"k" * 255}"', made_from("k" * 255)),
        ("ann@example.com", made_from("ann@example.com")),
        ('"ann@example.com"', made_from("ann@example.com")),
        ("q83vEjRWeJA=", made_from("q83vEjRWeJA=")),
        ("a/b+c==", made_from("a/b+c==")),
        ("-", made_from("-")),
        ('"', made_from('"')),
        ('a"b', made_from('a"b')),
        ("batch", made_from("batch")),
    ],
)
def test_a_key_gives_the_id_of_what_is_made_and_the_same_each_time(
    funded: Api, header: str, id: str
) -> None:
    body = {"entries": moving("cash", "alice", 1)["entries"]}

    for path, asked in (("/transactions", body), ("/accounts", ACCOUNT)):
        first = funded.post(path, asked, {KEY: header})
        again = funded.post(path, asked, {KEY: header})

        assert (first.status_code, again.status_code) == (201, 200), first.body
        assert first.json_body["id"] == again.json_body["id"] == id
        assert again.headers["Idempotency-Replayed"] == "true"


def test_a_key_gives_the_id_of_a_reversal_too(funded: Api) -> None:
    back = funded.post("/transactions/first/reverse", {}, {KEY: "ann@example.com"})
    again = funded.post("/transactions/first/reverse", {}, {KEY: '"ann@example.com"'})

    assert (back.status_code, back.json_body["id"]) == (201, made_from("ann@example.com"))
    assert (again.status_code, again.body) == (200, back.body)


def test_what_is_made_by_a_key_is_read_by_its_id(funded: Api) -> None:
    body = {"entries": moving("cash", "alice", 1)["entries"]}
    made = funded.post("/transactions", body, {KEY: "ann@example.com"}).json_body
    funded.project()

    assert funded.get(f"/transactions/{made['id']}").json_body == made


@pytest.mark.parametrize("action", ["post", "void"])
def test_a_hold_is_resolved_once_by_any_key(funded: Api, action: str) -> None:
    funded.hold("h", "alice", "cash", 5)

    first = funded.post(f"/transactions/h/{action}", {}, {KEY: '"ann@example.com/1"'})
    again = funded.post(f"/transactions/h/{action}", {}, {KEY: "ann@example.com/1"})

    assert (first.status_code, again.status_code) == (200, 200)
    assert (again.body, again.headers["Idempotency-Replayed"]) == (first.body, "true")
    other = funded.post(f"/transactions/h/{action}", {}, {KEY: "ann@example.com/2"})
    assert_problem(other, 409, "transaction_not_pending")


@pytest.mark.parametrize("key", ["order-78", "ann@example.com"])
def test_a_key_and_an_id_that_do_not_agree_are_refused_by_the_name_of_the_header(
    funded: Api, key: str
) -> None:
    for path, body in (
        ("/transactions", moving("cash", "alice", 1, id="order-77")),
        ("/transactions/first/reverse", {"id": "order-77"}),
    ):
        problem = assert_problem(funded.post(path, body, {KEY: key}), 400, "validation_failed")
        assert [error["field"] for error in problem["errors"]] == [KEY]


def test_a_key_and_the_id_that_it_gives_agree(funded: Api) -> None:
    for key in ("order-77", "ann@example.com"):
        id = key if key == "order-77" else made_from(key)
        reply = funded.post("/transactions", moving("cash", "alice", 1, id=id), {KEY: key})
        assert (reply.status_code, reply.json_body["id"]) == (201, id)


def test_an_account_that_names_its_id_is_opened_by_that(api: Api) -> None:
    for key in ("other", "ann@example.com"):
        reply = api.post("/accounts", {**ACCOUNT, "id": "bob"}, {KEY: key})
        assert reply.json_body["id"] == "bob"


@pytest.mark.parametrize("key", ["import-7", "k" * 127, "ann@example.com", "k" * 255])
@pytest.mark.parametrize("atomic", [True, False])
def test_a_key_on_a_batch_gives_each_without_an_id_one_of_its_own(
    funded: Api, atomic: bool, key: str
) -> None:
    entries = moving("cash", "alice", 1)["entries"]
    batch = {
        "atomic": atomic,
        "transactions": [{"entries": entries}, {"id": "mine", "entries": entries}] * 2,
    }

    first = funded.post("/transactions/batch", batch, {KEY: f'"{key}"'}).json_body["results"]
    again = funded.post("/transactions/batch", batch, {KEY: key}).json_body["results"]

    ids = [f"{key}:{place}" for place in (0, 2)]
    if key != "import-7":
        ids = [made_from(id) for id in ids]
    assert [result["transaction"]["id"] for result in first] == [ids[0], "mine", ids[1], "mine"]
    assert [result["status"] for result in again] == [200] * 4
    assert [result["transaction"] for result in again] == [
        result["transaction"] for result in first
    ]


def test_a_reversal_says_why(funded: Api) -> None:
    why = {"id": "back", "reference": "ticket 9", "metadata": {"by": "ann"}}

    made = funded.post("/transactions/first/reverse", why)
    again = funded.post("/transactions/first/reverse", why)

    assert made.status_code == 201
    assert (made.json_body["reference"], made.json_body["metadata"]) == (
        "ticket 9",
        {"by": "ann"},
    )
    assert (again.status_code, again.body) == (200, made.body)
    for other in ({"reference": None}, {"reference": "ticket 10"}, {"metadata": {"by": "bob"}}):
        reply = funded.post("/transactions/first/reverse", {**why, **other})
        assert_problem(reply, 422, "idempotency_key_reused")
    funded.project()
    [found] = funded.get("/transactions?reference=ticket%209").json_body["transactions"]
    assert found == made.json_body
    [_, entry] = funded.get("/accounts/alice/entries").json_body["entries"]
    assert entry["reference"] == "ticket 9"


def test_a_reversal_that_says_nothing_has_the_reference_of_what_it_reverses(funded: Api) -> None:
    made = funded.post("/transactions/first/reverse", {}).json_body

    assert (made["reference"], made["metadata"]) == ("gift", {})
