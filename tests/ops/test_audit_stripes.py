"""A striped account and its stripes are one account, or that is found and named."""

from collections.abc import Iterator

import pytest

from chalicelib.domain.account.events import AccountClosed, AccountFrozen, EntryPosted, Event
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.events.recorded import Origin, follow
from chalicelib.events.store import Append
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_stream
from tests import engines
from tests.domain.books import NOW
from tests.ops.audited import Item, audited, damaged, items, project, said, write
from tests.ops.forging import undone

pytestmark = pytest.mark.usefixtures("own_home")

HOT = "acme/account/hot"
STRIPES = [f"{HOT}~1of2", f"{HOT}~2of2"]


@pytest.fixture(scope="module")
def _written() -> Iterator[None]:
    """One ledger in which everything happened, on moto."""
    with engines.moto():
        write("acme")
        project()
        assert said(audited()) == []
        yield


@pytest.fixture(autouse=True)
def _books(_written: None) -> Iterator[None]:
    """Whatever a test does to the ledger is undone."""
    with undone():
        yield


def events_of(stream: str) -> list[Item]:
    """A stream's events in their order."""
    found = [item for item in items(EventItem) if item["stream"]["S"] == stream]
    return sorted(found, key=lambda item: int(item["version"]["N"]))


def forge(*events: Event, of: str = "hot") -> None:
    """Writes an account's next events, chained and projected as they should be."""
    store, stream = DynamoStore(), account_stream("acme", of)
    head = store.load([stream])[stream]
    origin = Origin(recorded_at=NOW.replace(year=2027), command_id="forged", actor="key-1")
    forged = follow(head, stream, events, origin)
    store.append(Append(stream=stream, expected_version=head.version, events=forged))
    project()


def test_a_stripe_that_missed_what_was_done_to_its_account_is_named() -> None:
    newest = events_of(STRIPES[0])[-1]
    assert newest["type"]["S"] == "AccountFrozen"

    with damaged(EventItem, newest):
        found = said(audited())

    version = int(newest["version"]["N"]) - 1
    assert f"{STRIPES[0]} {version}: its frozen_debits is not that of its account" in found


def test_a_stripe_that_is_gone_is_missed_by_its_account() -> None:
    version = len(events_of(HOT))

    with damaged(EventItem, *events_of(STRIPES[1])):
        found = said(audited())

    assert f"{HOT} {version}: its stripe hot~2of2 is missing" in found


def test_stripes_whose_account_is_gone_are_named() -> None:
    with damaged(EventItem, *events_of(HOT)):
        found = said(audited())

    for stripe in STRIPES:
        version = len(events_of(stripe))
        assert f"{stripe} {version}: is a stripe that no account has" in found


def test_an_account_that_was_closed_over_the_money_on_its_stripes_is_named() -> None:
    for of in ("hot", "hot~1of2", "hot~2of2"):
        forge(AccountClosed(), of=of)

    found = said(audited())

    assert f"{HOT} {len(events_of(HOT))}: it was closed while its stripes held 5" in found


def test_a_stripe_that_is_frozen_by_itself_is_named() -> None:
    forge(AccountFrozen(debits=False, credits=True), of="hot~2of2")

    version = len(events_of(STRIPES[1]))
    assert said(audited()) == [
        f"{STRIPES[1]} {version}: its frozen_credits is not that of its account"
    ]


def test_an_entry_on_the_account_itself_is_named() -> None:
    forge(
        EntryPosted(
            transaction="s1", direction="credit", amount=5, effective_at=NOW, reference=None
        )
    )

    version = len(events_of(HOT))
    assert f"{HOT} {version}: the account is striped, and takes no entries itself" in said(
        audited()
    )
