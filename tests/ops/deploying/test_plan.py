"""What a plan says, and that it changes nothing."""

import json

import pytest

from ops.deploying.plan import plan
from tests.ops.deploying.cloudformation import Cloud
from tests.ops.deploying.conftest import ACCOUNTS, WRITE, Maker, reading, table, writing
from tests.ops.deploying.test_life_of_a_stack import BALANCES, EVENTS, up

CHANGING = {"execute_change_set", "update_table", "delete_table", "rollback_stack"}


def test_of_a_stage_that_there_is_not_all_is_added_and_nothing_is_left_behind(
    cloud: Cloud, make: Maker
) -> None:
    planned = plan(make(WRITE, writing()))

    assert planned.status is None
    assert {(each.kind, each.logical_id, each.name) for each in planned.changes} == {
        ("added", "Handler", ""),
        ("added", "Alarm", ""),
        ("added", "EventsTable", EVENTS),
        ("added", "KeysTable", "twofold-prod-keys"),
    }
    assert not CHANGING & set(cloud.calls)
    assert cloud.change_sets == {}
    with pytest.raises(KeyError):
        cloud.stack("twofold-write")


def test_tables_that_are_kept_are_said_to_be_adopted(cloud: Cloud, make: Maker) -> None:
    cloud.make_table(EVENTS, items=2)
    planned = plan(make(WRITE, writing()))
    assert [each.name for each in planned.of("adopted")] == [EVENTS]
    assert planned.refusals == ()


def test_of_a_stage_that_there_is_the_changes_are_listed_by_kind(cloud: Cloud, make: Maker) -> None:
    up(make)
    changed = writing()
    changed["Resources"]["Bell"] = changed["Resources"].pop("Alarm")
    cloud.calls.clear()

    planned = plan(make(WRITE, changed, "new code"))

    said = planned.as_json()
    assert [each["logical_id"] for each in said["added"]] == ["Bell"]
    assert [each["logical_id"] for each in said["changed"]] == ["Handler"]
    assert [each["logical_id"] for each in said["removed"]] == ["Alarm"]
    assert said["replaced"] == said["adopted"] == []
    json.dumps(said)
    assert "  added    Bell AWS::CloudWatch::Alarm" in planned.lines()
    assert not CHANGING & set(cloud.calls)
    assert cloud.calls.count("delete_change_set") == 1


def test_of_a_stage_that_is_as_it_should_be_nothing_is_listed(make: Maker) -> None:
    up(make)
    assert list(plan(make(WRITE, writing())).lines()) == [
        "write (twofold-write, UPDATE_COMPLETE)",
        "  nothing would change",
    ]


@pytest.mark.parametrize("kind", ["replaced", "removed"])
def test_a_table_that_would_be_lost_to_its_stack_is_refused(make: Maker, kind: str) -> None:
    up(make)
    changed = reading()
    if kind == "removed":
        del changed["Resources"]["BalancesTable"]
    else:
        keys = [{"AttributeName": "other", "KeyType": "HASH"}]
        changed["Resources"]["BalancesTable"] = table(BALANCES, {"KeySchema": keys})

    planned = plan(make(ACCOUNTS, changed))

    assert planned.refusals == (f"the table {BALANCES} (BalancesTable) would be {kind}",)
    assert [each.name for each in planned.of(kind)] == [BALANCES]


def test_it_says_that_the_stream_is_not_known_before_there_is_an_event_table(make: Maker) -> None:
    planned = plan(make(ACCOUNTS, reading()))
    assert "stream is not known" in planned.notes[0]
    assert {each.kind for each in planned.changes} == {"added"}


def test_of_a_stack_that_must_be_put_right_first_it_says_so(cloud: Cloud, make: Maker) -> None:
    up(make)
    stack = cloud.stack("twofold-write")
    for status, words in (
        ("ROLLBACK_COMPLETE", "delete what is left of it"),
        ("UPDATE_ROLLBACK_FAILED", "continue its failed roll-back"),
        ("UPDATE_IN_PROGRESS", "wait until the operation"),
    ):
        stack.status = status
        planned = plan(make(WRITE, writing()))
        assert words in planned.notes[0]
    assert "create_change_set" not in cloud.calls[-3:]


def test_a_change_set_that_waits_for_somebody_is_left_to_them(cloud: Cloud, make: Maker) -> None:
    deployment = make(WRITE, writing())
    deployment.formation.create_change_set(
        StackName="twofold-write",
        ChangeSetName="theirs",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps(writing()),
    )

    plan(deployment)

    assert cloud.stack("twofold-write").status == "REVIEW_IN_PROGRESS"
    assert len(cloud.change_sets) == 1


def test_what_cloudformation_refuses_is_said_and_leaves_no_stack(cloud: Cloud, make: Maker) -> None:
    cloud.make_table(EVENTS)
    made = writing()
    made["Resources"]["EventsTable"]["DeletionPolicy"] = "Delete"

    planned = plan(make(WRITE, made))

    assert "must have the DeletionPolicy" in planned.refusals[0]
    with pytest.raises(KeyError):
        cloud.stack("twofold-write")


def test_a_template_too_large_for_a_request_goes_by_the_bucket(
    cloud: Cloud, make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = make(WRITE, writing())
    assert set(deployment.by_body_or_url()) == {"TemplateBody"}
    large = writing()
    large["Description"] = "x" * 51_200
    monkeypatch.setattr("ops.deploying.bucket.Bucket.prepare", lambda _: None)

    deployment = make(WRITE, large)

    assert set(deployment.by_body_or_url()) == {"TemplateURL"}
    assert plan(deployment).of("added")
    assert cloud.change_sets == {}
