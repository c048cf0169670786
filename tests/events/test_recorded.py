"""Recorded events: their streams, their numbers, and the chain over them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.events.recorded import FIRST_LINK, Origin, Stream, UnknownEvent, follow
from chalicelib.ledger.aggregates import account_state, account_stream, transaction_stream
from tests.events.recordings import NOW, OPENED, TRANSFERRED, entered, recorded

CASH = account_stream("acme", "cash")


def test_a_stream_is_named_by_its_ledger_its_kind_and_its_id() -> None:
    assert str(account_stream("acme", "customers:alice")) == "acme/account/customers:alice"
    assert str(transaction_stream("acme", "order-77")) == "acme/transaction/order-77"
    for stream in (CASH, transaction_stream("acme", "cash")):
        assert Stream.parse(str(stream)) == stream


@pytest.mark.parametrize(
    "name", ["", "acme", "acme/account", "acme/wallet/cash", "acme/account/cash/x", "//"]
)
def test_what_is_no_name_of_a_stream_is_unknown(name: str) -> None:
    with pytest.raises(UnknownEvent, match="no stream's name"):
        Stream.parse(name)


def test_events_are_numbered_on_from_the_newest_of_their_stream() -> None:
    first = recorded(CASH, OPENED, entered(1))
    then = recorded(CASH, entered(2), entered(3), behind=first[-1])

    assert [event.version for event in first + then] == [1, 2, 3, 4]
    assert [account_state(event).debits for event in first + then] == [0, 1, 3, 6]
    assert [account_state(event).version for event in first + then] == [1, 2, 3, 4]
    assert [event.type for event in first + then] == ["AccountOpened", *["EntryPosted"] * 3]


def test_events_of_one_commit_share_when_by_which_command_and_who() -> None:
    origin = Origin(recorded_at=NOW, command_id="command-1", actor="key-1")

    events = follow(None, CASH, [OPENED, entered()], origin)

    assert {(event.recorded_at, event.command_id, event.actor) for event in events} == {
        (NOW, "command-1", "key-1")
    }


def test_nothing_new_is_nothing_recorded() -> None:
    assert recorded(CASH) == []


def test_each_event_is_chained_to_the_one_before() -> None:
    first, second = recorded(CASH, OPENED, entered())
    [third] = recorded(CASH, entered(), behind=second)

    assert first.hash == first.chained_to(FIRST_LINK)
    assert second.hash == second.chained_to(first.hash)
    assert third.hash == third.chained_to(second.hash)
    assert second.hash != second.chained_to(FIRST_LINK)


@pytest.mark.parametrize(
    "change",
    [
        {"stream": account_stream("acme", "cash2")},
        {"version": 3},
        {"type": "AccountOpened"},
        {"data": "{}"},
        {"state_data": "{}"},
        {"recorded_at": NOW + timedelta(microseconds=1)},
        {"command_id": "command-2"},
        {"actor": "key-2"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_chain_breaks_at_any_field_that_was_changed(change: dict[str, Any]) -> None:
    first, second = recorded(CASH, OPENED, entered())

    changed = replace(second, **change)

    assert changed.chained_to(first.hash) != second.hash


def test_text_moved_from_one_field_to_the_next_breaks_the_chain() -> None:
    [first] = recorded(CASH, OPENED)
    moved = replace(first, command_id=first.command_id + '","', actor=first.actor[1:])

    assert moved.chained_to(FIRST_LINK) != first.hash


def test_the_chain_of_stored_events_is_the_same_today() -> None:
    [opened] = recorded(CASH, OPENED)
    [posted] = recorded(transaction_stream("acme", "order-77"), TRANSFERRED)

    assert opened.hash.hex() == "e3777c464a574fbce72d6f4467df1e159876b9e4a7e6afa3db9645ae4206314c"
    assert posted.hash.hex() == "de3c651161ece0fed246e8a0e24a23a54c8bbf9c9f9cc9e72a514aabbb48466d"


def test_the_chain_of_what_an_older_build_stored_still_holds() -> None:
    [opened] = recorded(CASH, OPENED)
    stored = replace(
        opened,
        data=opened.data.replace('"schema":1,', ""),
        state_data='{"schema":1,"version":1,"asset":"USD/2","normal_balance":"debit",'
        '"min_balance":null,"max_balance":1000000000000000000000000000000,"debits":0,"credits":0,'
        '"pending_debits":0,"pending_credits":0,"frozen_debits":false,"frozen_credits":false,'
        '"closed":false,"opened_at":"2026-11-01T12:30:15.000257Z",'
        '"fingerprint":"384a40a9c5f9c055c4caf99de430cffe","metadata_version":1}',
    )

    assert stored.event == OPENED
    assert (
        stored.chained_to(FIRST_LINK).hex()
        == "a0d020fc06372e56849e07680eccf6e8dec58f55bd47a2de270d60f72da6bcc7"
    )
