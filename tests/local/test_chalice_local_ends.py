"""`chalice local` ends, in order or not: its books are kept, and nothing is left behind."""

import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from tests.local.books import assert_trial_balance, open_accounts, post, seen_by, transfer
from tests.local.server import GONE, Reply, Server, processes

TRANSACTIONS = "/ledgers/acme/transactions"
ALICE = "/ledgers/acme/accounts/customers:alice"


def test_books_are_kept_whichever_way_the_server_ends(server: Server) -> None:
    ends: dict[str, Callable[[], None]] = {
        "interrupted": server.interrupt,
        "terminated": server.terminate,
        "worker-killed": server.kill_worker,
    }
    server.start()
    open_accounts(server, "acme")

    for name, end in ends.items():
        posted = post(server, "acme", name, 100)
        end()
        assert server.is_gone(), (name, processes(server.home))
        assert server.engine() is None
        server.start()
        replayed = server.post(TRANSACTIONS, transfer(name, 100))
        assert (replayed.status, replayed.body) == (200, posted)
        assert server.read(f"{TRANSACTIONS}/{name}?min_version=1") == posted

    assert server.read(f"{ALICE}?min_version=4")["posted"] == "300"
    entries = server.read(f"{ALICE}/entries?min_version=4")["entries"]
    assert [entry["transaction"] for entry in entries] == list(ends)
    assert_trial_balance(server, "acme", 300)


class Writers:
    """Clients that post one transfer after another, each until the server is gone."""

    def __init__(self, server: Server, clients: int) -> None:
        self.sent: list[str] = []
        self.errors: list[str] = []
        self.answers: dict[str, Reply] = {}
        self._server = server
        self._numbers = count(1)
        self._threads = [threading.Thread(target=self._write) for _ in range(clients)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait_for(self, acknowledged: int) -> None:
        deadline = time.monotonic() + 30
        while len(self.acknowledged) < acknowledged:
            assert time.monotonic() < deadline, (self.answers, self.errors)
            time.sleep(0.01)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    @property
    def acknowledged(self) -> dict[str, Any]:
        """The transactions that the server said it has posted."""
        return {id: reply.body for id, reply in self.answers.copy().items() if reply.status == 201}

    def _write(self) -> None:
        for number in self._numbers:
            id = f"t-{number}"
            self.sent.append(id)
            try:
                self.answers[id] = self._server.post(TRANSACTIONS, transfer(id, 10))
            except GONE as error:
                self.errors.append(repr(error))
                return


def test_a_kill_amid_writes_loses_nothing_that_was_acknowledged(server: Server) -> None:
    server.start()
    open_accounts(server, "acme")
    writers = Writers(server, clients=4)
    writers.start()
    try:
        writers.wait_for(acknowledged=40)
    finally:
        server.kill()
        writers.join()
    assert server.is_gone(), processes(server.home)
    assert server.engine() is None

    server.start()

    acknowledged = writers.acknowledged
    newest = max(seen_by(transaction) for transaction in acknowledged.values())
    alice = server.read(f"{ALICE}?min_version={newest}")
    assert int(alice["posted"]) >= 10 * len(acknowledged)
    for id, transaction in acknowledged.items():
        assert server.read(f"{TRANSACTIONS}/{id}?min_version=1") == transaction
    replies = {id: server.post(TRANSACTIONS, transfer(id, 10)) for id in writers.sent}
    for id, transaction in acknowledged.items():
        assert (replies[id].status, replies[id].body) == (200, transaction)
        assert replies[id].headers["Idempotency-Replayed"] == "true"
    assert {reply.status for reply in replies.values()} <= {200, 201}
    total = 10 * len(writers.sent)
    version = max(seen_by(reply.body) for reply in replies.values())
    assert version == 1 + len(writers.sent)
    assert server.read(f"{ALICE}?min_version={version}")["posted"] == str(total)
    assert_trial_balance(server, "acme", total)


def test_a_server_that_is_killed_while_it_starts_leaves_nothing_behind(server: Server) -> None:
    server.launch()
    deadline = time.monotonic() + 20
    while server.worker() is None:
        assert time.monotonic() < deadline, "the server starts no worker"
        time.sleep(0.01)

    server.kill()

    assert server.is_gone(), processes(server.home)
