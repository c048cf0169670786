"""The client's retries: what happens on the way is made good, and nothing is done twice."""

import re
import socket
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest
from twofold import (
    Ledger,
    NewTransaction,
    NoConnection,
    NoReply,
    Pending,
    Problem,
    TwofoldError,
    credit,
    debit,
    transport,
)
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError

from ops import openapi
from tests.clients.conftest import Connect
from tests.clients.troubled import Answer, Trouble, Troubled
from tests.engines import free_port

TOP_UP = (debit("cash", 1000), credit("alice", 1000))
BUSY = Answer(503, "contention", retry_after="1")
BEHIND = Answer(503, "projection_behind")
LIMITED = Answer(429, "rate_limited", retry_after="3")

Write = Callable[[Ledger], object]

WRITES_DONE_ONCE: dict[str, Write] = {
    "open": lambda books: books.accounts.open(asset="USD/2", normal_balance="credit").replayed,
    "post": lambda books: books.transactions.post(TOP_UP).replayed,
    "post by key": lambda books: books.transactions.post(TOP_UP, idempotency_key="k").replayed,
    "batch": lambda books: (
        [
            result.transaction and result.transaction.replayed
            for result in books.transactions.post_batch([NewTransaction(entries=TOP_UP)])
        ]
        == [True]
    ),
    "post a hold": lambda books: books.transactions.post_hold("held", amount=400).replayed,
    "void a hold": lambda books: books.transactions.void_hold("held").replayed,
    "reverse": lambda books: books.transactions.reverse("posted").replayed,
}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client would have slept, which it does not."""
    waited: list[float] = []
    monkeypatch.setattr(transport, "sleep", waited.append)
    return waited


@pytest.fixture
def away(connect: Connect, line: Troubled, ledger: str, books: Ledger) -> Ledger:
    """A client of the same ledger whose way there is troubled."""
    books.transactions.post(TOP_UP, id="posted")
    books.transactions.post(TOP_UP, id="held", pending=Pending())
    return connect(ledger, line.url)


@pytest.mark.parametrize("write", WRITES_DONE_ONCE.values(), ids=WRITES_DONE_ONCE)
def test_a_write_whose_reply_is_lost_is_sent_again_and_answered_as_a_replay(
    write: Write, away: Ledger, line: Troubled, waits: list[float]
) -> None:
    line.expect("lose the reply")

    assert write(away) is True

    first, second = line.seen
    assert first.body == second.body
    assert first.headers.get("Idempotency-Key") == second.headers.get("Idempotency-Key")
    assert len(waits) == 1


def test_a_payment_whose_reply_is_lost_twice_moves_the_money_once(
    away: Ledger, line: Troubled, waits: list[float]
) -> None:
    line.expect("lose the reply", "lose the request", "lose the reply")

    posted = away.transactions.post(TOP_UP)

    assert posted.replayed
    assert posted.entries[1].balance_after == 2000
    assert away.accounts.get("alice", strong=True).posted == 2000
    assert len(waits) == 3


def test_a_request_that_got_lost_is_sent_again_and_is_no_replay(
    away: Ledger, line: Troubled, waits: list[float]
) -> None:
    line.expect("lose the request")

    assert not away.transactions.post(TOP_UP).replayed
    assert len(line.seen) == 2
    assert len(waits) == 1


def test_freezing_closing_and_changing_end_the_same_when_they_are_sent_again(
    away: Ledger, line: Troubled, waits: list[float]
) -> None:
    line.expect("lose the reply", "none", "lose the reply", "none", "lose the reply")

    assert away.accounts.freeze("cash").version == 4
    assert away.accounts.unfreeze("cash").version == 5
    assert away.accounts.change("cash", metadata={"by": "hand"}).version == 6
    assert len(line.seen) == 6
    assert len(waits) == 3


def test_a_matched_change_whose_reply_is_lost_is_a_conflict_that_the_account_explains(
    away: Ledger, line: Troubled, waits: list[float]
) -> None:
    version = away.accounts.get("cash", strong=True).version
    line.expect("lose the reply")

    with pytest.raises(Problem) as conflict:
        away.accounts.change("cash", metadata={"by": "hand"}, if_match=version)

    assert conflict.value.code == "version_conflict"
    assert away.accounts.get("cash", strong=True).metadata == {"by": "hand"}
    assert len(waits) == 1


def batch_of(count: int) -> list[NewTransaction]:
    """Some transactions with ids."""
    return [NewTransaction(entries=TOP_UP, id=f"b{number}") for number in range(count)]


def left(*codes: str) -> Answer:
    """A batch's answer on the way: of each transaction, why there was no time for it."""
    document = {"detail": "later", "errors": []}
    results = [{"status": 503, "problem": {"code": code, **document}} for code in codes]
    return Answer(200, retry_after="1", body=msgspec.json.encode({"results": results}))


