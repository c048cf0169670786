"""Cursors are sealed: one is ours or is refused, and is of its listing, filters and all."""

import base64
import hashlib
import json
import random
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from pynamodb.exceptions import DoesNotExist

from chalicelib.http import pagination, sealing
from tests.http.api import Api, assert_problem

LISTINGS = {
    "accounts": "/accounts?limit=1",
    "accounts of a prefix": "/accounts?limit=1&prefix=a",
    "entries": "/accounts/alice/entries?limit=1",
    "entries, newest first": "/accounts/alice/entries?limit=1&order=desc",
    "entries of stripes": "/accounts/spread/entries?limit=1",
    "statement": "/accounts/alice/statement?limit=1",
    "statement of stripes": "/accounts/spread/statement?limit=1",
    "transactions": "/transactions?limit=1",
    "transactions of a reference": "/transactions?limit=1&reference=gift",
    "transactions, newest first": "/transactions?limit=1&order=desc",
    "pending transactions": "/transactions?limit=1&state=pending",
}
POSITIONS = [
    ["zzz", "a"],
    ["2026#x", "asc"],
    ["2026-11-25T00:00:00.000000Z#0000000000000002", "sideways"],
    ["", "pending", "gift", "", "~"],
    ["~", "", "", "0", "9"],
    ["2026", "777", "2026", "2027", "BTC/8", "777", "777", "9", "2026#x"],
    ["2026", "x", "2026", "2027", "BTC/8", "777", "777", "1.2.3.x", "2026"],
    [],
    {"a": 1},
    "text",
    None,
    10**400,
]


@pytest.fixture(scope="module")
def stocked(moto: None) -> Api:  # noqa: ARG001  # Asked for its tables.
    """A ledger in which every listing has more than one page."""
    from chalice.test import Client

    from app import app

    api = Api(Client(app), "cursors")
    api.open("cash", normal_balance="debit", min_balance=None)
    for id in ("alice", "ann"):
        api.open(id)
    api.open("spread", min_balance=None, stripes=2)
    for number in range(4):
        assert api.transfer(f"t{number}", "cash", "alice", 10, reference="gift").status_code == 201
        assert api.transfer(f"s{number}", "cash", "spread", 10).status_code == 201
    for number in range(3):
        api.hold(f"h{number}", "alice", "cash", 1)
    api.project()
    return api


def cursor_of(api: Api, listing: str) -> str:
    return str(api.get(LISTINGS[listing]).json_body["next_cursor"])


def plain(listing: str) -> str:
    """The listing without its filters."""
    return LISTINGS[listing].partition("?")[0] + "?limit=1"


def asked(api: Api, listing: str, cursor: str) -> None:
    """Asks, and sees that it is refused."""
    reply = api.get(f"{plain(listing)}&cursor={quote(cursor)}")
    assert_problem(reply, 400, "invalid_cursor")


def mutated(cursor: str, dice: random.Random) -> Iterator[str]:
    """Cursors that differ from one of ours, by little or by much."""
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for place in dice.sample(range(len(raw)), 12):
        changed = bytearray(raw)
        changed[place] ^= 1 << dice.randrange(8)
        yield base64.urlsafe_b64encode(changed).decode().rstrip("=")
    for _ in range(6):
        cut = dice.randrange(len(raw))
        yield base64.urlsafe_b64encode(raw[:cut]).decode().rstrip("=")
        yield base64.urlsafe_b64encode(raw + raw[:cut] + b"x").decode().rstrip("=")
        yield "".join(chr(dice.randrange(1, 0x2FF)) for _ in range(dice.randrange(1, 99)))


def forged(position: object, seal: bytes) -> str:
    payload = json.dumps(position).encode()
    return base64.urlsafe_b64encode(seal + payload).decode().rstrip("=")


@pytest.mark.parametrize("listing", LISTINGS)
def test_a_cursor_is_followed_with_its_filters_and_without_them(stocked: Api, listing: str) -> None:
    cursor = cursor_of(stocked, listing)

    repeated = stocked.get(f"{LISTINGS[listing]}&cursor={cursor}")
    left_out = stocked.get(f"{plain(listing)}&cursor={cursor}")

    assert repeated.status_code == 200, repeated.body
    assert left_out.body == repeated.body


