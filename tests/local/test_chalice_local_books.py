"""`chalice local` and what may become of its books: killed twice, not saved, damaged."""

import shutil
import time
from pathlib import Path

import pytest

from tests.local.books import assert_trial_balance, open_accounts, post, seen_by, transfer
from tests.local.server import Server, end_all, processes

TRANSACTIONS = "/ledgers/acme/transactions"
ALICE = "/ledgers/acme/accounts/customers:alice"


@pytest.fixture
def server(server: Server) -> Server:
    """One process, since none of these tests is about reloading."""
    server.options.append("--no-autoreload")
    return server


def wait_for(server: Server, words: str) -> None:
    """Returns once the person at the terminal has been told."""
    deadline = time.monotonic() + 30
    while words not in server.log.read_text():
        assert time.monotonic() < deadline, server.log.read_text()
        time.sleep(0.05)


def books_of(server: Server) -> Path:
    """The file in which a server's books are kept."""
    [path] = server.home.rglob("books")
    return path / "dynamodb.json"


def test_the_read_tables_follow_the_books_back_when_the_engine_is_killed(server: Server) -> None:
    server.start()
    open_accounts(server, "acme")
    kept = [post(server, "acme", f"kept-{number}", 10) for number in range(20)]
    server.kill()  # The read tables need not have come so far yet.
    assert server.is_gone(), processes(server.home)

    server.start()
    lost = post(server, "acme", "lost", 5)
    assert server.read(f"{ALICE}?min_version={seen_by(lost)}")["posted"] == "205"
    assert_trial_balance(server, "acme", 205)
    end_all(server.home)
    server.reap()
    assert server.engine() is not None
    assert "lost" not in server.log.read_text()

    server.start()

    version = max(map(seen_by, kept))
    assert server.read(f"{ALICE}?min_version={version}")["posted"] == "200"
    assert_trial_balance(server, "acme", 200)
    wait_for(server, "ended before it saved the books: what was written after 20")
    again = server.post(TRANSACTIONS, transfer("lost", 5))
    assert again.status == 201
    assert server.read(f"{ALICE}?min_version={seen_by(again.body)}")["posted"] == "205"
    assert_trial_balance(server, "acme", 205)


def test_books_that_cannot_be_saved_are_told_of_and_stay_in_the_engine_until_they_can(
    server: Server,
) -> None:
    server.start()
    open_accounts(server, "acme")
    before = post(server, "acme", "before", 100)
    engine = server.engine()
    [folder] = server.home.iterdir()
    in_the_way = folder / "books" / "dynamodb.json.new"
    in_the_way.mkdir(parents=True)

    server.interrupt()
    wait_for(server, "the books could not be saved")
    server.start()

    assert server.engine() == engine
    assert server.read(f"{TRANSACTIONS}/before?min_version=1") == before
    after = post(server, "acme", "after", 20)
    server.interrupt()
    in_the_way.rmdir()
    assert server.is_gone(), processes(server.home)
    assert "the books are saved now" in server.log.read_text()
    server.start()
    assert server.read(f"{ALICE}?min_version={seen_by(after)}")["posted"] == "120"
    assert_trial_balance(server, "acme", 120)


def test_damaged_books_are_told_of_and_kept_and_can_be_put_back(server: Server) -> None:
    server.start()
    open_accounts(server, "acme")
    posted = post(server, "acme", "t-1", 100)
    server.interrupt()
    assert server.is_gone(), processes(server.home)
    path = books_of(server)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    server.start()

    wait_for(server, f"twofold: the books in {path} cannot be read")
    assert server.ask("GET", f"{TRANSACTIONS}/t-1").status == 404
    [aside] = path.parent.glob("dynamodb.json.damaged-*")
    assert aside.read_bytes() == whole[: len(whole) // 2]
    server.interrupt()
    assert server.is_gone(), processes(server.home)
    path.write_bytes(whole)
    server.start()
    assert server.read(f"{ALICE}?min_version={seen_by(posted)}")["posted"] == "100"
    assert_trial_balance(server, "acme", 100)


def test_an_engine_whose_folder_is_removed_ends_and_does_not_make_it_again(server: Server) -> None:
    server.start()
    [folder] = server.home.iterdir()
    shutil.rmtree(folder)

    server.interrupt()

    assert server.is_gone(), processes(server.home)
    assert not folder.exists()
