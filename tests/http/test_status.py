"""Status: how far the read models of a ledger have come, told from a few rows."""

from dataclasses import replace
from typing import Any

from chalicelib.read_models.integrity.table import IntegrityRow
from chalicelib.settings import settings, using
from tests.http.api import Api, assert_problem

UNKNOWN: dict[str, Any] = {"as_of": None, "events": None}


def status(api: Api, *serves: str) -> Any:
    """The status of a ledger, as a stage that serves this tells it."""
    with using(replace(settings(), serves=serves or settings().serves)):
        reply = api.get("/status")
    assert reply.status_code == 200, reply.body
    return reply.json_body


def test_a_stage_of_all_apis_says_of_every_read_model_how_far_it_has_come(funded: Api) -> None:
    funded.hold("held", "alice", "cash", 5)
    newest = funded.post("/accounts/alice/freeze", {}).json_body["recorded_at"]
    funded.project()
    transaction = funded.get("/transactions/held").json_body["recorded_at"]

    assert status(funded) == {
        "ledger": funded.ledger,
        "read_models": [
            {"name": "balances", **UNKNOWN},
            {"name": "statements", **UNKNOWN},
            {"name": "transactions", "as_of": transaction, "events": None},
            {"name": "totals", "as_of": newest, "events": 2 + 2 + 2 + 1},
        ],
        "last_audit": None,
    }


def test_it_moves_on_with_the_projection_and_not_before(funded: Api) -> None:
    funded.project()
    before = status(funded)
    later = funded.transfer("later", "cash", "alice", 7).json_body["recorded_at"]
    assert status(funded) == before

    funded.project()

    for model in status(funded)["read_models"][2:]:
        assert model["as_of"] == later, model


def test_each_read_api_says_it_of_its_own_read_models(funded: Api) -> None:
    funded.project()
    whole = status(funded)["read_models"]

    assert status(funded, "accounts")["read_models"] == whole[:2]
    assert status(funded, "journal")["read_models"] == whole[2:]


def test_the_last_audit_is_told_where_it_can_be_read(funded: Api) -> None:
    funded.project()
    IntegrityRow(
        funded.ledger,
        audited_at="2026-11-01T12:00:00.000000Z",
        as_of="2026-11-01T11:59:00.000000Z",
        events=7,
        streams=3,
        findings=2,
        whole=False,
        most_events=7,
    ).save()

    told = {
        "audited_at": "2026-11-01T12:00:00.000000Z",
        "as_of": "2026-11-01T11:59:00.000000Z",
        "whole": False,
        "findings": 2,
    }
    assert status(funded)["last_audit"] == told
    assert status(funded, "journal")["last_audit"] == told
    assert status(funded, "accounts")["last_audit"] is None


def test_a_ledger_without_transactions_has_no_time_of_one(api: Api) -> None:
    opened = api.open("cash")["recorded_at"]
    api.project()

    assert status(api, "journal")["read_models"] == [
        {"name": "transactions", **UNKNOWN},
        {"name": "totals", "as_of": opened, "events": 1},
    ]


def test_the_part_of_each_read_api_needs_something_of_the_ledger_to_have_arrived(api: Api) -> None:
    for serves in ("accounts", "journal"):
        with using(replace(settings(), serves=(serves,))):
            assert_problem(api.get("/status"), 404, "ledger_not_found")
