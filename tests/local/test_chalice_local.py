"""`chalice local`: the whole flow over HTTP, on an engine of its own, and over a reload."""

import http.client
import json
import threading
import time
from typing import Any

import pytest

from chalicelib import __version__
from tests.local.books import (
    CASH,
    assert_the_flow_works,
    assert_trial_balance,
    open_accounts,
    post,
    seen_by,
    transfer,
)
from tests.local.server import Server


def test_a_fresh_server_says_what_it_serves(running: Server) -> None:
    assert running.read("/health") == {
        "status": "ok",
        "serves": ["write", "accounts", "journal"],
        "version": __version__,
    }


def test_what_is_written_can_be_read_from_every_side(running: Server, ledger: str) -> None:
    assert_the_flow_works(running, ledger)


def test_a_transaction_that_is_sent_again_is_answered_again_and_posted_once(
    running: Server, ledger: str
) -> None:
    open_accounts(running, ledger)
    posted = post(running, ledger, "t-1", 500)

    again = running.post(f"/ledgers/{ledger}/transactions", transfer("t-1", 500))

    assert again.status == 200
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.body == posted
    assert_trial_balance(running, ledger, 500)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nope"),
        ("GET", "/ledgers/acme"),
        ("POST", "/ledgers/acme/nope"),
        ("GET", "/ledgers/acme/accounts/cash/nope"),
    ],
)
def test_a_path_that_does_not_exist_is_a_problem_like_any_other(
    running: Server, method: str, path: str
) -> None:
    reply = running.ask(method, path, {} if method == "POST" else None)

    assert reply.status == reply.body["status"] == 404
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.body["code"] == "not_found"
    assert reply.body["type"] == "https://twofold.dev/problems/not_found"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b"\xff\xfe", 400, "malformed_json"),
        (b'{"id": "\xff"}', 400, "malformed_json"),
        (b'{"entries": [{"amount": ' + b"[" * 100_000, 400, "malformed_json"),
        (b"[]", 400, "validation_failed"),
        (b"null", 400, "validation_failed"),
        (b'"text"', 400, "validation_failed"),
        (b'{"entries": 1}', 400, "validation_failed"),
        (json.dumps({**transfer("t", 1), "entry": []}).encode(), 400, "validation_failed"),
        (json.dumps(transfer("no spaces", 1)).encode(), 400, "validation_failed"),
        (json.dumps(transfer("t", 1)).encode().replace(b'"1"', b"1.0"), 400, "invalid_amount"),
        (b" " * (256 * 1024 + 1), 413, "request_too_large"),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, bytes) else None,
)
def test_a_body_that_cannot_be_understood_is_refused_by_its_name(
    running: Server, ledger: str, body: bytes, status: int, code: str
) -> None:
    reply = running.ask("POST", f"/ledgers/{ledger}/transactions", body)

    assert (reply.status, reply.body["code"]) == (status, code)
    assert reply.headers["Content-Type"] == "application/problem+json"


def test_a_refusal_names_its_figures(running: Server, ledger: str) -> None:
    running.post(f"/ledgers/{ledger}/accounts", {**CASH, "min_balance": "-500"})
    running.post(f"/ledgers/{ledger}/accounts", {**CASH, "id": "bank"})
    entries = [
        {"account": "cash", "direction": "credit", "amount": "501"},
        {"account": "bank", "direction": "debit", "amount": "501"},
    ]

    reply = running.post(f"/ledgers/{ledger}/transactions", {"entries": entries})

    assert reply.status == 422
    assert reply.body["code"] == "insufficient_funds"
    assert (reply.body["account"], reply.body["available"]) == ("cash", "0")


def test_twenty_clients_that_come_at_once_are_all_answered(running: Server, ledger: str) -> None:
    start = threading.Barrier(20)
    statuses: list[int] = []

    def open_account(client: int) -> None:
        start.wait()
        body = {**CASH, "id": f"cash-{client}"}
        statuses.append(running.post(f"/ledgers/{ledger}/accounts", body).status)

    clients = [threading.Thread(target=open_account, args=(client,)) for client in range(20)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()

    assert statuses == [201] * 20


def test_a_transaction_that_is_sent_in_chunks_is_posted(running: Server, ledger: str) -> None:
    open_accounts(running, ledger)
    text = json.dumps(transfer("in-chunks", 70)).encode()
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)

    for status in (201, 200):
        connection.request(
            "POST",
            f"/ledgers/{ledger}/transactions",
            iter([text[:9], text[9:]]),
            {"Content-Type": "application/json"},
            encode_chunked=True,
        )
        reply = connection.getresponse()
        assert (reply.status, json.loads(reply.read())["id"]) == (status, "in-chunks")

    connection.close()


@pytest.mark.parametrize("action", ["accounts", "transactions", "accounts/cash/freeze"])
@pytest.mark.parametrize(
    "media_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""],
)
def test_what_a_web_page_may_send_unasked_writes_nothing(
    running: Server, ledger: str, action: str, media_type: str | None
) -> None:
    bodies: dict[str, Any] = {"accounts": {**CASH, "id": "new"}, "transactions": transfer("t", 1)}
    open_accounts(running, ledger)
    before = running.read(f"/ledgers/{ledger}/accounts/cash?min_version=1")
    body = json.dumps(bodies[action]).encode() if action in bodies else None
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)

    headers = {} if media_type is None else {"Content-Type": media_type}
    connection.request("POST", f"/ledgers/{ledger}/{action}", body, headers)

    reply = connection.getresponse()
    assert (reply.status, json.loads(reply.read())["code"]) == (415, "unsupported_media_type")
    connection.close()
    assert running.read(f"/ledgers/{ledger}/accounts/cash?min_version=1") == before
    running.read(f"/ledgers/{ledger}/accounts/customers:alice?min_version=1")
    assert [a["id"] for a in running.read(f"/ledgers/{ledger}/accounts")["accounts"]] == [
        "cash",
        "customers:alice",
    ]


def test_an_edit_reloads_the_server_which_goes_on_with_the_same_engine(
    running: Server, ledger: str
) -> None:
    open_accounts(running, ledger)
    before = post(running, ledger, "before", 300)
    engine, worker = running.engine(), running.worker()
    assert worker is not None

    (running.project / "chalicelib" / "domain" / "amounts.py").touch()
    deadline = time.monotonic() + 20
    while running.worker() in (worker, None):
        assert time.monotonic() < deadline, "the server does not reload"
        time.sleep(0.05)
    running.wait_until_up()

    assert running.engine() == engine
    books = f"/ledgers/{ledger}/accounts/customers:alice"
    assert running.read(f"{books}?min_version={seen_by(before)}")["posted"] == "300"
    after = post(running, ledger, "after", 40)
    assert running.read(f"{books}?min_version={seen_by(after)}")["posted"] == "340"
    assert_trial_balance(running, ledger, 340)