@pytest.mark.parametrize("listing", LISTINGS)
def test_whatever_else_is_sent_as_a_cursor_is_refused(stocked: Api, listing: str) -> None:
    dice = random.Random(listing)  # Not for secrets.
    cursor = cursor_of(stocked, listing)

    for other in ("", f"{cursor}=", f"{cursor}==", f" {cursor}", f"{cursor}\n", cursor.swapcase()):
        asked(stocked, listing, other)
    for changed in mutated(cursor, dice):
        if changed != cursor:
            asked(stocked, listing, changed)
    for position in POSITIONS:
        payload = json.dumps(position).encode()
        for seal in (b"", bytes(9), bytes(16), bytes(32), hashlib.sha256(payload).digest()[:16]):
            asked(stocked, listing, forged(position, seal))


@pytest.mark.parametrize("listing", LISTINGS)
def test_what_another_environment_has_sealed_is_refused(
    stocked: Api, listing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(pagination, "sealing_key", lambda: bytes(32))
        cursor = cursor_of(stocked, listing)

    asked(stocked, listing, cursor)


@pytest.mark.parametrize("listing", LISTINGS)
def test_a_cursor_of_another_listing_is_refused(stocked: Api, listing: str) -> None:
    others = {other: cursor_of(stocked, other) for other in LISTINGS}

    for other, cursor in others.items():
        if plain(other) != plain(listing):
            asked(stocked, listing, cursor)
    elsewhere = stocked.request("GET", f"/ledgers/another{plain(listing)}&cursor={others[listing]}")
    assert_problem(elsewhere, 400, "invalid_cursor")


@pytest.mark.parametrize(
    ("listing", "filters"),
    [
        ("accounts", "prefix=a"),
        ("accounts of a prefix", "prefix=al"),
        ("accounts of a prefix", "prefix="),
        ("entries", "order=desc"),
        ("entries, newest first", "order=asc"),
        ("statement", "from=2020-01-01T00:00:00Z"),
        ("statement of stripes", "to=2120-01-01T00:00:00Z"),
        ("transactions", "reference=gift"),
        ("transactions", "state=pending"),
        ("transactions", "from=2020-01-01T00:00:00Z"),
        ("transactions", "order=desc"),
        ("transactions, newest first", "order=asc"),
        ("transactions of a reference", "reference=loan"),
        ("pending transactions", "to=2120-01-01T00:00:00Z"),
    ],
)
def test_other_filters_than_the_cursors_are_refused(
    stocked: Api, listing: str, filters: str
) -> None:
    cursor = cursor_of(stocked, listing)

    reply = stocked.get(f"{plain(listing)}&{filters}&cursor={cursor}")

    assert_problem(reply, 400, "invalid_cursor")


def test_the_key_is_made_once_and_read_once(moto: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001  # Asked for its tables.
    assert not sealing.ensure_sealing_key()
    sealing.sealing_key.cache_clear()
    key = sealing.sealing_key()
    monkeypatch.setattr(sealing.SealingItem, "get", None)

    assert sealing.sealing_key() == key
    assert len(key) == 32


def test_without_the_key_there_are_no_further_pages_and_nothing_breaks(
    stocked: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise DoesNotExist

    sealing.sealing_key.cache_clear()
    monkeypatch.setattr(sealing.SealingItem, "get", missing)

    assert stocked.get("/accounts?limit=200").status_code == 200
    assert_problem(stocked.get("/accounts?limit=1"), 503, "unavailable")
    assert_problem(stocked.get("/accounts?cursor=AAAA"), 503, "unavailable")


def test_the_row_of_the_cursors_is_no_clients_key(moto: None) -> None:  # noqa: ARG001  # Asked for its tables.
    from chalicelib.http import keys

    secret, key = keys.create("till", ["read"], ["*"])

    assert key in list(keys.every())
    assert keys.revoke(sealing.ROW) is None
    assert keys.find(secret) is not None
