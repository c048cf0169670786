"""What AWS documents of filters and settings, case by case, held against the simulator.

Cases are taken from "Control which events Lambda sends to your function"
(invocation-eventfiltering) and "Lambda parameters for Amazon DynamoDB event source mappings"
(services-ddb-params) of the AWS Lambda Developer Guide.
"""

import json
from typing import Any

import pytest

from ops.mappings import feeding
from simulator.filters import matches, matches_any
from simulator.mapping import SourceMapping

RECORD = {
    "eventName": "INSERT",
    "price": 100,
    "weight": 15.5,
    "owner": None,
    "note": "",
    "dynamodb": {"Keys": {"Id": {"N": "101"}}, "NewImage": {"city": {"S": "us-east"}}},
}


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        # The table of comparison operators.
        ({"owner": [None]}, True),
        ({"eventName": [None]}, False),
        ({"note": [""]}, True),
        ({"eventName": [""]}, False),
        ({"eventName": ["INSERT"]}, True),
        ({"eventName": ["insert"]}, False),
        ({"eventName": ["INSERT"], "note": [""]}, True),
        ({"eventName": ["INSERT"], "note": ["x"]}, False),
        ({"eventName": ["MODIFY", "INSERT"]}, True),
        ({"$or": [{"eventName": ["MODIFY"]}, {"price": [100]}]}, True),
        ({"$or": [{"eventName": ["MODIFY"]}, {"price": [1]}]}, False),
        ({"eventName": [{"anything-but": ["MODIFY"]}]}, True),
        ({"eventName": [{"anything-but": ["MODIFY", "INSERT"]}]}, False),
        ({"eventName": [{"anything-but": "INSERT"}]}, False),
        ({"eventName": [{"anything-but": {"prefix": "IN"}}]}, False),
        ({"price": [{"numeric": ["=", 100]}]}, True),
        ({"price": [{"numeric": [">", 10, "<=", 100]}]}, True),
        ({"price": [{"numeric": [">", 10, "<", 100]}]}, False),
        ({"weight": [{"numeric": [">=", 15.5]}]}, True),
        ({"eventName": [{"numeric": ["=", 1]}]}, False),
        ({"price": [{"exists": True}]}, True),
        ({"price": [{"exists": False}]}, False),
        ({"colour": [{"exists": False}]}, True),
        ({"colour": [{"exists": True}]}, False),
        ({"eventName": [{"prefix": "INS"}]}, True),
        ({"eventName": [{"suffix": "ERT"}]}, True),
        ({"eventName": [{"prefix": "ERT"}]}, False),
        ({"eventName": [{"equals-ignore-case": "insert"}]}, True),
        # "Multi-level filtering".
        ({"dynamodb": {"Keys": {"Id": {"N": ["101"]}}}}, True),
        ({"dynamodb": {"Keys": {"Id": {"N": ["102"]}}}}, False),
        ({"dynamodb": {"NewImage": {"city": {"S": [{"prefix": "us-"}]}}}}, True),
        # "The event must contain all the field names included in a filter."
        ({"dynamodb": {"OldImage": {"city": {"S": ["us-east"]}}}}, False),
        ({"colour": [{"anything-but": ["red"]}]}, False),
        # "For example, 300, 300.0, and 3.0e2 are not considered equal."
        ({"price": [100.0]}, False),
        # DynamoDB's numbers are text.
        ({"dynamodb": {"Keys": {"Id": {"N": [101]}}}}, False),
        ({"dynamodb": {"Keys": {"Id": {"N": [{"numeric": ["=", 101]}]}}}}, False),
        # "Lambda ignores the fields that aren't included in a filter."
        ({}, True),
    ],
)
def test_a_record_matches_a_pattern_as_the_guide_says(
    pattern: dict[str, Any], *, matched: bool
) -> None:
    assert matches(RECORD, pattern) is matched


# "If an event satisfies any one of these five filters, Lambda sends the event to your function."
def test_a_record_is_wanted_if_any_filter_matches_or_there_is_none() -> None:
    no, yes = {"eventName": ["REMOVE"]}, {"eventName": ["INSERT"]}

    assert matches_any(RECORD, [no, yes])
    assert not matches_any(RECORD, [no])
    assert matches_any(RECORD, [])


@pytest.mark.parametrize("pattern", [{"eventName": "INSERT"}, {"eventName": [{"like": "I%"}]}])
def test_a_pattern_that_is_none_is_refused(pattern: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"rules|operator"):
        matches(RECORD, pattern)


def test_the_defaults_are_those_of_the_guide() -> None:
    mapping = SourceMapping.of({"StartingPosition": "LATEST"})

    assert mapping == SourceMapping(
        batch_size=100,
        batching_window=0,
        starting_position="LATEST",
        report_failures=False,
        bisect=False,
        max_retries=-1,
        max_age=-1,
        parallelization=1,
        filters=(),
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 0},
        {"batch_size": 10_001},
        {"batching_window": 301},
        {"max_retries": -2},
        {"max_retries": 10_001},
        {"max_age": 604_801},
        {"parallelization": 0},
        {"parallelization": 11},
        {"starting_position": "AT_TIMESTAMP"},
        {"filters": [{}] * 11},
    ],
)
def test_settings_beyond_the_bounds_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is|cannot"):
        SourceMapping(**settings)


def test_the_settings_of_the_template_are_understood() -> None:
    mapping = SourceMapping.of(feeding("project_journal"))

    assert mapping == SourceMapping(
        report_failures=True,
        bisect=True,
        max_retries=100,
        max_age=6 * 3600,
        parallelization=2,
        filters=({"eventName": ["INSERT"]}, {"eventName": ["MODIFY", "REMOVE"]}),
    )


@pytest.mark.parametrize("projector", ["project_accounts", "project_journal"])
@pytest.mark.parametrize(
    "record",
    [
        {"eventName": "MODIFY", "dynamodb": {"NewImage": {"type": {"S": "TransactionPosted"}}}},
        {"eventName": "REMOVE", "dynamodb": {"Keys": {}}},
    ],
    ids=lambda case: str(case["eventName"]) if isinstance(case, dict) else str(case),
)
def test_every_projector_is_told_that_an_event_was_changed_or_deleted(
    projector: str, record: dict[str, Any]
) -> None:
    assert matches_any(record, SourceMapping.of(feeding(projector)).filters)


def test_the_accounts_projector_is_sent_no_event_of_a_transaction_and_any_that_is_unknown() -> None:
    mapping = SourceMapping.of(feeding("project_accounts"))

    def is_wanted(type: str) -> bool:
        record = {"eventName": "INSERT", "dynamodb": {"NewImage": {"type": {"S": type}}}}
        return matches_any(json.loads(json.dumps(record)), mapping.filters)

    assert is_wanted("EntryPosted")
    assert is_wanted("SomethingOfANewerBuild")
    assert not is_wanted("TransactionPosted")
