"""Random faults between the ledger and its engine: every answer is true."""

import os

import pytest

from chalicelib.commands.executor import Executor
from ops.faults.command import RandomFaults, run, short_timeouts
from ops.faults.proxy import proxied
from ops.faults.workload import Client, open_accounts
from tests import engines
from tests.memory_store import MemoryStore

SEED = int(os.environ.get("FAULTS_SEED", "14"))
REQUESTS = int(os.environ.get("FAULTS_REQUESTS", "15"))


@pytest.mark.parametrize("clients", [3])
def test_what_was_acknowledged_is_there_once_and_what_was_not_written_is_not(
    ministack_endpoint: str, ledger: str, clients: int
) -> None:
    faults = RandomFaults(SEED)
    with (
        proxied(ministack_endpoint, faults.choose, SEED) as (address, proxy),
        engines.connected(address),
        short_timeouts(),
    ):
        outcome = run(faults, proxy.settle, ledger, clients, REQUESTS)

    assert outcome.wrong == []
    assert outcome.codes["done"] > clients * REQUESTS / 4
    assert len(faults.injected) > 10


def test_without_faults_every_request_of_a_client_has_an_answer_batches_too() -> None:
    executor = Executor(MemoryStore())
    open_accounts(executor, "calm")
    client = Client(executor, "calm", seed=1, name="w0")

    client.write(200)

    codes = {claim.code for claim in client.claims}
    assert {"done", "replayed"} <= codes
    assert codes.isdisjoint({"internal_error", "outcome_unknown", "contention"})
