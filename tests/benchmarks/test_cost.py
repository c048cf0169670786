from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks import combined, projectors, reporting, results
from benchmarks.api import COMMANDS, QUERIES, Api, Operation, furnish, opened
from benchmarks.cost import cost_of
from benchmarks.counting import Meter
from benchmarks.projectors import BUSY, QUIET
from tests import engines

COSTS = {
    "open": (1, 0, 1),
    "freeze": (2, 1, 1),
    "transfer, 2 entries": (2, 2, 6),
    "transfer, 4 entries": (2, 4, 10),
    "transfer, 10 entries": (2, 10, 24),
    "hold": (2, 2, 6),
    "post a hold": (3, 3, 6),
    "void a hold": (3, 3, 6),
    "reverse": (3, 3, 8),
    "batch of 30 transfers, atomic": (2, 2, 180),
    "account": (1, 0.5, 0),
    "accounts, a page of 50": (1, 4, 0),
    "balance now": (1, 0.5, 0),
    "balance then": (1, 1.5, 0),
    "entries, a page of 5": (1, 1, 0),
    "statement, a page of 5": (2, 1.5, 0),
    "transaction": (1, 0.5, 0),
    "transactions of a reference": (1, 2, 0),
    "transactions of a period": (2, 2.5, 0),
    "trial balance": (1, 4, 0),
}
"""Of each request: its round trips, read units and write units. More is a regression; less is a
promise to keep, here and in docs/performance.md."""


WARM = {
    "open": (1, 0, 1),
    "freeze": (1, 0, 1),
    "transfer, 2 entries": (1, 0, 6),
    "transfer, 4 entries": (1, 0, 10),
    "transfer, 10 entries": (1, 0, 24),
    "hold": (1, 0, 6),
    "post a hold": (1, 0, 6),
    "void a hold": (1, 0, 6),
    "reverse": (1, 0, 8),
    "batch of 30 transfers, atomic": (1, 0, 180),
}
"""Likewise of a process that remembers the accounts from its last write."""


COMBINED = {
    "transfer, nobody else": (2, 2, 6),
    "transfer, of an account that was hot": (2, 4, 6),
    "transfer, waits and is done": (3, 5, 1),
    "transfer, waits and is refused": (4, 5, 2),
    "leads, appends 1": (8, 15, 10),
    "leads, appends 10": (8, 24, 82),
    "leads, appends 25": (8, 39, 202),
    "leads, appends 9 and refuses one": (8, 24, 80),
}
"""Likewise of commands that meet others on an account. A leader's rows were put by the others, for
one write unit each; a combined transfer takes 8 of the leader's."""


@pytest.fixture(scope="module")
def api(ministack_endpoint: str) -> Iterator[Api]:
    with engines.connected(ministack_endpoint), opened() as client:
        yield furnish(client, "costs")


@pytest.mark.parametrize("operation", [*COMMANDS, *QUERIES], ids=lambda one: one.name)
def test_a_request_costs_exactly_what_the_documents_say(operation: Operation, api: Api) -> None:
    cost = measured(operation, api)

    assert (cost["round_trips"], cost["read_units"], cost["write_units"]) == COSTS[operation.name]


@pytest.mark.parametrize("operation", COMMANDS, ids=lambda one: one.name)
def test_what_a_process_wrote_itself_costs_it_no_read(operation: Operation, api: Api) -> None:
    measured(operation, api)

    cost = measured(operation, api, remembers=True)

    assert (cost["round_trips"], cost["read_units"] or 0, cost["write_units"]) == WARM[
        operation.name
    ]


@pytest.mark.usefixtures("ministack")
def test_commands_that_meet_on_an_account_cost_exactly_what_the_documents_say() -> None:
    counted = combined.measure("combined-costs")

    assert costs_of(counted, "case") == COMBINED


@pytest.mark.parametrize("operation", [*COMMANDS, *QUERIES], ids=lambda one: one.name)
def test_the_engine_reports_the_units_that_item_sizes_come_to(
    operation: Operation, api: Api
) -> None:
    cost = measured(operation, api)

    assert cost["read_units"] == cost["read_units_by_size"]
    assert cost["write_units"] == cost["write_units_by_size"]


@pytest.mark.usefixtures("ministack")
def test_ministack_reports_what_dynamodb_charges() -> None:
    for call in reporting.check():
        assert call["reported"] == call["charged"], call


def test_the_page_tells_these_costs() -> None:
    found = results.load("cost", quick=False)
    assert found is not None

    assert costs_of(found["rows"], "operation") == COSTS
    assert costs_of(found["combining"], "case") == COMBINED


@pytest.mark.usefixtures("ministack")
@pytest.mark.parametrize("pace", [BUSY, QUIET])
def test_what_a_stack_reads_and_writes_of_an_event_is_what_the_page_tells(pace: str) -> None:
    found = results.load("projectors", quick=False)
    assert found is not None

    assert projectors.units_of(1_000, pace) == found["units"][pace]


def costs_of(rows: list[dict[str, Any]], name: str) -> dict[str, tuple[float, float, float]]:
    return {row[name]: (row["round_trips"], row["read_units"], row["write_units"]) for row in rows}


def measured(operation: Operation, api: Api, *, remembers: bool = False) -> dict[str, Any]:
    with Meter().attached() as meter:
        return cost_of(operation, api, meter, remembers=remembers)
