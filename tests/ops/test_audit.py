"""Whole books pass an audit; one change anywhere is found and named."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import Event
from chalicelib.read_models.integrity.table import IntegrityRow
from chalicelib.tables import Table
from ops.checkpoints.checkpoint import read
from ops.verifying.read_models import READ_MODELS
from tests import engines
from tests.ops.audited import (
    Item,
    altered,
    another_byte,
    audited,
    damaged,
    items,
    key_of,
    project,
    said,
    write,
)
from tests.soak import examples

pytestmark = pytest.mark.usefixtures("books", "own_home")

STORED = sorted(EventItem.get_attributes())
ROOMS = {name: model.table for name, model in READ_MODELS.items()}


@pytest.fixture(scope="module")
def books() -> Iterator[None]:
    """One ledger in which everything happened, on moto."""
    with engines.moto():
        write("acme")
        project()
        yield


@pytest.fixture(autouse=True)
def _never_audited(books: None) -> None:  # noqa: ARG001  # Asked for its tables.
    for row in IntegrityRow.scan():
        row.delete()


def one_of_each_type() -> list[Item]:
    return list({item["type"]["S"]: item for item in items(EventItem)}.values())


def place_of(item: Item) -> str:
    return f"{item['stream']['S']} {item['version']['N']}: "


def test_books_in_which_everything_happened_are_whole() -> None:
    report = audited()

    assert said(report) == []
    assert report.unsettled == []
    assert {item["type"]["S"] for item in items(EventItem)} == {
        event.__name__ for event in get_args(Event)
    }
    assert report.events == len(items(EventItem))


def test_the_checkpoint_has_the_head_of_every_stream_in_the_order_of_names(tmp_path: Path) -> None:
    audited(file=tmp_path / "checkpoint")

    with (tmp_path / "checkpoint").open("rb") as file:
        ((_, heads),) = [(found, list(heads)) for found, heads in read(file)]
    newest: dict[str, Item] = {}
    for item in sorted(items(EventItem), key=lambda item: int(item["version"]["N"])):
        newest[item["stream"]["S"]] = item
    assert heads == [
        (name, int(item["version"]["N"]), item["hash"]["B"])
        for name, item in sorted(newest.items())
    ]


@pytest.mark.parametrize("name", STORED)
def test_one_byte_changed_in_any_kind_of_event_is_named(name: str) -> None:
    step = examples(3, 1)
    for number, item in enumerate(one_of_each_type()[STORED.index(name) % step :: step]):
        value = next(iter(item[name].values()))
        place = (0, len(value) // 2, -1)[number % 3]
        changed = altered(item, name, partial(another_byte, place=place))
        with damaged(EventItem, item, after=changed):
            found = said(audited())

        if name == "stream":  # Which is gone from where it was.
            assert any(_tells_of(one, item) for one in found), (item, found)
        else:
            assert any(one.startswith(place_of(item)) for one in found), (item, found)


@pytest.mark.parametrize("name", [name for name in STORED if name not in ("stream", "version")])
def test_an_attribute_that_is_gone_from_an_event_is_named(name: str) -> None:
    for item in one_of_each_type()[::3]:
        without = {each: value for each, value in item.items() if each != name}
        with damaged(EventItem, item, after=without):
            found = said(audited())

        assert any(one.startswith(place_of(item)) for one in found), found


def test_an_attribute_too_many_in_an_event_is_named() -> None:
    item = items(EventItem)[0]
    with damaged(EventItem, item, after={**item, "more": {"S": "x"}}):
        found = said(audited())

    assert found[0].startswith(place_of(item))


def test_each_event_that_is_deleted_is_missed_where_it_was() -> None:
    for item in items(EventItem)[:: examples(7, 3)]:
        with damaged(EventItem, item):
            found = said(audited())

        assert any(_tells_of(one, item) for one in found), (place_of(item), found)


def test_a_whole_transaction_that_is_deleted_with_its_entries_is_missed_by_the_rows() -> None:
    gone = [item for item in items(EventItem) if '"transaction":"b2"' in item["data"]["S"]]
    gone += [item for item in items(EventItem) if item["stream"]["S"] == "acme/transaction/b2"]
    assert len(gone) == 3
    with damaged(EventItem, *gone):
        found = said(audited())

    assert "transactions acme/b2 1: this row is of an event that does not exist" in found
    assert any(one.startswith("balances ") and " alice " in one for one in found)
    assert any(one.startswith("statements acme/cash ") for one in found)


def test_fewer_events_than_an_earlier_audit_counted_are_missed() -> None:
    counted = audited().events
    closing = [item for item in items(EventItem) if item["type"]["S"] == "AccountClosed"]
    for _ in range(2):
        with damaged(EventItem, *closing):
            found = said(audited())

        left = counted - len(closing)
        what = f"acme: has {left} events, and had {counted} at an earlier audit"
        assert what in found


def test_an_altered_event_is_one_finding_and_not_one_for_each_after_it() -> None:
    first, *_ = (item for item in items(EventItem) if item["stream"]["S"] == "acme/account/alice")
    changed = altered(first, "actor", another_byte)
    with damaged(EventItem, first, after=changed):
        found = said(audited())

    assert found == ["acme/account/alice 1: its hash is not that of what is stored"]


@pytest.mark.parametrize("room", ROOMS)
def test_each_row_that_is_missing_is_named(room: str) -> None:
    table = ROOMS[room]
    for row in items(table)[:: examples(7, 3)]:
        with damaged(table, row):
            found = said(audited())

        assert found, row
        assert all(_names(one, room, table, row) for one in found), (row, found)


@pytest.mark.parametrize("room", ROOMS)
def test_each_attribute_of_a_row_that_is_altered_is_named(room: str) -> None:
    table = ROOMS[room]
    seen: dict[str, Item] = {}
    for row in items(table):
        seen |= {name: row for name in row if name not in key_of(table, row)}
        seen |= {f"{name} of a sum": row for name in row if "#" in row.get("key", {}).get("S", "")}
    for name, row in seen.items():
        name = name.removesuffix(" of a sum")
        if name in key_of(table, row):
            continue
        with damaged(table, row, after=altered(row, name, another_byte)):
            found = said(audited())

        assert any(_names(one, room, table, row) for one in found), (name, row, found)


@pytest.mark.parametrize("room", ROOMS)
def test_a_row_too_many_is_named(room: str) -> None:
    table = ROOMS[room]
    for row in items(table)[::5]:
        (name, *_) = reversed(key_of(table, row))
        added = altered(row, name, lambda value: f"{value}x")
        with damaged(table, after=added):
            found = said(audited())

        assert any(_names(one, room, table, added) for one in found), (added, found)


@settings(
    max_examples=examples(15, 200),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_a_single_change_anywhere_is_found(data: st.DataObject) -> None:
    stored: list[type[Table]] = [EventItem, *ROOMS.values()]
    table = data.draw(st.sampled_from(stored))
    item = data.draw(st.sampled_from(items(table)))
    name = data.draw(st.sampled_from([*sorted(item), ""]))
    if not name:
        with damaged(table, item):
            assert said(audited())
        return
    value = next(iter(item[name].values()))
    place = data.draw(st.integers(0, len(value) - 1))
    changed = altered(item, name, partial(another_byte, place=place))
    with damaged(table, item, after=changed):
        assert said(audited())


def _tells_of(finding: str, item: Item) -> bool:
    _, _, id = item["stream"]["S"].split("/")
    return f"/{id}" in finding or f" {id}" in finding


def _names(finding: str, room: str, table: type[Table], row: Item) -> bool:
    key = " ".join(value["S"] for value in key_of(table, row).values())
    return finding.startswith(f"{room} {key.split(' ')[0] if room == 'statements' else key}")
