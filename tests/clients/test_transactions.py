"""The client's transactions, on a running server."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec.structs import replace
from twofold import (
    Entry,
    Ledger,
    NewTransaction,
    Pending,
    Problem,
    Transaction,
    TransactionEntry,
    TrialBalance,
    credit,
    debit,
)
from twofold.calls import Api

from chalicelib import __version__

TOP_UP = (debit("cash", 1000), credit("alice", 1000))
CHARGE = (debit("alice", 800), credit("cash", 800))
FOREVER = Pending()


def test_a_posted_transaction_is_answered_whole_and_again_when_it_is_repeated(
    books: Ledger, ledger: str
) -> None:
    def post(effective_at: datetime) -> Transaction:
        return books.transactions.post(
            TOP_UP,
            id="order-77",
            reference="invoice 1009",
            effective_at=effective_at,
            metadata={"k": "v"},
        )

    first = post(datetime(2026, 11, 1, 2, tzinfo=timezone(timedelta(hours=2))))
    again = post(datetime(2026, 11, 1, tzinfo=UTC))

    assert first == Transaction(
        id="order-77",
        ledger=ledger,
        state="posted",
        reference="invoice 1009",
        effective_at=datetime(2026, 11, 1, tzinfo=UTC),
        recorded_at=first.recorded_at,
        metadata={"k": "v"},
        version=1,
        entries=(
            TransactionEntry(
                account="cash",
                direction="debit",
                amount=1000,
                asset="USD/2",
                version=2,
                balance_after=1000,
            ),
            TransactionEntry(
                account="alice",
                direction="credit",
                amount=1000,
                asset="USD/2",
                version=2,
                balance_after=1000,
            ),
        ),
    )
    assert again == replace(first, replayed=True)
    assert books.transactions.get("order-77", min_version=1) == first
    assert books.transactions.get("order-77", strong=True) == first


def test_an_idempotency_key_is_a_transactions_id(books: Ledger) -> None:
    posted = books.transactions.post(TOP_UP, idempotency_key="k-1")
    again = books.transactions.post(TOP_UP, id="k-1")

    assert (posted.id, posted.replayed, again.replayed) == ("k-1", False, True)


def test_amounts_and_refusals_are_exact(books: Ledger) -> None:
    large = 10**30
    posted = books.transactions.post([debit("cash", large), credit("alice", large)])
    with pytest.raises(Problem) as refused:
        books.transactions.post([debit("alice", large + 1), credit("cash", large + 1)])
    with pytest.raises(Problem) as too_much:
        books.transactions.post([debit("alice", large), credit("cash", large - 1)], id="t")

    assert [entry.balance_after for entry in posted.entries] == [large, large]
    assert (refused.value.status, refused.value.code) == (400, "invalid_amount")
    assert (too_much.value.status, too_much.value.code) == (422, "unbalanced_transaction")
    assert too_much.value.key == "t"


def test_an_entry_may_name_its_asset(books: Ledger) -> None:
    books.transactions.post([Entry("cash", "debit", 5, "USD/2"), credit("alice", 5)])
    with pytest.raises(Problem) as mismatch:
        books.transactions.post([Entry("cash", "debit", 5, "EUR/2"), credit("alice", 5)])

    assert mismatch.value.code == "asset_mismatch"


def test_a_dry_run_decides_and_writes_nothing(books: Ledger) -> None:
    tried = books.transactions.post(TOP_UP, id="try", dry_run=True)

    assert (tried.dry_run, tried.entries[1].balance_after) == (True, 1000)
    assert books.accounts.get("alice", strong=True).version == 1
    assert not books.transactions.post(TOP_UP, id="try").replayed


def test_a_hold_is_posted_in_part_and_the_same_key_is_answered_again(books: Ledger) -> None:
    books.transactions.post(TOP_UP)
    held = books.transactions.post(CHARGE, pending=Pending(timeout_seconds=600))
    assert books.accounts.get("alice", strong=True).available == 200

    posted = books.transactions.post_hold(held.id, amount=500, idempotency_key="parcel")
    again = books.transactions.post_hold(held.id, amount=500, idempotency_key="parcel")
    with pytest.raises(Problem) as other:
        books.transactions.post_hold(held.id, amount=500)

    assert held.state == "pending"
    assert held.expires_at == held.recorded_at + timedelta(seconds=600)
    assert (posted.state, posted.entries[0].amount, posted.replayed) == ("posted", 500, False)
    assert posted.resolved_at is not None
    assert (again.entries, again.replayed) == (posted.entries, True)
    assert (other.value.status, other.value.code) == (409, "transaction_not_pending")


def test_a_hold_is_voided_for_a_reason_and_releases_everything(books: Ledger) -> None:
    books.transactions.post(TOP_UP)
    held = books.transactions.post(CHARGE, pending=FOREVER)

    voided = books.transactions.void_hold(held.id, reason="no parcel", idempotency_key="v")

    assert held.expires_at is None
    assert (voided.state, voided.void_reason) == ("voided", "no parcel")
    assert books.transactions.void_hold(held.id, reason="no parcel", idempotency_key="v").replayed
    assert books.accounts.get("alice", strong=True).available == 1000


def test_a_whole_hold_is_posted_where_no_amount_is_named(books: Ledger) -> None:
    books.transactions.post(TOP_UP)
    held = books.transactions.post(CHARGE, pending=FOREVER)

    assert books.transactions.post_hold(held.id).entries[0].balance_after == 200


def test_a_transaction_is_reversed_once(books: Ledger) -> None:
    posted = books.transactions.post(TOP_UP)

    undone = books.transactions.reverse(posted.id, id="undo")
    again = books.transactions.reverse(posted.id, idempotency_key="undo")
    with pytest.raises(Problem) as refused:
        books.transactions.reverse(posted.id)

    assert (undone.reverses, undone.replayed, again.replayed) == (posted.id, False, True)
    assert [entry.account for entry in undone.entries] == ["alice", "cash"]
    assert (refused.value.status, refused.value.code) == (409, "already_reversed")
    assert books.transactions.get(posted.id, min_version=2).reversed_by == "undo"


def test_a_reversal_may_count_from_a_later_time(books: Ledger) -> None:
    posted = books.transactions.post(TOP_UP)
    later = posted.effective_at + timedelta(days=1)

    assert books.transactions.reverse(posted.id, effective_at=later).effective_at == later


def test_a_batch_is_all_or_none(books: Ledger) -> None:
    done = books.transactions.post_batch(
        [NewTransaction(entries=TOP_UP), NewTransaction(entries=CHARGE, id="charge")],
        idempotency_key="batch",
    )
    aborted = books.transactions.post_batch(
        [
            NewTransaction(entries=TOP_UP),
            NewTransaction(entries=CHARGE, pending=FOREVER),
            NewTransaction(entries=CHARGE),
        ]
    )

    made = [result.transaction for result in done]
    assert [each and each.id for each in made] == ["batch:0", "charge"]
    assert [result.status for result in done] == [201, 201]
    assert [result.status for result in aborted] == [424, 424, 422]
    assert [result.problem and result.problem.code for result in aborted] == [
        "batch_aborted",
        "batch_aborted",
        "insufficient_funds",
    ]
    assert books.accounts.get("alice", strong=True).version == 3


def test_each_of_an_independent_batch_has_its_own_result(books: Ledger) -> None:
    batch = [
        NewTransaction(entries=CHARGE, id="early"),
        NewTransaction(entries=TOP_UP, id="top-up", metadata={"by": "card"}),
        NewTransaction(entries=CHARGE, id="charge", pending=FOREVER),
    ]
    first = books.transactions.post_batch(batch, atomic=False)
    again = books.transactions.post_batch(batch[1:], atomic=False)

    assert [result.status for result in first] == [422, 201, 201]
    assert first[2].transaction is not None
    assert first[2].transaction.state == "pending"
    assert [result.transaction and result.transaction.replayed for result in again] == [True, True]


def test_transactions_are_found_by_reference_state_and_period(books: Ledger) -> None:
    wages = [
        books.transactions.post(TOP_UP, id=f"wage-{month}", reference="wages") for month in range(5)
    ]
    held = books.transactions.post(CHARGE, id="held", pending=FOREVER)
    books.transactions.get(held.id, min_version=1)
    names = [each.id for each in wages]
    start, end = wages[1].recorded_at, wages[4].recorded_at

    listed = books.transactions.list

    assert _ids(listed(page=2)) == [*names, "held"]
    assert _ids(listed(reference="wages", page=2)) == names
    assert _ids(listed(state="pending")) == ["held"]
    assert _ids(listed(from_=start, to=end, page=2)) == names[1:4]
    assert _ids(listed(reference="wages", from_=start)) == names[1:]
    assert _ids(listed(reference="wages", order="desc", page=2)) == names[::-1]


def _ids(transactions: Iterator[Transaction]) -> list[str]:
    return [transaction.id for transaction in transactions]


def test_the_trial_balance_says_how_far_it_has_come(books: Ledger, ledger: str) -> None:
    def found() -> TrialBalance | None:
        """The trial balance, once something has arrived."""
        try:
            return books.trial_balance()
        except Problem as problem:
            if problem.code != "ledger_not_found":
                raise
            return None

    posted = books.transactions.post(TOP_UP)
    while (totals := found()) is None or totals.events < 4:
        assert totals is None or totals.as_of is None or totals.as_of <= posted.recorded_at

    assert totals.ledger == ledger
    assert totals.as_of == posted.recorded_at
    (dollars,) = totals.assets
    assert (dollars.asset, dollars.debits, dollars.credits) == ("USD/2", 1000, 1000)
    assert dollars.balanced


def test_the_events_behind_the_books_are_listed_either_way(books: Ledger) -> None:
    posted = books.transactions.post(TOP_UP, id="first")
    books.transactions.post(CHARGE, id="hold", pending=FOREVER)
    books.transactions.void_hold("hold")

    events = list(books.accounts.events("alice", page=2))
    assert [(event.version, event.type) for event in events] == [
        (1, "account.opened"),
        (2, "entry.posted"),
        (3, "entry.pending"),
        (4, "entry.released"),
    ]
    assert events[1].recorded_at == posted.recorded_at
    assert list(books.accounts.events("alice", order="desc", page=3)) == events[::-1]
    of_hold = list(books.transactions.events("hold", order="desc", page=1))
    assert [event.type for event in of_hold] == ["transaction.voided", "transaction.pending"]
    assert len({len(event.hash) for event in (*events, *of_hold)} | {64}) == 1
    for missing in (books.accounts.events("nobody"), books.transactions.events("never")):
        with pytest.raises(Problem, match="there is no"):
            next(missing)


def test_the_status_says_how_far_the_read_models_have_come(books: Ledger, ledger: str) -> None:
    posted = books.transactions.post(TOP_UP)
    books.accounts.get("alice")
    books.transactions.get(posted.id)  # Waits, as the other does, until it has arrived.
    while (totals := books.status().read_models[-1]).events != 4:
        pass

    assert (books.status().ledger, books.status().last_audit) == (ledger, None)
    names = [model.name for model in books.status("accounts").read_models]
    assert names == ["balances", "statements", "transactions", "totals"]
    assert (totals.name, totals.as_of) == ("totals", posted.recorded_at)


def test_a_ledger_that_was_never_audited_has_no_verdict(books: Ledger, ledger: str) -> None:
    verdict = books.integrity()

    assert (verdict.ledger, verdict.whole, verdict.as_of) == (ledger, None, None)


def test_each_api_says_that_it_is_well(books: Ledger) -> None:
    apis: tuple[Api, ...] = ("write", "accounts", "journal")
    for api in apis:
        health = books.health(api)
        assert (health.status, health.version) == ("ok", __version__)
        assert api in health.serves
