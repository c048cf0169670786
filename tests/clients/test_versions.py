"""Remembered versions: a client's reads show what it has written and seen, without being asked."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from twofold import Ledger, NewAccount, NewTransaction, Pending, Problem, credit, debit
from twofold.versions import Seen, Versions, account_key

from tests.clients.conftest import Connect
from tests.clients.troubled import Answer, Troubled

TOP_UP = (debit("cash", 1000), credit("alice", 1000))


@pytest.fixture
def session(connect: Connect, line: Troubled, ledger: str, books: Ledger) -> Ledger:
    """A new client, whose requests are noted. The ledger has accounts that it has not seen."""
    books.accounts.get("alice")
    return connect(ledger, line.url)


def asked_for(line: Troubled) -> str | None:
    """The `min_version` of the last request."""
    _, _, query = line.seen[-1].path.partition("?")
    return dict(pair.split("=") for pair in query.split("&") if pair).get("min_version")


def read(session: Ledger, account: str = "alice") -> None:
    """Reads an account, whose request is then the last."""
    session.accounts.get(account)


def test_every_read_of_an_account_waits_for_what_this_client_posted_on_it(
    session: Ledger, line: Troubled
) -> None:
    version = session.transactions.post(TOP_UP, id="t").version_of("alice")

    assert session.accounts.get("alice").posted == 1000
    assert session.accounts.balance("alice").posted == 1000
    assert [entry.amount for entry in session.accounts.entries("alice")] == [1000]
    assert session.accounts.statement("alice").closing_balance == 1000
    assert session.transactions.get("t").state == "posted"

    # A read that is not there in time is sent again.
    asked = list(dict.fromkeys(request.path.partition("/ledgers/")[2] for request in line.seen[1:]))
    assert [path.partition("/")[2] for path in asked] == [
        f"accounts/alice?min_version={version}",
        f"accounts/alice/balance?min_version={version}",
        f"accounts/alice/entries?order=asc&min_version={version}&limit=200",
        f"accounts/alice/statement?min_version={version}&limit=200",
        "transactions/t?min_version=1",
    ]


def test_the_other_side_of_a_transaction_is_remembered_as_well(
    session: Ledger, line: Troubled
) -> None:
    posted = session.transactions.post(TOP_UP)

    read(session, "cash")

    assert asked_for(line) == str(posted.version_of("cash"))


def test_changes_and_batches_are_remembered(session: Ledger, line: Troubled) -> None:
    session.accounts.freeze("alice", credits=False)
    read(session)
    assert asked_for(line) == "2"

    session.transactions.post_batch([NewTransaction(entries=TOP_UP)] * 2)
    read(session)
    assert asked_for(line) == "4"

    session.accounts.open_batch([NewAccount(id="bob", asset="USD/2", normal_balance="credit")])
    read(session, "bob")
    assert asked_for(line) == "1"


def test_what_was_only_read_is_remembered_so_that_nothing_older_is_seen_later(
    session: Ledger, books: Ledger, line: Troubled
) -> None:
    for _ in range(3):
        posted = books.transactions.post(TOP_UP)
    read(session)
    assert asked_for(line) is None

    entries = session.accounts.entries("alice", min_version=posted.version_of("alice"))
    assert len(list(entries)) == 3
    read(session)
    assert asked_for(line) == str(posted.version_of("alice"))


def test_an_explicit_version_wins_and_0_takes_what_is_there(
    session: Ledger, line: Troubled
) -> None:
    session.transactions.post(TOP_UP, id="t")

    session.accounts.get("alice", min_version=1)
    assert asked_for(line) == "1"
    session.accounts.get("cash", min_version=0)
    assert asked_for(line) is None
    session.accounts.balance("cash", min_version=0)
    assert asked_for(line) is None
    line.expect(Answer(404, "transaction_not_found"))
    with pytest.raises(Problem):
        session.transactions.get("t", min_version=0)
    assert asked_for(line) is None


def test_a_strong_read_needs_no_version(session: Ledger, line: Troubled) -> None:
    session.transactions.post(TOP_UP, id="t")

    assert session.accounts.get("alice", strong=True).posted == 1000
    assert asked_for(line) is None
    assert session.transactions.get("t", strong=True).state == "posted"
    assert asked_for(line) is None


def test_a_client_that_remembers_nothing_asks_for_nothing(
    connect: Connect, line: Troubled, ledger: str, books: Ledger
) -> None:
    books.accounts.get("alice")
    forgetful = connect(ledger, line.url, remember_versions=0)
    forgetful.transactions.reverse(forgetful.transactions.post(TOP_UP).id)

    read(forgetful)

    assert asked_for(line) is None


def test_a_dry_run_is_not_waited_for(session: Ledger, line: Troubled) -> None:
    session.transactions.post(TOP_UP, id="try", dry_run=True)

    read(session)

    assert asked_for(line) is None


def test_a_read_that_the_projection_does_not_reach_is_a_problem_and_not_an_older_answer(
    connect: Connect, line: Troubled, ledger: str, books: Ledger
) -> None:
    assert books.accounts.get("alice").version == 1
    impatient = connect(ledger, line.url, deadline=0.5)
    impatient.transactions.post(TOP_UP)
    line.expect(Answer(503, "projection_behind", retry_after="1"))

    with pytest.raises(Problem) as behind:
        impatient.accounts.get("alice")

    assert behind.value.code == "projection_behind"


def test_a_voided_hold_is_read_as_released(session: Ledger, books: Ledger, line: Troubled) -> None:
    books.transactions.post(TOP_UP)
    charge = (debit("alice", 800), credit("cash", 800))
    held = session.transactions.post(charge, pending=Pending())
    assert session.accounts.get("alice").available == 200

    session.transactions.void_hold(held.id)

    assert session.accounts.get("alice").available == 1000
    assert asked_for(line) == str(held.version_of("alice") + 1)
    assert session.transactions.get(held.id).state == "voided"


@pytest.mark.parametrize("resolve", ["void", "post", "post in part"])
def test_all_entries_of_a_hold_on_one_account_are_read_as_resolved(
    session: Ledger, books: Ledger, line: Troubled, resolve: str
) -> None:
    books.transactions.post(TOP_UP)
    charge = [debit("alice", 300), debit("alice", 500), credit("cash", 800)]
    if resolve == "post in part":
        charge = [debit("alice", 800), credit("alice", 800)]
    held = session.transactions.post(charge, pending=Pending())

    match resolve:
        case "void":
            session.transactions.void_hold(held.id)
        case "post":
            session.transactions.post_hold(held.id)
        case _:
            session.transactions.post_hold(held.id, amount=1)

    read(session)
    newest = books.accounts.get("alice", strong=True).version
    assert asked_for(line) == str(newest) == str(held.version_of("alice") + 2)


@pytest.mark.parametrize("pending", [None, Pending()])
def test_a_reversed_transaction_is_read_as_reversed(
    session: Ledger, pending: Pending | None
) -> None:
    posted = session.transactions.post(TOP_UP, pending=pending)
    if pending:
        session.transactions.post_hold(posted.id)

    undone = session.transactions.reverse(posted.id)

    assert session.transactions.get(posted.id).reversed_by == undone.id
    assert session.accounts.get("alice").posted == 0


def test_an_unseen_transaction_is_read_as_reversed_too(session: Ledger, books: Ledger) -> None:
    posted = books.transactions.post(TOP_UP)

    undone = session.transactions.reverse(posted.id)
    again = session.transactions.reverse(posted.id, id=undone.id)

    assert again.replayed
    assert session.transactions.get(posted.id).reversed_by == undone.id


def test_of_a_striped_account_a_read_waits_for_the_last_write(
    session: Ledger, line: Troubled
) -> None:
    session.accounts.open("house", asset="USD/2", normal_balance="credit", stripes=4)
    line.expect(*(_posted_on_the_house(version) for version in (22, 13)))

    for _ in range(2):
        session.transactions.post([debit("cash", 1), credit("house", 1)])
    line.expect(Answer(404, "account_not_found"))
    with pytest.raises(Problem):
        read(session, "house")

    assert asked_for(line) == "13"


def _posted_on_the_house(version: int) -> Answer:
    """A reply that a striped account came to this version."""
    entry = (
        b'{"account":"house","direction":"credit","amount":"1","asset":"USD/2","version":%d,'
        b'"balance_after":null}'
    )
    document = (
        b'{"id":"t","ledger":"l","state":"posted","reference":null,"metadata":{},"version":1,'
        b'"effective_at":"2026-11-26T07:00:00Z","recorded_at":"2026-11-26T07:00:00Z","entries":[%s]}'
    )
    return Answer(201, body=document % (entry % version))


def test_of_a_striped_account_what_is_read_does_not_replace_what_was_written() -> None:
    versions = Versions(10)
    house = account_key("house")

    versions.see(Seen(house, 13, striped=True), written=True)
    versions.see(Seen(house, 22))

    assert versions.of(house) == 13


def test_the_versions_of_the_accounts_seen_last_are_kept_and_no_more() -> None:
    versions = Versions(2)
    for key in ("a", "b", "a", "c"):
        versions.see(Seen(key, 7))

    assert [versions.of(key) for key in ("a", "b", "c")] == [7, 0, 7]


def test_threads_that_share_a_client_remember_the_highest_version() -> None:
    versions = Versions(20)

    def see(number: int) -> None:
        versions.see(Seen(f"account-{number % 20}", number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(see, range(1000)))

    assert [versions.of(f"account-{number}") for number in range(20)] == list(range(980, 1000))


def test_a_transaction_knows_the_version_that_it_gave_an_account(books: Ledger) -> None:
    posted = books.transactions.post(
        [debit("cash", 3), credit("alice", 1), credit("alice", 2)], id="t"
    )

    assert posted.version_of("alice") == posted.entries[2].version == 3
    assert posted.version_of("cash") == 2
    with pytest.raises(LookupError, match="transaction t has no entry on bob"):
        posted.version_of("bob")
