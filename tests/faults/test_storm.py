"""A storm of faults between the ledger and its engine: what was said is what is so."""

import os

import pytest

from ops.faults.proxy import between
from ops.faults.run import Storm, impatient, run
from tests import engines

SEED = int(os.environ.get("FAULTS_SEED", "14"))
REQUESTS = int(os.environ.get("FAULTS_REQUESTS", "15"))


@pytest.mark.parametrize("clients", [3])
def test_what_was_acknowledged_is_there_once_and_what_was_not_written_is_not(
    ministack_endpoint: str, ledger: str, clients: int
) -> None:
    storm = Storm(SEED)
    with (
        between(ministack_endpoint, storm.choose, SEED) as (address, proxy),
        engines.connected(address),
        impatient(),
    ):
        outcome = run(storm, proxy.settle, ledger, clients, REQUESTS)

    assert outcome.wrong == []
    assert outcome.said["done"] > clients * REQUESTS / 4
    assert len(storm.injected) > 10
