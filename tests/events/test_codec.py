"""The codec: what is stored can be read for ever, and what cannot be read is said to be unknown."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chalicelib.domain.account.events import (
    AccountChanged,
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    EntryHeld,
    EntryPosted,
    HeldEntryPosted,
    HeldEntryReleased,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.fields import MAX_AMOUNT
from chalicelib.domain.holds import ExpiringHold
from chalicelib.domain.transaction.events import (
    AccountEvent,
    BookedEntry,
    HoldExpired,
    HoldPosted,
    HoldVoided,
    Resolution,
    TransactionHeld,
    TransactionPosted,
    TransactionReversed,
)
from chalicelib.domain.transaction.events import Event as TransactionEvent
from chalicelib.domain.transaction.state import Transaction
from chalicelib.events.recorded import (
    StaleState,
    UnknownEvent,
    decode_event,
    decode_state,
    encode_event,
    encode_state,
)
from chalicelib.ledger.aggregates import Event, State, account_stream
from tests.events.recordings import NOW, OPENED, TRANSFERRED, entered, recorded

_ENTRIES = (
    '"entries":[{"account":"cash","direction":"debit","amount":1000,"asset":"USD/2",'
    '"version":12,"balance_after":5000},{"account":"customers:alice","direction":"credit",'
    '"amount":1000,"asset":"USD/2","version":7,'
    '"balance_after":-1000000000000000000000000000000}],'
    '"effective_at":"2026-10-31T12:30:15.000257Z","reference":"invoice 1009",'
    '"metadata":{"k":"v"},"fingerprint":"a2a1195fbb4f978949760bc57297c2e1"'
)
_CREATED = f'{_ENTRIES},"created_at":"2026-11-01T12:30:15.000257Z"'
_AT = '"at":"2026-11-01T12:30:15.000257Z"'
_ACCOUNT_EVENTS = (AccountEvent(12, bytes(15)), AccountEvent(7, b"\xff" * 15))
_NAMED = '"account_events":[[12,"AAAAAAAAAAAAAAAAAAAA"],[7,"////////////////////"]]'


def told(kind: type[TransactionEvent], **changes: Any) -> TransactionEvent:
    """The transfer, as another event of a transaction's life says it."""
    return kind(**{**structs.asdict(TRANSFERRED), **changes})


STORED: list[tuple[Event, str]] = [
    (
        OPENED,
        '{"schema":1,"asset":"USD/2","normal_balance":"debit","min_balance":null,'
        '"max_balance":1000000000000000000000000000000,"metadata":{"name":"Till 1 é"},'
        '"fingerprint":"384a40a9c5f9c055c4caf99de430cffe",'
        '"opened_at":"2026-11-01T12:30:15.000257Z"}',
    ),
    (
        AccountChanged(min_balance=-5, max_balance=None),
        '{"schema":1,"min_balance":-5,"max_balance":null}',
    ),
    (
        AccountChanged(min_balance=None, max_balance=None, metadata={}),
        '{"schema":1,"min_balance":null,"max_balance":null,"metadata":{}}',
    ),
    (AccountFrozen(debits=True, credits=False), '{"schema":1,"debits":true,"credits":false}'),
    (AccountUnfrozen(debits=True, credits=True), '{"schema":1,"debits":true,"credits":true}'),
    (AccountClosed(), '{"schema":1}'),
    (
        entered(10**30),
        '{"schema":1,"transaction":"order-77","direction":"debit",'
        '"amount":1000000000000000000000000000000,'
        '"effective_at":"2026-11-01T12:30:15.000257Z","reference":"invoice 1009"}',
    ),
    (
        EntryHeld(transaction="order-77", direction="debit", amount=1000, expires_at=NOW),
        '{"schema":1,"transaction":"order-77","direction":"debit","amount":1000,'
        '"expires_at":"2026-11-01T12:30:15.000257Z"}',
    ),
    (
        HeldEntryPosted(
            transaction="order-77",
            direction="credit",
            amount=700,
            released=300,
            effective_at=NOW,
            reference=None,
        ),
        '{"schema":1,"transaction":"order-77","direction":"credit","amount":700,"released":300,'
        '"effective_at":"2026-11-01T12:30:15.000257Z","reference":null}',
    ),
    (
        HeldEntryReleased(transaction="order-77", direction="debit", amount=1000),
        '{"schema":1,"transaction":"order-77","direction":"debit","amount":1000}',
    ),
    (TRANSFERRED, f'{{"schema":3,{_CREATED}}}'),
    (
        told(TransactionPosted, account_events=_ACCOUNT_EVENTS),
        f'{{"schema":3,{_CREATED},{_NAMED}}}',
    ),
    (
        told(TransactionHeld, is_hold=True, expires_at=NOW),
        f'{{"schema":2,{_CREATED},"is_hold":true,"expires_at":"2026-11-01T12:30:15.000257Z"}}',
    ),
    (
        told(HoldPosted, is_hold=True, resolution=Resolution(at=NOW, fingerprint="f", key="k")),
        f'{{"schema":2,{_CREATED},"is_hold":true,'
        f'"resolution":{{{_AT},"fingerprint":"f","key":"k","reason":null}}}}',
    ),
    (
        told(HoldVoided, is_hold=True, resolution=Resolution(at=NOW, fingerprint="f", reason="r")),
        f'{{"schema":2,{_CREATED},"is_hold":true,'
        f'"resolution":{{{_AT},"fingerprint":"f","key":null,"reason":"r"}}}}',
    ),
    (
        told(HoldExpired, is_hold=True, resolution=Resolution(at=NOW, fingerprint="f")),
        f'{{"schema":2,{_CREATED},"is_hold":true,'
        f'"resolution":{{{_AT},"fingerprint":"f","key":null,"reason":null}}}}',
    ),
    (
        told(TransactionReversed, reversed_by="back"),
        f'{{"schema":2,{_CREATED},"reversed_by":"back"}}',
    ),
]
"""Every event as this build stores it."""

