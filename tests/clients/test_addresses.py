"""Addresses: where the client sends what, by the one or three addresses that it was told."""

from collections.abc import Iterator

import pytest
from twofold import Ledger, Problem, transport

from tests.clients.conftest import Connect
from tests.clients.troubled import Answer, Troubled, troubled

NO_SERVER = "http://127.0.0.1:9"


@pytest.fixture
def post() -> Iterator[Troubled]:
    """A server that notes what it is asked, and refuses it."""
    with troubled(NO_SERVER) as line:
        line.expect(*[Answer(404, "not_found")] * 4)
        yield line


def asked(post: Troubled, books: Ledger) -> list[str]:
    """The paths that are asked for a write, for a read of each Read API, and for the health."""
    for call in (
        lambda: books.accounts.close("alice"),
        lambda: books.accounts.get("alice"),
        lambda: books.trial_balance(),
        lambda: books.health("accounts"),
    ):
        with pytest.raises(Problem):
            call()
    return [request.path for request in post.seen]


@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_below_one_root_each_api_has_the_path_of_its_name(
    connect: Connect, post: Troubled, slashes: str
) -> None:
    with connect("acme", root=f"{post.url}{slashes}") as books:
        assert asked(post, books) == [
            "/write/ledgers/acme/accounts/alice/close",
            "/accounts/ledgers/acme/accounts/alice",
            "/journal/ledgers/acme/trial-balance",
            "/accounts/health",
        ]


@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_three_addresses_are_taken_as_they_are_but_for_slashes_at_their_ends(
    connect: Connect, post: Troubled, slashes: str
) -> None:
    with connect(
        "acme",
        f"{post.url}/v1{slashes}",
        accounts_url=f"{post.url}/v2{slashes}",
        journal_url=f"{post.url}/v3{slashes}",
    ) as books:
        assert asked(post, books) == [
            "/v1/ledgers/acme/accounts/alice/close",
            "/v2/ledgers/acme/accounts/alice",
            "/v3/ledgers/acme/trial-balance",
            "/v2/health",
        ]


def test_one_url_is_that_of_all_three_apis(connect: Connect, post: Troubled) -> None:
    with connect("acme", post.url) as books:
        assert asked(post, books) == [
            "/ledgers/acme/accounts/alice/close",
            "/ledgers/acme/accounts/alice",
            "/ledgers/acme/trial-balance",
            "/health",
        ]


def test_a_root_and_another_address_are_refused(connect: Connect) -> None:
    root, other = "https://a.example.com", "https://b.example.com"
    with pytest.raises(ValueError, match="give either root, or "):
        connect("acme", other, root=root)
    with pytest.raises(ValueError, match="give either root"):
        connect("acme", root=root, accounts_url=other)
    with pytest.raises(ValueError, match="give either root"):
        connect("acme", root=root, journal_url=other)


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_address_is_refused(connect: Connect, nothing: str | None) -> None:
    with pytest.raises(ValueError, match="where is the ledger"):
        connect("acme", nothing)
    with pytest.raises(ValueError, match="where is the ledger"):
        connect("acme", accounts_url="https://a.example.com")


@pytest.mark.parametrize("address", ["localhost:8000", "ftp://a.example.com", "/accounts"])
def test_an_address_of_another_kind_is_refused(connect: Connect, address: str) -> None:
    with pytest.raises(ValueError, match="it begins with http:// or https://"):
        connect("acme", address)
    with pytest.raises(ValueError, match="it begins with http:// or https://"):
        connect("acme", "https://a.example.com", journal_url=address)


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999", "http://127.0.0.1:port"])
def test_an_address_with_a_port_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=f"{address} is not an address"):
        Ledger("acme", address)


def test_the_line_end_of_a_file_is_not_a_part_of_the_key_in_it(
    connect: Connect, post: Troubled
) -> None:
    with connect("acme", post.url, key="tf_1\n") as books, pytest.raises(Problem):
        books.accounts.get("alice")

    assert post.seen[0].headers["Authorization"] == "Bearer tf_1"


@pytest.mark.parametrize("key", ["tf_1\nX: y", "tf 1", "tf_é"])
def test_what_cannot_be_a_key_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ValueError, match="a key is of visible ASCII") as refused:
        Ledger("acme", NO_SERVER, key=key)

    assert key not in str(refused.value)


def test_what_the_gateway_could_not_find_out_is_asked_again_under_the_same_id(
    connect: Connect, post: Troubled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "sleep", lambda _: None)
    post.troubles.clear()
    post.expect(
        Answer(503, "outcome_unknown", "0"),
        Answer(503, "unavailable", "0"),
        Answer(422, "insufficient_funds"),
    )

    with (
        connect("acme", post.url) as books,
        pytest.raises(Problem, match="insufficient") as refused,
    ):
        books.transactions.void_hold("order-77")

    keys = [request.headers["Idempotency-Key"] for request in post.seen]
    assert keys == [refused.value.key] * 3
