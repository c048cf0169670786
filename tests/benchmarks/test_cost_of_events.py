"""What a page of events and a status cost: the same at any history."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks.api import Api, furnish, opened
from benchmarks.counting import Meter
from chalicelib.settings import settings, using
from tests import engines

COSTS = {
    # The newest event, which says whether the account is striped; then the page.
    "/accounts/{account}/events?limit=2": (2, 2.0),
    "/accounts/{account}/events?limit=2&order=desc": (2, 2.0),
    "/transactions/known/events": (1, 1.0),
    # That the ledger is there; the audit; the sums in eight shards; the newest day and its buckets.
    "/status": (4, 7.5),
}
"""Of each read: its round trips and read units."""


@pytest.fixture(scope="module")
def api(ministack_endpoint: str) -> Iterator[Api]:
    strong = using(replace(settings(), strong_reads=True))
    with engines.connected(ministack_endpoint), opened() as client, strong:
        made = furnish(client, "events-cost")
        made.get(f"/accounts/{made.accounts[0]}/events?limit=1")  # The key of cursors is read once.
        yield made


@pytest.mark.parametrize("path", COSTS)
def test_a_page_of_events_and_a_status_cost_what_they_read(path: str, api: Api) -> None:
    asked = path.format(account=api.accounts[0])
    costs = []
    with Meter().attached() as meter:
        for _ in range(2):
            tally = meter.tally(lambda: api.get(asked))
            assert tally.reported is not None
            costs.append((tally.round_trips, tally.reported[0]))
            assert tally.reported[1] in (0, None)
            for _ in range(5):
                entries = [
                    {"account": id, "direction": side, "amount": "1"}
                    for id, side in zip(api.accounts, ("debit", "credit"), strict=False)
                ]
                api.post("/transactions", {"id": api.fresh("more"), "entries": entries})

    assert costs == [COSTS[path]] * 2