STORED_BEFORE: list[tuple[Event, str]] = [
    (OPENED, STORED[0][1].replace('"schema":1,', "")),
    (entered(10**30), STORED[6][1].replace('"schema":1,', "")),
    (TRANSFERRED, f"{{{_ENTRIES}}}"),
    (TRANSFERRED, f'{{"schema":2,{_CREATED}}}'),
    (
        told(TransactionHeld, is_hold=True, expires_at=NOW),
        f'{{"schema":1,{_CREATED},"is_hold":true,"expires_at":"2026-11-01T12:30:15.000257Z"}}',
    ),
    (told(HoldPosted, is_hold=True), f'{{"schema":1,{_CREATED},"is_hold":true}}'),
    (told(HoldVoided, is_hold=True), f'{{"schema":1,{_CREATED},"is_hold":true}}'),
    (told(HoldExpired, is_hold=True), f'{{"schema":1,{_CREATED},"is_hold":true}}'),
    (
        told(TransactionReversed, reversed_by="back"),
        f'{{"schema":1,{_CREATED},"reversed_by":"back"}}',
    ),
]
"""As older builds stored them. When a shape is given up, its line moves here and stays."""

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
            expiring=(ExpiringHold("h", 0, 2, 1_793_535_015_000_257),),
            unlisted=1,
            unlisted_from=NOW,
            frozen_debits=True,
            opened_at=NOW,
            fingerprint="384a40a9c5f9c055c4caf99de430cffe",
            metadata_version=1,
            metadata_fingerprint="0011223344556677",
        ),
        '{"schema":3,"version":12,"asset":"USD/2","normal_balance":"credit",'
        '"min_balance":-1000000000000000000000000000000,"max_balance":null,'
        '"debits":3000000000000000000000000000000,"credits":7,"pending_debits":1,'
        '"pending_credits":2,"expiring":[["h",0,2,1793535015000257]],"unlisted":1,'
        '"unlisted_from":"2026-11-01T12:30:15.000257Z","frozen_debits":true,'
        '"opened_at":"2026-11-01T12:30:15.000257Z",'
        '"fingerprint":"384a40a9c5f9c055c4caf99de430cffe","metadata_version":1,'
        '"metadata_fingerprint":"0011223344556677"}',
    ),
    (
        "transaction",
        Transaction(
            version=1,
            newest="TransactionPosted",
        ),
        '{"schema":2,"version":1,"newest":"TransactionPosted"}',
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
    st.builds(AccountChanged, min_balance=LIMITS, max_balance=LIMITS, metadata=METADATA),
    st.builds(AccountFrozen),
    st.builds(AccountUnfrozen),
    st.builds(EntryPosted, direction=SIDES, amount=AMOUNTS, effective_at=INSTANTS),
    st.builds(EntryHeld, direction=SIDES, amount=AMOUNTS, expires_at=st.none() | INSTANTS),
    st.builds(HeldEntryPosted, direction=SIDES, amount=AMOUNTS, effective_at=INSTANTS),
    st.builds(HeldEntryReleased, direction=SIDES, amount=AMOUNTS),
    *(
        st.builds(
            kind,
            entries=st.lists(
                st.builds(BookedEntry, direction=SIDES, amount=AMOUNTS), min_size=2, max_size=4
            ).map(tuple),
            effective_at=INSTANTS,
            created_at=INSTANTS,
            expires_at=st.none() | INSTANTS,
            resolution=st.none()
            | st.builds(Resolution, at=INSTANTS, key=st.none() | st.text(), reason=st.text()),
            metadata=METADATA,
            account_events=st.none()
            | st.lists(
                st.builds(AccountEvent, st.integers(1), st.binary(min_size=15, max_size=15))
            ).map(tuple),
        )
        for kind in get_args(TransactionEvent)
    ),
)


