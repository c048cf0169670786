"""What a stage's template has besides what Chalice makes of the app."""

import json
from typing import get_args

import pytest

from chalicelib.domain.transaction import Event
from chalicelib.http.problems import STATUS
from ops.stages import Stage
from ops.template import GATEWAY_ANSWERS, TABLES, extras

STAGES = [Stage(half, "test", (half,), {}) for half in ("write", "accounts", "journal")]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_has_its_own_tables_and_nothing_of_the_others(stage: Stage) -> None:
    tables = {
        part["Properties"]["TableName"]
        for part in extras(stage)["Resources"].values()
        if part.get("Type") == "AWS::DynamoDB::Table"
    }
    assert tables == {model.Meta.table_name for model in TABLES[stage.name]}


def test_no_table_belongs_to_two_halves() -> None:
    names = [model.Meta.table_name for models in TABLES.values() for model in models]
    assert len(names) == len(set(names)) == 9


@pytest.mark.parametrize("stage", STAGES[1:], ids=lambda stage: stage.name)
def test_a_projector_is_fed_from_the_beginning_and_never_blocked(stage: Stage) -> None:
    resources = extras(stage)["Resources"]
    name = f"Project{stage.name.capitalize()}"
    (source,) = resources[name]["Properties"]["Events"].values()
    settings = source["Properties"]
    assert settings["StartingPosition"] == "TRIM_HORIZON"
    assert settings["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert settings["BisectBatchOnFunctionError"] is True
    assert 0 < settings["MaximumRetryAttempts"] <= 100
    assert 0 < settings["MaximumRecordAgeInSeconds"] < 24 * 3600
    assert settings["Stream"] == {"Fn::ImportValue": "twofold-test-events-stream"}
    destination = settings["DestinationConfig"]["OnFailure"]["Destination"]
    assert resources[destination["Fn::GetAtt"][0]]["Type"] == "AWS::SQS::Queue"


def test_the_filter_lets_in_what_this_build_does_not_know() -> None:
    (source,) = extras(STAGES[1])["Resources"]["ProjectAccounts"]["Properties"]["Events"].values()
    (entry,) = source["Properties"]["FilterCriteria"]["Filters"]
    pattern = json.loads(entry["Pattern"])
    assert pattern["eventName"] == ["INSERT"]
    (rule,) = pattern["dynamodb"]["NewImage"]["type"]["S"]
    assert rule == {"anything-but": [event.__name__ for event in get_args(Event)]}


def test_what_the_gateway_answers_is_in_the_contract() -> None:
    for name, problem in GATEWAY_ANSWERS.items():
        assert problem.code in STATUS, name
        (properties,) = [
            part["Properties"]
            for part in extras(STAGES[0])["Resources"].values()
            if part.get("Properties", {}).get("ResponseType") == name
        ]
        assert properties["StatusCode"] == str(STATUS[problem.code])
        assert (
            json.loads(properties["ResponseTemplates"]["application/json"])["code"] == problem.code
        )