def test_what_is_left_of_a_batch_is_sent_again_with_the_same_ids(
    away: Ledger, line: Troubled, waits: list[float]
) -> None:
    line.expect(
        "lose the reply",
        left("not_attempted", "outcome_unknown"),
        left("contention", "not_attempted"),
    )

    results = away.transactions.post_batch(batch_of(2), atomic=False)

    assert [result.status for result in results] == [200, 200]
    assert len({request.body for request in line.seen}) == 1
    assert len({request.headers["Idempotency-Key"] for request in line.seen}) == 1
    assert len(line.seen) == 4
    assert all(1 <= wait <= 1.9 for wait in waits[1:])
    assert away.accounts.get("alice", strong=True).posted == 3000


def test_what_a_batch_did_at_first_is_told_as_it_was_told_at_first(
    away: Ledger, books: Ledger, line: Troubled, waits: list[float]
) -> None:
    refused = {"status": 422, "problem": {"code": "account_frozen", "detail": "no", "errors": []}}
    later = {"status": 503, "problem": {"code": "not_attempted", "detail": "l", "errors": []}}
    body = msgspec.json.encode({"results": [refused, later]})
    line.expect(Answer(200, retry_after="1", body=body))

    first, second = away.transactions.post_batch(batch_of(2), atomic=False)

    assert first.problem is not None
    assert first.problem.code == "account_frozen"
    assert (second.status, len(waits)) == (201, 1)
    assert books.transactions.get("b1", strong=True).state == "posted"


@pytest.mark.parametrize("last", [left("not_attempted"), Answer(503, "contention"), Answer(504)])
def test_what_is_left_of_a_batch_at_the_deadline_has_its_problem(
    connect: Connect, line: Troubled, ledger: str, waits: list[float], last: Answer
) -> None:
    line.expect(left("not_attempted"), replace(last, retry_after="61"))

    [result] = connect(ledger, line.url).transactions.post_batch(batch_of(1), atomic=False)

    assert result.problem is not None
    assert (result.status, result.problem.code) == (503, "not_attempted")
    assert len(waits) == 1


def test_a_batch_that_is_refused_as_a_whole_when_it_is_sent_again_is_refused(
    connect: Connect, line: Troubled, ledger: str, waits: list[float]
) -> None:
    line.expect(left("not_attempted"), Answer(403, "forbidden"))

    with pytest.raises(Problem) as problem:
        connect(ledger, line.url).transactions.post_batch(batch_of(1), atomic=False)

    assert (problem.value.code, len(waits)) == ("forbidden", 1)


def test_the_client_waits_as_long_as_retry_after_asks_and_little_more(
    away: Ledger, line: Troubled, waits: list[float]
) -> None:
    line.expect(BUSY, LIMITED)

    assert not away.transactions.post(TOP_UP).replayed

    assert 1 <= waits[0] <= 1.1
    assert 3 <= waits[1] <= 3.2


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_without_retry_after_the_waits_are_random_below_a_bound_that_doubles(
    status: int, away: Ledger, line: Troubled, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: low + high)
    date = Answer(status, retry_after="Mon, 23 Nov 2026 17:00:00 GMT")
    line.expect(Answer(status), date, *[Answer(status)] * 6)

    away.transactions.post(TOP_UP)

    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_the_waits_are_spread_over_their_bound(
    away: Ledger, line: Troubled, waits: list[float]
) -> None:
    line.expect(*[BEHIND] * 5)

    away.accounts.get("alice", strong=True)

    bounds = (0.1, 0.2, 0.4, 0.8, 1.6)
    assert all(0 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))
    assert waits != list(bounds)


