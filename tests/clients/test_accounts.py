"""The client's accounts, on a running server."""

from datetime import UTC, datetime, timedelta

import pytest
from twofold import Account, Frozen, Ledger, Problem, credit, debit

LARGE = 10**30


def put_in(books: Ledger, amount: int, id: str | None = None) -> int:
    """Moves money to alice; the version that her account comes to."""
    posted = books.transactions.post([debit("cash", amount), credit("alice", amount)], id=id)
    return posted.entries[1].version


def test_an_opened_account_is_answered_whole(books: Ledger, ledger: str) -> None:
    opened = books.accounts.open(
        "points:bob",
        asset="POINTS/0",
        normal_balance="credit",
        min_balance=-5,
        max_balance=LARGE,
        metadata={"name": "Bob"},
    )

    assert abs(datetime.now(UTC) - opened.opened_at) < timedelta(minutes=1)
    assert opened == Account(
        id="points:bob",
        ledger=ledger,
        asset="POINTS/0",
        normal_balance="credit",
        min_balance=-5,
        max_balance=LARGE,
        posted=0,
        pending_debits=0,
        pending_credits=0,
        available=0,
        frozen=Frozen(debits=False, credits=False),
        state="open",
        metadata={"name": "Bob"},
        version=1,
        opened_at=opened.opened_at,
        recorded_at=opened.opened_at,
        replayed=False,
    )


def test_a_striped_account_is_read_as_one_at_the_version_of_any_of_its_entries(
    books: Ledger,
) -> None:
    opened = books.accounts.open("house", asset="USD/2", normal_balance="credit", stripes=4)
    posted = [
        books.transactions.post([debit("cash", amount), credit("house", amount)])
        for amount in range(1, 10)
    ]

    for one in posted:
        house = books.accounts.get("house", min_version=one.entries[1].version)

    assert (opened.stripes, opened.min_balance, opened.version) == (4, None, 1)
    assert {one.entries[1].balance_after for one in posted} == {None}
    assert posted[-1].entries[0].balance_after == 45
    assert (house.stripes, books.accounts.get("cash").stripes) == (4, 1)
    assert house.posted == 45
    entries = list(books.accounts.entries("house"))
    assert [entry.amount for entry in entries] == list(range(1, 10))
    assert entries[-1].balance_after == 45


def test_opening_an_account_again_is_a_replay_and_with_other_content_a_problem(
    books: Ledger,
) -> None:
    again = books.accounts.open("alice", asset="USD/2", normal_balance="credit")
    with pytest.raises(Problem) as refused:
        books.accounts.open("alice", asset="EUR/2", normal_balance="credit")

    assert (again.replayed, again.version) == (True, 1)
    assert (refused.value.status, refused.value.code) == (409, "account_exists")
    assert refused.value.key == "alice"


def test_accounts_without_an_id_get_ids_that_sort_as_they_were_opened(books: Ledger) -> None:
    opened = [books.accounts.open(asset="USD/2", normal_balance="credit").id for _ in range(3)]

    assert len(set(opened)) == 3
    assert [id[:13] for id in opened] == sorted(id[:13] for id in opened)


def test_an_account_is_read_at_the_version_that_a_write_answered(books: Ledger) -> None:
    version = put_in(books, LARGE)

    alice = books.accounts.get("alice", min_version=version)

    assert (alice.posted, alice.available, alice.version) == (LARGE, LARGE, version)


def test_a_strong_read_shows_the_newest_event_at_once_where_the_stage_has_one(
    books: Ledger,
) -> None:
    version = put_in(books, 700)

    assert books.accounts.get("alice", strong=True).version == version


def test_a_change_matches_a_version_or_is_refused(books: Ledger) -> None:
    changed = books.accounts.change("alice", min_balance=None, metadata={"vip": "yes"}, if_match=1)
    with pytest.raises(Problem) as stale:
        books.accounts.change("alice", max_balance=10, if_match=1)
    limited = books.accounts.change("alice", min_balance=-7, max_balance=10)

    assert (changed.min_balance, changed.metadata, changed.version) == (None, {"vip": "yes"}, 2)
    assert (stale.value.status, stale.value.code) == (409, "version_conflict")
    assert (limited.min_balance, limited.max_balance, limited.version) == (-7, 10, 3)
    assert limited.metadata == {"vip": "yes"}


