"""What a stage's template has besides what Chalice makes of the app."""

import json
from typing import get_args

import pytest

from chalicelib.domain.transaction.events import Event
from chalicelib.http.problems import STATUS
from ops.gateway import GATEWAY_ANSWERS, answers
from ops.stages import Stage
from ops.template import TABLES, extras

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
    assert len(names) == len(set(names)) == 12


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
    assert settings["Stream"] == {"Ref": "EventsStream"}
    destination = settings["DestinationConfig"]["OnFailure"]["Destination"]
    assert resources[destination["Fn::GetAtt"][0]]["Type"] == "AWS::SQS::Queue"


def test_the_filter_lets_in_what_this_build_does_not_know() -> None:
    (source,) = extras(STAGES[1])["Resources"]["ProjectAccounts"]["Properties"]["Events"].values()
    entry, _ = source["Properties"]["FilterCriteria"]["Filters"]
    pattern = json.loads(entry["Pattern"])
    assert pattern["eventName"] == ["INSERT"]
    (rule,) = pattern["dynamodb"]["NewImage"]["type"]["S"]
    assert rule == {"anything-but": [event.__name__ for event in get_args(Event)]}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_what_the_gateway_answers_is_in_the_contract(stage: Stage) -> None:
    body = extras(stage)["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    said = body["x-amazon-apigateway-gateway-responses"]
    left_out = answers(stage).keys() - said.keys()
    assert said.keys() >= {"DEFAULT_5XX", *GATEWAY_ANSWERS}
    assert all(STATUS[answers(stage)[name].code] >= 500 for name in left_out)
    for name, problem in answers(stage).items():
        response = said.get(name, said["DEFAULT_5XX"])
        assert response["statusCode"] == STATUS[problem.code], name
        document = json.loads(response["responseTemplates"]["application/json"])
        assert document["code"] == problem.code


def test_a_failed_lambda_may_have_written_where_it_writes_and_only_there() -> None:
    write, accounts, _ = STAGES
    for name in ("INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "DEFAULT_5XX"):
        assert answers(write)[name].code == "outcome_unknown"
        assert answers(accounts)[name].code == "unavailable"


def test_a_header_that_cannot_be_a_key_is_refused_before_the_authorizer_is_invoked() -> None:
    body = extras(STAGES[0])["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    guard = body["securityDefinitions"]["authorize"]["x-amazon-apigateway-authorizer"]
    assert guard["identityValidationExpression"].startswith("^[Bb]")
