"""Whole books pass an audit; one change anywhere is found and named."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import NamedTuple, TypeVar, get_args

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
    Damage,
    Item,
    all_damaged,
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
from tests.soak import SOAKING, examples

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


def stream_of(item: Item) -> str:
    return str(item["stream"]["S"])


T = TypeVar("T")


def groups(things: Iterable[T], name: Callable[[T], str]) -> list[list[T]]:
    """What is damaged for one audit, which names each of a group: no two have the same name. In
    `make soak` each is alone.
    """
    made: list[dict[str, T]] = []
    for thing in things:
        free = (group for group in made if not SOAKING and name(thing) not in group)
        group = next(free, None)
        if group is None:
            made.append(group := {})
        group[name(thing)] = thing
    return [[*group.values()] for group in made]


def events_apart(chosen: Sequence[Item]) -> list[list[Item]]:
    """Groups of events of which no damaged one changes what is said of another: of accounts, or of
    transactions, since these name each other.
    """
    accounts = [item for item in chosen if "/account/" in stream_of(item)]
    others = [item for item in chosen if item not in accounts]
    return [*groups(accounts, stream_of), *groups(others, stream_of)]


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
    apart = events_apart(one_of_each_type())
    for group in apart if SOAKING else apart[STORED.index(name) % 2 :: 2]:
        changes = [Damage(EventItem, item, _with_another_byte(item, name)) for item in group]
        with all_damaged(changes):
            found = said(audited())

        for item in group:
            if name == "stream":  # Which is gone from where it was.
                assert any(_tells_of(one, item) for one in found), (item, found)
            else:
                assert any(one.startswith(place_of(item)) for one in found), (item, found)


def _with_another_byte(item: Item, name: str) -> Item:
    """The event with one byte of an attribute changed: the first, the middle or the last."""
    value = next(iter(item[name].values()))
    place = (0, len(value) // 2, -1)[one_of_each_type().index(item) % 3]
    return altered(item, name, partial(another_byte, place=place))


@pytest.mark.parametrize("name", [name for name in STORED if name not in ("stream", "version")])
def test_an_attribute_that_is_gone_from_an_event_is_named(name: str) -> None:
    for group in events_apart(one_of_each_type()[::3]):
        without = [{each: item[each] for each in item if each != name} for item in group]
        with all_damaged(map(Damage, repeat(EventItem), group, without)):
            found = said(audited())

        for item in group:
            assert any(one.startswith(place_of(item)) for one in found), (item, found)


def test_an_attribute_too_many_in_an_event_is_named() -> None:
    item = items(EventItem)[0]
    with damaged(EventItem, item, after={**item, "more": {"S": "x"}}):
        found = said(audited())

    assert found[0].startswith(place_of(item))


def test_each_event_that_is_deleted_is_missed_where_it_was() -> None:
    for group in groups(items(EventItem)[:: examples(7, 3)], stream_of):
        with all_damaged(Damage(EventItem, item) for item in group):
            found = said(audited())

        for item in group:
            assert any(_misses(one, item) for one in found), (place_of(item), found)


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


class Row(NamedTuple):
    """A row of a read model, and what is changed."""

    room: str
    item: Item
    change: str = ""

    @property
    def name(self) -> str:
        """What a finding begins with: of a row of a statement, its account."""
        key = " ".join(value["S"] for value in key_of(ROOMS[self.room], self.item).values())
        return f"{self.room} {key.split(' ')[0] if self.room == 'statements' else key}"

    def is_named_by(self, finding: str) -> bool:
        return finding.startswith((f"{self.name}: ", f"{self.name} "))


def rows(step: int) -> list[Row]:
    """Some rows of each read model."""
    return [Row(room, item) for room, table in ROOMS.items() for item in items(table)[::step]]


def test_each_row_that_is_missing_is_named() -> None:
    for group in groups(rows(examples(7, 3)), lambda row: row.name):
        with all_damaged(Damage(ROOMS[row.room], row.item) for row in group):
            found = said(audited())

        _assert_are_named(group, found)
        assert all(any(row.is_named_by(one) for row in group) for one in found), found


def test_each_attribute_of_a_row_that_is_altered_is_named() -> None:
    for group in groups(_one_of_each_attribute(), lambda row: row.name):
        changed = [altered(row.item, row.change, another_byte) for row in group]
        with all_damaged(
            Damage(ROOMS[row.room], row.item, after)
            for row, after in zip(group, changed, strict=True)
        ):
            found = said(audited())

        _assert_are_named(group, found)


def _one_of_each_attribute() -> Iterator[Row]:
    """A row of each read model for each attribute but its key, one of those that are used least;
    and one for each attribute of a sum.
    """
    used: Counter[str] = Counter()
    having: dict[tuple[str, str, bool], list[Row]] = {}
    for row in rows(1):
        for name in row.item.keys() - key_of(ROOMS[row.room], row.item).keys():
            is_sum = "#" in row.item.get("key", {}).get("S", "")
            having.setdefault((row.room, name, is_sum), []).append(row._replace(change=name))
    for _, choice in sorted(having.items()):
        row = min(choice, key=lambda each: used[each.name])
        used[row.name] += 1
        yield row


@pytest.mark.parametrize("room", ROOMS)  # A row of one may be what lets a row of another be.
def test_a_row_too_many_is_named(room: str) -> None:
    added = [_with_another_key(row) for row in rows(5) if row.room == room]
    for group in groups(added, lambda row: row.name):
        with all_damaged(Damage(ROOMS[room], None, row.item) for row in group):
            found = said(audited())

        _assert_are_named(group, found)


def _with_another_key(row: Row) -> Row:
    (name, *_) = reversed(key_of(ROOMS[row.room], row.item))
    return row._replace(item=altered(row.item, name, lambda value: f"{value}x"))


@settings(
    max_examples=examples(10, 200),
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


def _misses(finding: str, item: Item) -> bool:
    """Whether an event is missed: between others, or, as the newest of a stream, by its rows."""
    place = place_of(item)
    of_row = f"{place.rpartition('/')[2]}this row is of an event that does not exist"
    return finding == f"{place}is missing" or bool(re.search(f"[ /]{re.escape(of_row)}$", finding))


def _assert_are_named(group: Sequence[Row], found: list[str]) -> None:
    for row in group:
        assert any(map(row.is_named_by, found)), (row, found)