@pytest.mark.parametrize(("event", "stored"), STORED, ids=lambda case: type(case).__name__)
def test_an_event_is_stored_and_read_as_it_always_was(event: Event, stored: str) -> None:
    assert encode_event(event) == stored
    assert decode_event(type(event).__name__, stored, NOW) == event


@pytest.mark.parametrize(("event", "stored"), STORED_BEFORE, ids=lambda case: type(case).__name__)
def test_what_an_older_build_stored_says_the_same_today(event: Event, stored: str) -> None:
    assert decode_event(type(event).__name__, stored, NOW) == event


def test_every_type_of_event_is_held_by_a_line_above() -> None:
    assert {type(event) for event, _ in STORED} == set(get_args(Event))


def test_an_event_of_a_newer_schema_is_unknown() -> None:
    for event, stored in STORED:
        newer = json.dumps({**json.loads(stored), "schema": 4})
        with pytest.raises(UnknownEvent, match="does not know schema 4"):
            decode_event(type(event).__name__, newer, NOW)


@pytest.mark.parametrize(("kind", "state", "stored"), STORED_STATES)
def test_a_state_is_stored_and_read_as_it_always_was(kind: str, state: State, stored: str) -> None:
    assert encode_state(state) == stored
    assert decode_state(kind, stored) == state


@given(EVENTS)
def test_whatever_happened_is_read_as_it_was_written(event: Event) -> None:
    assert decode_event(type(event).__name__, encode_event(event), NOW) == event


def test_a_field_that_a_later_build_added_is_no_hindrance() -> None:
    [(event, stored), *_] = STORED
    later = json.dumps({**json.loads(stored), "colour": "blue"})

    assert decode_event("AccountOpened", later, NOW) == event


@pytest.mark.parametrize("type", ["AccountVanished", "", "Account", "accountopened"])
def test_an_event_of_another_type_is_unknown(type: str) -> None:
    with pytest.raises(UnknownEvent, match="does not know events of type"):
        decode_event(type, "{}", NOW)


@pytest.mark.parametrize(
    "change",
    [{"amount": None}, {"amount": 1.5}, {"amount": "1"}, {"direction": "up"}, {"effective_at": 0}],
    ids=str,
)
def test_an_event_of_another_shape_is_unknown(change: dict[str, Any]) -> None:
    data = json.dumps({**json.loads(encode_event(entered())), **change})

    with pytest.raises(UnknownEvent, match="EntryPosted has another shape"):
        decode_event("EntryPosted", data, NOW)


@pytest.mark.parametrize("schema", [0, 1, 4])
def test_a_state_of_another_schema_is_stale(schema: int) -> None:
    _, _, stored = STORED_STATES[0]

    with pytest.raises(StaleState):
        decode_state("account", json.dumps({**json.loads(stored), "schema": schema}))


def test_a_state_from_before_holds_were_listed_is_stale_only_if_one_may_expire() -> None:
    _, state, stored = STORED_STATES[0]
    fields = {**json.loads(stored), "schema": 2}
    for added in ("expiring", "unlisted", "unlisted_from"):
        del fields[added]

    same = decode_state("account", json.dumps(fields))

    assert same == structs.replace(state, expiring=(), unlisted=0, unlisted_from=None)
    assert json.loads(encode_state(same)) == fields
    with pytest.raises(StaleState):
        decode_state(
            "account", json.dumps({**fields, "next_expiry": "2026-11-01T12:30:15.000257Z"})
        )


@pytest.mark.parametrize("schema", [None, "2", 2.5])
def test_a_state_of_no_schema_is_unknown(schema: Any) -> None:
    _, _, stored = STORED_STATES[0]

    with pytest.raises(UnknownEvent):
        decode_state("account", json.dumps({**json.loads(stored), "schema": schema}))


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
