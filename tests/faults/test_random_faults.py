"""Random faults between the ledger and its engine: every answer is true."""

import os

import pytest

from ops.faults.command import RandomFaults, run, short_timeouts
from ops.faults.proxy import proxied
from tests import engines

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
