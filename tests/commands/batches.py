"""Batches for a fixture: what is asked, and what was said to it."""

from itertools import count
from typing import Any

import msgspec

from chalicelib.commands import batch
from chalicelib.commands.batch import ResultBody
from chalicelib.commands.batched import Sender
from chalicelib.commands.transaction_requests import BatchRequest
from chalicelib.ledger.aggregates import account_state, account_stream
from tests.commands.executor_fixture import ExecutorFixture

ALICE, BOB, CASH = (account_stream("acme", id) for id in ("alice", "bob", "cash"))


def moved(id: str | None, debit: str, credit: str, amount: object, **more: object) -> Any:
    """The JSON of a transaction of two entries."""
    sides = {"debit": debit, "credit": credit}
    entries = [{"account": sides[side], "direction": side, "amount": amount} for side in sides]
    return {**({} if id is None else {"id": id}), "entries": entries, **more}


def run(
    fixture: ExecutorFixture, *asked: Any, atomic: bool = True, key: str | None = None
) -> list[ResultBody]:
    """The results of a batch."""
    raw = msgspec.json.encode({"atomic": atomic, "transactions": asked})
    made = (f"made-{number}" for number in count())
    return batch.run(
        msgspec.json.decode(raw, type=BatchRequest),
        Sender(fixture.executor, "acme", "key-1", "request-1", key, lambda: next(made)),
    ).results


def said(results: list[ResultBody]) -> list[object]:
    """The status of each result, or the code of its problem."""
    return [each.problem["code"] if each.problem else each.status for each in results]


def balances(fixture: ExecutorFixture) -> list[tuple[int, int, int, int]]:
    """What each account holds, what is held there, and how often it changed."""
    heads = fixture.books.load([ALICE, BOB, CASH])
    accounts = [account_state(heads[stream]) for stream in (ALICE, BOB, CASH)]
    return [(each.posted, each.pending_in, each.pending_out, each.version) for each in accounts]