def test_a_wait_beyond_the_deadline_is_not_begun_and_the_last_problem_is_raised(
    connect: Connect, line: Troubled, ledger: str, waits: list[float]
) -> None:
    line.expect(BEHIND, Answer(503, "contention", retry_after="61"))

    with pytest.raises(Problem) as problem:
        connect(ledger, line.url).transactions.post(TOP_UP, id="t-1")

    assert (problem.value.status, problem.value.code) == (503, "contention")
    assert problem.value.key == "t-1"
    assert len(waits) == 1


@pytest.mark.parametrize(
    ("first", "raised"),
    [
        ("lose the request", "no reply"),
        (Answer(504), "unexpected_answer"),
        (Answer(503, "outcome_unknown"), "outcome_unknown"),
        (Answer(429), "contention"),
        (BUSY, "contention"),
    ],
)
def test_an_attempt_that_may_have_been_done_is_not_denied_by_the_last_one(
    connect: Connect, line: Troubled, ledger: str, waits: list[float], first: Trouble, raised: str
) -> None:
    line.expect(first, Answer(503, "contention", retry_after="61"))

    with pytest.raises(TwofoldError) as error:
        connect(ledger, line.url).transactions.post(TOP_UP, id="t-1")

    assert getattr(error.value, "code", "no reply") == raised
    assert error.value.key == "t-1"
    assert len(waits) == 1


def test_a_part_of_a_batch_that_is_unknown_stays_so_until_it_is_done_or_refused(
    connect: Connect, line: Troubled, ledger: str, waits: list[float]
) -> None:
    last = replace(left("contention", "not_attempted"), retry_after="61")
    line.expect(left("outcome_unknown", "contention"), last)

    results = connect(ledger, line.url).transactions.post_batch(batch_of(2), atomic=False)

    codes = [result.problem and result.problem.code for result in results]
    assert codes == ["outcome_unknown", "not_attempted"]
    assert len(waits) == 1


