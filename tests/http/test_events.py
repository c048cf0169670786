"""Events of an account and of a transaction: what stands behind the books, with its hashes."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any, get_args

import pytest
from chalice.test import Client

from app import app
from chalicelib.domain.stripes import stream_version
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Stream
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import Event, account_stream, transaction_stream
from chalicelib.ledger.event_types import EVENT_TYPES
from chalicelib.settings import settings, using
from tests.http.api import Api, assert_problem

FIELDS = {"version", "type", "recorded_at", "hash"}


@pytest.fixture(autouse=True)
def strong() -> Iterator[None]:
    """A stage that may read the event table."""
    with using(replace(settings(), strong_reads=True)):
        yield


@pytest.fixture(scope="module")
def busy(moto: None) -> Api:  # noqa: ARG001  # Asked for its tables.
    """A ledger with every kind of event, of which no projector has seen any."""
    api = Api(Client(app), "events-busy")
    api.open("cash", normal_balance="debit", min_balance=None)
    api.open("alice", metadata={"name": "Alice"})
    assert api.patch("/accounts/alice", {"max_balance": "900"}).status_code == 200
    assert api.transfer("paid", "cash", "alice", 500).status_code == 201
    api.hold("taken", "alice", "cash", 100)
    api.hold("left", "alice", "cash", 50)
    for path, body in (
        ("/transactions/taken/post", {}),
        ("/transactions/left/void", {}),
        ("/transactions/paid/reverse", {"id": "back"}),
        ("/accounts/alice/freeze", {}),
        ("/accounts/alice/unfreeze", {}),
    ):
        reply = api.post(path, body)
        assert reply.status_code in (200, 201, 422), reply.body
    api.open("hot", stripes=3)
    for number in range(12):
        assert api.transfer(f"t{number}", "cash", "hot", number + 1).status_code == 201
    api.open("gone")
    assert api.post("/accounts/gone/close", {}).status_code == 200
    return api


def stored(*streams: Stream) -> list[tuple[str, str]]:
    """Recorded time and hash of all events of these streams, oldest first."""
    events = [event for stream in streams for event in DynamoStore().history(stream)]
    found = sorted(events, key=lambda one: (one.recorded_at, one.version, one.stream.id))
    return [(one.recorded_at.isoformat(timespec="microseconds"), one.hash.hex()) for one in found]


def listed(api: Api, path: str, limit: int, **query: str) -> list[dict[str, Any]]:
    """All events, page by page."""
    found, cursor = [], ""
    while cursor is not None:
        asked = "".join(f"&{name}={value}" for name, value in query.items())
        reply = api.get(f"{path}?limit={limit}{asked}{cursor and f'&cursor={cursor}'}")
        assert reply.status_code == 200, reply.body
        page = reply.json_body
        assert page.keys() == {"events", "next_cursor"}
        assert len(page["events"]) == limit or page["next_cursor"] is None
        found += page["events"]
        cursor = page["next_cursor"]
    return found


def test_the_events_of_an_account_are_its_chain_under_the_names_of_the_api(busy: Api) -> None:
    events = busy.get("/accounts/alice/events").json_body["events"]

    assert all(event.keys() == FIELDS for event in events)
    assert [(event["version"], event["type"]) for event in events] == [
        (1, "account.opened"),
        (2, "account.changed"),
        (3, "entry.posted"),
        (4, "entry.pending"),
        (5, "entry.pending"),
        (6, "entry.posted"),
        (7, "entry.released"),
        (8, "account.frozen"),
        (9, "account.unfrozen"),
    ]
    assert [event["hash"] for event in events] == [
        hash for _, hash in stored(account_stream(busy.ledger, "alice"))
    ]
    assert [event["recorded_at"] for event in events] == [
        at.replace("+00:00", "Z") for at, _ in stored(account_stream(busy.ledger, "alice"))
    ]
    assert busy.get("/accounts/gone/events").json_body["events"][-1]["type"] == "account.closed"


def test_the_events_of_a_transaction_are_listed_too(busy: Api) -> None:
    for id, types in {
        "taken": ["transaction.pending", "transaction.posted"],
        "left": ["transaction.pending", "transaction.voided"],
        "paid": ["transaction.posted"],
    }.items():
        body = busy.get(f"/transactions/{id}/events").json_body

        assert [event["type"] for event in body["events"]] == types
        assert [event["version"] for event in body["events"]] == [*range(1, len(types) + 1)]
        assert [event["hash"] for event in body["events"]] == [
            hash for _, hash in stored(transaction_stream(busy.ledger, id))
        ]
        assert body["next_cursor"] is None


def test_a_hash_is_the_one_of_which_the_next_event_is_made(api: Api) -> None:
    api.open("cash", normal_balance="debit", min_balance=None)
    api.post("/accounts/cash/freeze", {})
    first, second = api.get("/accounts/cash/events").json_body["events"]

    item = EventItem.get(f"{api.ledger}/account/cash", 2)
    text = (
        f'["{item.stream}",2,"{item.type}",{_quoted(item.data)},{_quoted(item.state)},'
        f'"{item.recorded_at}","{item.command_id}","{item.actor}"]'
    )
    assert second["hash"] == sha256(bytes.fromhex(first["hash"]) + text.encode()).hexdigest()


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def test_the_events_of_a_striped_account_are_those_of_all_its_streams(busy: Api) -> None:
    events = listed(busy, "/accounts/hot/events", 200)

    assert len(events) == 4 + 12
    assert len({event["version"] for event in events}) == len(events)
    of_stream: dict[int, list[int]] = {}
    for event in events:
        number, version = stream_version(event["version"], 3)
        of_stream.setdefault(number, []).append(version)
    assert all(versions == [*range(1, len(versions) + 1)] for versions in of_stream.values())
    assert of_stream[0] == [1]
    assert [event["recorded_at"] for event in events] == sorted(e["recorded_at"] for e in events)
    stripes = [account_stream(busy.ledger, f"hot~{number}of3") for number in (1, 2, 3)]
    streams = [account_stream(busy.ledger, "hot"), *stripes]
    assert {event["hash"] for event in events} == {hash for _, hash in stored(*streams)}


@pytest.mark.parametrize("path", ["/accounts/alice", "/accounts/hot", "/transactions/taken"])
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_events_are_followed_to_their_end_either_way(busy: Api, path: str, limit: int) -> None:
    whole = listed(busy, f"{path}/events", 200)

    assert listed(busy, f"{path}/events", limit) == whole
    assert listed(busy, f"{path}/events", limit, order="desc") == whole[::-1]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_what_is_written_meanwhile_repeats_no_event_and_hides_none(api: Api, order: str) -> None:
    api.open("cash", normal_balance="debit", min_balance=None)
    api.open("hot", stripes=4)
    for number in range(8):
        api.transfer(f"before-{number}", "cash", "hot", 1)
    there = {event["version"] for event in listed(api, "/accounts/hot/events", 200)}

    page = api.get(f"/accounts/hot/events?limit=3&order={order}").json_body
    found = page["events"]
    for number in range(30):
        if page["next_cursor"] is None:
            break
        api.transfer(f"meanwhile-{number}", "cash", "hot", 1)
        path = f"/accounts/hot/events?limit=3&cursor={page['next_cursor']}"
        page = api.get(path).json_body
        found += page["events"]
        if there <= {event["version"] for event in found}:
            break

    versions = [event["version"] for event in found]
    assert there <= set(versions)
    assert len(set(versions)) == len(versions)
    times = [event["recorded_at"] for event in found]
    assert times == sorted(times, reverse=order == "desc")


def test_an_event_of_a_later_build_is_listed_as_unrecognized(api: Api) -> None:
    api.open("cash", normal_balance="debit", min_balance=None)
    known = EventItem.get(f"{api.ledger}/account/cash", 1)
    for kind in ("account", "transaction"):
        known.stream, known.version = f"{api.ledger}/{kind}/cash", 2
        known.type = "ConvertedToTulips"
        known.save()

    for path in ("/accounts/cash", "/transactions/cash"):
        events = api.get(f"{path}/events").json_body["events"]
        assert events[-1]["type"] == f"{path.split('/')[1][:-1]}.unrecognized"


def test_every_event_has_its_name_in_the_api() -> None:
    assert EVENT_TYPES.keys() == set(get_args(Event))


def test_a_stage_without_strong_reads_says_that_it_has_no_events(busy: Api) -> None:
    with using(replace(settings(), strong_reads=False)):
        for path in ("/accounts/alice", "/accounts/nobody", "/transactions/paid"):
            problem = assert_problem(busy.get(f"{path}/events"), 400, "validation_failed")
            assert problem["errors"] == [
                {"field": "events", "detail": "this stage does not read the event table"}
            ]


def test_a_version_that_is_there_is_not_waited_for(busy: Api) -> None:
    newest = max(e["version"] for e in listed(busy, "/accounts/hot/events", 200))

    assert busy.get(f"/accounts/hot/events?min_version={newest}&limit=1").status_code == 200
    assert busy.get("/transactions/taken/events?min_version=2&limit=1").status_code == 200


def test_the_events_of_a_stripe_have_no_address_of_their_own(busy: Api) -> None:
    assert_problem(busy.get("/accounts/hot~1of3/events"), 400, "validation_failed")