def test_an_account_is_frozen_by_direction_and_unfrozen(books: Ledger) -> None:
    frozen = books.accounts.freeze("alice", debits=False)
    with pytest.raises(Problem) as refused:
        put_in(books, 1)
    both = books.accounts.freeze("alice")
    half = books.accounts.unfreeze("alice", credits=False)
    thawed = books.accounts.unfreeze("alice")

    assert frozen.frozen == Frozen(debits=False, credits=True)
    assert (refused.value.status, refused.value.code) == (422, "account_frozen")
    assert both.frozen == Frozen(debits=True, credits=True)
    assert half.frozen == Frozen(debits=False, credits=True)
    assert thawed.frozen == Frozen(debits=False, credits=False)


def test_an_empty_account_is_closed_and_another_is_not(books: Ledger) -> None:
    put_in(books, 1)
    books.accounts.open("empty", asset="USD/2", normal_balance="credit")

    with pytest.raises(Problem) as refused:
        books.accounts.close("alice")

    assert refused.value.code == "account_not_empty"
    assert books.accounts.close("empty").state == "closed"
    assert books.accounts.close("empty").version == 2


def test_the_accounts_of_a_prefix_are_listed_over_all_their_pages(books: Ledger) -> None:
    names = [f"customers:{place}" for place in range(7)]
    for name in names:
        opened = books.accounts.open(name, asset="USD/2", normal_balance="credit")
        books.accounts.get(opened.id, min_version=opened.version)

    assert [found.id for found in books.accounts.list("customers:", page=3)] == names
    assert "cash" in {found.id for found in books.accounts.list()}


def test_the_balance_of_a_time_is_the_one_after_the_last_entry_until_then(books: Ledger) -> None:
    first = books.transactions.post([debit("cash", 100), credit("alice", 100)])
    version = put_in(books, 50)

    then = books.accounts.balance("alice", at=first.recorded_at, min_version=version)
    now = books.accounts.balance("alice", min_version=version)

    assert (then.posted, then.version, then.at) == (100, 2, first.recorded_at)
    assert (now.posted, now.version, now.asset) == (150, 3, "USD/2")


def test_entries_are_listed_over_all_their_pages_either_way(books: Ledger) -> None:
    for amount in range(1, 8):
        version = put_in(books, amount)

    up = [entry.amount for entry in books.accounts.entries("alice", min_version=version, page=3)]
    down = [entry.balance_after for entry in books.accounts.entries("alice", order="desc", page=3)]

    assert up == [1, 2, 3, 4, 5, 6, 7]
    assert down == [28, 21, 15, 10, 6, 3, 1]


def test_a_statement_is_of_its_period_and_fetched_to_its_end(books: Ledger) -> None:
    posted = [
        books.transactions.post(
            [debit("cash", 10), credit("alice", 10)], id=f"day-{day}", reference="wages"
        )
        for day in range(9)
    ]
    version = posted[-1].entries[1].version

    period = books.accounts.statement(
        "alice",
        from_=posted[1].recorded_at,
        to=posted[8].recorded_at,
        min_version=version,
        page=3,
    )

    assert (period.account, period.asset) == ("alice", "USD/2")
    assert (period.from_, period.to) == (posted[1].recorded_at, posted[8].recorded_at)
    assert (period.opening_balance, period.closing_balance) == (10, 80)
    entries = list(period.entries)
    assert [entry.transaction for entry in entries] == [f"day-{day}" for day in range(1, 8)]
    assert entries[0].recorded_at == posted[1].recorded_at
    assert (entries[0].direction, entries[0].reference) == ("credit", "wages")


def test_what_is_not_there_is_a_problem_also_when_it_is_iterated_over(books: Ledger) -> None:
    asked = books.accounts.entries("nobody")

    with pytest.raises(Problem) as missing:
        next(asked)

    assert (missing.value.status, missing.value.code) == (404, "account_not_found")
    assert "nobody" in missing.value.detail


def test_a_wrong_field_is_named_by_the_problem(books: Ledger) -> None:
    with pytest.raises(Problem) as invalid:
        books.accounts.open("not an id", asset="USD/2", normal_balance="credit")

    assert (invalid.value.status, invalid.value.code) == (400, "validation_failed")
    assert [error.field for error in invalid.value.errors] == ["id"]