def test_without_a_connection_nothing_was_sent_and_the_error_says_so_at_once(
    connect: Connect, waits: list[float]
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    nowhere = connect("acme", address)

    with pytest.raises(NoConnection) as refused:
        nowhere.transactions.post(TOP_UP, idempotency_key="mine")
    with pytest.raises(NoConnection) as unread:
        nowhere.accounts.get("alice")

    assert (refused.value.key, unread.value.key) == ("mine", None)
    assert str(refused.value) == (
        f"no connection to {address}: Connection refused. Nothing was sent. "
        "Is the server running? `make run` starts one on this machine"
    )
    assert isinstance(refused.value, NoReply)
    assert waits == []


def test_a_host_that_does_not_exist_is_named_at_once(
    waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(NoConnection, match=r"there is no host ledger\.invalid, or its name cannot"):
        Ledger("acme", "https://ledger.invalid").trial_balance()

    assert waits == []


def test_a_server_without_tls_is_named_at_once(
    connect: Connect, line: Troubled, ledger: str, waits: list[float]
) -> None:
    address = line.url.replace("http://", "https://")

    with pytest.raises(NoReply, match=f"no secure connection to {address}: "):
        connect(ledger, address).trial_balance()

    assert waits == []


def test_a_server_that_went_away_after_it_may_have_done_the_write_is_tried_again(
    line: Troubled, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    attempts: list[str] = []

    def attempt(*_: object) -> HTTPError:
        attempts.append("sent" if not attempts else "refused")
        return ProtocolError("gone") if len(attempts) == 1 else NewConnectionError(None, "refused")  # type: ignore[arg-type]  # No connection.

    monkeypatch.setattr(transport, "sleep", waits.append)
    monkeypatch.setattr(transport.Transport, "_attempt", attempt)
    monkeypatch.setattr(transport, "monotonic", lambda: float(len(waits) * 10))

    with pytest.raises(NoReply) as lost:
        Ledger(ledger, line.url).transactions.post(TOP_UP)

    assert not isinstance(lost.value, NoConnection)
    assert attempts[:3] == ["sent", "refused", "refused"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}", lost.value.key or "")


def test_a_server_that_does_not_answer_in_time_is_asked_again(
    connect: Connect, line: Troubled, ledger: str, books: Ledger, waits: list[float]
) -> None:
    line.expect("stall")

    impatient = connect(ledger, line.url, timeout=0.5)

    assert impatient.accounts.get("alice", min_version=1).id == books.accounts.get("alice").id
    assert len(line.seen) == 2
    assert len(waits) == 1


@pytest.mark.parametrize("status", [400, 409, 422, 500])
def test_what_is_refused_is_not_asked_again(
    connect: Connect, status: int, line: Troubled, ledger: str, waits: list[float]
) -> None:
    line.expect(Answer(status, "refused"))

    with pytest.raises(Problem) as problem:
        connect(ledger, line.url).transactions.post(TOP_UP)

    assert (problem.value.status, problem.value.code) == (status, "refused")
    assert len(line.seen) == 1
    assert waits == []


def test_an_answer_that_is_not_the_ledgers_is_a_problem_too(
    connect: Connect, line: Troubled, ledger: str
) -> None:
    line.expect(Answer(403), Answer(301), Answer(200))

    for status in (403, 301, 200):
        with pytest.raises(Problem) as problem:
            connect(ledger, line.url).trial_balance()
        assert (problem.value.status, problem.value.code) == (status, "unexpected_answer")


def test_a_key_is_sent_as_a_bearers_and_amounts_as_strings(
    connect: Connect, line: Troubled, ledger: str
) -> None:
    line.expect(Answer(401, "unauthorized"))

    with pytest.raises(Problem):
        connect(ledger, line.url, key="tf_secret").transactions.post(TOP_UP)

    (sent,) = line.seen
    assert sent.headers["Authorization"] == "Bearer tf_secret"
    assert sent.headers["Content-Type"] == "application/json"
    amounts = [entry["amount"] for entry in msgspec.json.decode(sent.body)["entries"]]
    assert amounts == ["1000", "1000"]


def test_each_api_is_asked_at_its_own_address(connect: Connect, line: Troubled) -> None:
    line.expect(*[Answer(404, "not_found")] * 3)
    apart = connect(
        "acme",
        f"{line.url}/write/",
        accounts_url=f"{line.url}/accounts",
        journal_url=f"{line.url}/journal",
    )

    for ask in (
        lambda: apart.transactions.post(TOP_UP),
        lambda: next(apart.accounts.list()),
        apart.trial_balance,
    ):
        with pytest.raises(Problem):
            ask()

    assert [request.path.partition("?")[0] for request in line.seen] == [
        "/write/ledgers/acme/transactions",
        "/accounts/ledgers/acme/accounts",
        "/journal/ledgers/acme/trial-balance",
    ]


def test_the_client_has_a_method_for_every_route_of_the_ledger(
    connect: Connect, line: Troubled
) -> None:
    books = connect("{ledger}", line.url)
    accounts, transactions = books.accounts, books.transactions
    account, transaction = "{account}", "{transaction}"
    calls: list[Callable[[], object]] = [
        lambda: accounts.open(asset="USD/2", normal_balance="credit"),
        lambda: accounts.open_batch([]),
        lambda: accounts.change(account),
        lambda: accounts.freeze(account),
        lambda: accounts.unfreeze(account),
        lambda: accounts.close(account),
        lambda: accounts.get(account),
        lambda: next(accounts.list()),
        lambda: accounts.balance(account),
        lambda: next(accounts.entries(account)),
        lambda: accounts.statement(account),
        lambda: next(accounts.events(account)),
        lambda: transactions.post(TOP_UP),
        lambda: transactions.post_batch([]),
        lambda: transactions.post_hold(transaction),
        lambda: transactions.void_hold(transaction),
        lambda: transactions.reverse(transaction),
        lambda: transactions.get(transaction),
        lambda: next(transactions.list()),
        lambda: next(transactions.events(transaction)),
        lambda: books.status("journal"),
        books.trial_balance,
        lambda: next(books.ledgers()),
        books.integrity,
        books.health,
    ]
    line.expect(*[Answer(404, "not_found")] * len(calls))

    for call in calls:
        with pytest.raises(Problem):
            call()

    asked = {(request.method, _unquoted(request.path)) for request in line.seen}
    assert asked == _routes()


def _unquoted(path: str) -> str:
    return path.partition("?")[0].replace("%7B", "{").replace("%7D", "}")


def _routes() -> set[tuple[str, str]]:
    """The routes that are declared, but for those that describe the others."""
    return {
        (route.method, route.path)
        for route in openapi.routes()
        if route.path not in ("/openapi.json", "/docs", "/problems/{code}")
    }
