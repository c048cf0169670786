"""The codec: what is stored can be read for ever, and what cannot be read is said to be unknown."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account import Account, AccountOpened, EntryPosted
from chalicelib.domain.amounts import MAX_AMOUNT
from chalicelib.domain.transaction import PostedEntry, Transaction, TransactionPosted
from chalicelib.events.codec import (
    Event,
    State,
    UnknownEvent,
    decode_event,
    decode_state,
    encode_event,
    encode_state,
)
from chalicelib.events.recorded import account_stream
from tests.events.recordings import NOW, OPENED, TRANSFERRED, entered, recorded

STORED: list[tuple[Event, str]] = [
    (
        OPENED,
        '{"asset":"USD/2","normal_balance":"debit","min_balance":null,'
        '"max_balance":1000000000000000000000000000000,"metadata":{"name":"Till 1 é"},'
        '"fingerprint":"384a40a9c5f9c055c4caf99de430cffe",'
        '"opened_at":"2026-11-01T12:30:15.000257Z"}',
    ),
    (
        entered(10**30),
        '{"transaction":"order-77","direction":"debit","amount":1000000000000000000000000000000,'
        '"effective_at":"2026-11-01T12:30:15.000257Z","reference":"invoice 1009"}',
    ),
    (
        TRANSFERRED,
        '{"entries":[{"account":"cash","direction":"debit","amount":1000,"asset":"USD/2",'
        '"version":12,"balance_after":5000},{"account":"customers:alice","direction":"credit",'
        '"amount":1000,"asset":"USD/2","version":7,'
        '"balance_after":-1000000000000000000000000000000}],'
        '"effective_at":"2026-10-31T12:30:15.000257Z","reference":"invoice 1009",'
        '"metadata":{"k":"v"},"fingerprint":"a2a1195fbb4f978949760bc57297c2e1"}',
    ),
]
"""Every event as the event tables of the world hold it. A line is only ever added to."""

STORED_STATES: list[tuple[str, State, str]] = [
    (
        "account",
        Account(
            version=12,
            asset="USD/2",
            normal_balance="credit",
            min_balance=-(10**30),
            max_balance=None,
            debits=3 * 10**30,
            credits=7,
            pending_debits=1,
            pending_credits=2,
            frozen_debits=True,
            opened_at=NOW,
            fingerprint="384a40a9c5f9c055c4caf99de430cffe",
            metadata_version=1,
        ),
        '{"schema":1,"version":12,"asset":"USD/2","normal_balance":"credit",'
        '"min_balance":-1000000000000000000000000000000,"max_balance":null,'
        '"debits":3000000000000000000000000000000,"credits":7,"pending_debits":1,'
        '"pending_credits":2,"frozen_debits":true,"frozen_credits":false,"closed":false,'
        '"opened_at":"2026-11-01T12:30:15.000257Z",'
        '"fingerprint":"384a40a9c5f9c055c4caf99de430cffe","metadata_version":1}',
    ),
    (
        "transaction",
        Transaction(version=1, state="posted", fingerprint="384a40a9c5f9c055c4caf99de430cffe"),
        '{"schema":1,"version":1,"state":"posted",'
        '"fingerprint":"384a40a9c5f9c055c4caf99de430cffe"}',
    ),
]

INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  # The bounds take their zone from `timezones`.
SIDES: st.SearchStrategy[Any] = st.sampled_from(["debit", "credit"])
AMOUNTS = st.integers(1, MAX_AMOUNT)
METADATA = st.dictionaries(st.text(), st.text(), max_size=3)
LIMITS = st.none() | st.integers(-MAX_AMOUNT, MAX_AMOUNT)

EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        AccountOpened,
        normal_balance=SIDES,
        min_balance=LIMITS,
        max_balance=LIMITS,
        metadata=METADATA,
        opened_at=INSTANTS,
    ),
    st.builds(EntryPosted, direction=SIDES, amount=AMOUNTS, effective_at=INSTANTS),
    st.builds(
        TransactionPosted,
        entries=st.lists(
            st.builds(PostedEntry, direction=SIDES, amount=AMOUNTS), min_size=2, max_size=4
        ).map(tuple),
        effective_at=INSTANTS,
        metadata=METADATA,
    ),
)


@pytest.mark.parametrize(("event", "stored"), STORED, ids=lambda case: type(case).__name__)
def test_an_event_is_stored_and_read_as_it_always_was(event: Event, stored: str) -> None:
    assert encode_event(event) == stored
    assert decode_event(type(event).__name__, stored) == event


@pytest.mark.parametrize(("kind", "state", "stored"), STORED_STATES)
def test_a_state_is_stored_and_read_as_it_always_was(kind: str, state: State, stored: str) -> None:
    assert encode_state(state) == stored
    assert decode_state(kind, stored) == state


@given(EVENTS)
def test_whatever_happened_is_read_as_it_was_written(event: Event) -> None:
    assert decode_event(type(event).__name__, encode_event(event)) == event


def test_a_field_that_a_later_build_added_is_no_hindrance() -> None:
    [(event, stored), *_] = STORED
    later = json.dumps({**json.loads(stored), "colour": "blue"})

    assert decode_event("AccountOpened", later) == event


@pytest.mark.parametrize("type", ["AccountVanished", "", "Account", "accountopened"])
def test_an_event_of_another_type_is_unknown(type: str) -> None:
    with pytest.raises(UnknownEvent, match="does not know events of type"):
        decode_event(type, "{}")


@pytest.mark.parametrize(
    "change",
    [{"amount": None}, {"amount": 1.5}, {"amount": "1"}, {"direction": "up"}, {"effective_at": 0}],
    ids=str,
)
def test_an_event_of_another_shape_is_unknown(change: dict[str, Any]) -> None:
    data = json.dumps({**json.loads(encode_event(entered())), **change})

    with pytest.raises(UnknownEvent, match="EntryPosted has another shape"):
        decode_event("EntryPosted", data)


@pytest.mark.parametrize("change", [{"schema": 2}, {"schema": 0}, {"schema": None}], ids=str)
def test_a_state_of_another_schema_is_unknown(change: dict[str, Any]) -> None:
    _, _, stored = STORED_STATES[0]

    with pytest.raises(UnknownEvent):
        decode_state("account", json.dumps({**json.loads(stored), **change}))


@pytest.mark.parametrize("missing", ["schema", "asset", "opened_at"])
def test_a_state_that_lacks_something_is_unknown(missing: str) -> None:
    fields = json.loads(STORED_STATES[0][2])
    del fields[missing]

    with pytest.raises(UnknownEvent):
        decode_state("account", json.dumps(fields))


def test_only_a_recorded_event_that_is_looked_into_need_be_known() -> None:
    [known] = recorded(account_stream("acme", "cash"), OPENED)
    unknown = replace(known, type="AccountVanished", state_data="{}")

    assert unknown.version == 1
    with pytest.raises(UnknownEvent):
        _ = unknown.event
