"""Least privilege of events and status: each stage's policy allows what they call, and no more."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pytest
from chalice.test import Client

from app import app
from chalicelib.settings import settings, using
from chalicelib.tables import connection
from ops.policies import documents
from tests.http.api import Api

READS = {
    "accounts": ("/accounts/hot/events?limit=1", "/accounts/cash/events", "/status"),
    "journal": ("/transactions/t/events?order=desc", "/status"),
}
Call = tuple[str, str]
"""An action, and the resource that it is on."""


@pytest.fixture(scope="module")
def books(moto: None) -> Api:  # noqa: ARG001  # Asked for its tables.
    """A ledger with a striped account."""
    api = Api(Client(app), "policies")
    api.open("cash", normal_balance="debit", min_balance=None)
    api.open("hot", stripes=2)
    assert api.transfer("t", "cash", "hot", 1).status_code == 201
    api.project()
    return api


@contextmanager
def watched() -> Iterator[set[Call]]:
    """The calls to DynamoDB inside the block."""
    calls: set[Call] = set()

    def note(request: Any, event_name: str, **_: Any) -> None:
        params = json.loads(request.body)
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        table = f"arn:aws:dynamodb:eu-central-1:1:table/{params['TableName']}{index}"
        calls.add((f"dynamodb:{event_name.rpartition('.')[2]}", table))

    events: Any = connection().client.meta.events
    events.register("before-send.dynamodb", note)
    try:
        yield calls
    finally:
        events.unregister("before-send.dynamodb", note)


def refused(policy: str, calls: set[Call]) -> set[Call]:
    """The calls that the policy does not allow."""
    allowed = documents("test")[policy]["Statement"]
    return {
        (action, resource)
        for action, resource in calls
        if not any(
            action in each["Action"]
            and any(fnmatchcase(resource, pattern) for pattern in each["Resource"])
            for each in allowed
        )
    }


@pytest.mark.parametrize("stage", READS)
def test_a_stage_with_strong_reads_may_do_what_its_reads_need(books: Api, stage: str) -> None:
    with using(replace(settings(), serves=(stage,), strong_reads=True)), watched() as calls:
        for path in READS[stage]:
            reply = books.get(path)
            assert reply.status_code == 200, reply.body

    events = "arn:aws:dynamodb:eu-central-1:1:table/twofold-test-events"
    assert ("dynamodb:Query", events) in calls
    assert refused(f"{stage}-query-strong", calls) == set()
    assert refused(f"{stage}-query", calls) == {("dynamodb:Query", events)}
    for action in ("PutItem", "UpdateItem", "DeleteItem", "Scan", "BatchGetItem"):
        call = (f"dynamodb:{action}", events)
        assert refused(f"{stage}-query-strong", {call}) == {call}


@pytest.mark.parametrize("stage", READS)
def test_without_strong_reads_the_status_needs_no_event_and_events_ask_for_none(
    books: Api, stage: str
) -> None:
    with using(replace(settings(), serves=(stage,), strong_reads=False)), watched() as calls:
        statuses = [books.get(path).status_code for path in READS[stage]]

    assert statuses == [400] * (len(statuses) - 1) + [200]
    assert refused(f"{stage}-query", calls) == set()
