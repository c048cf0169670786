"""The life of a stack: made, failed, tried again, changed, taken down and adopted, on the model."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click
import pytest

from ops.deploying.changes import refusals
from tests.ops.deploying.cloudformation import AWS_KEY, PROTECTED, Cloud, CloudFormation
from tests.ops.deploying.conftest import (
    ACCOUNTS,
    STREAM,
    WRITE,
    Maker,
    reading,
    table,
    template,
    writing,
)

EVENTS, KEYS, BALANCES = "twofold-prod-events", "twofold-prod-keys", "twofold-prod-balances"


def up(make: Maker, *, code: str = "code") -> None:
    """Both stages, wholly deployed."""
    for stage, made in ((WRITE, writing()), (ACCOUNTS, reading())):
        deployment = make(stage, made, code)
        if deployment.bring_up().unfinished:
            deployment.finish()


def test_a_new_stack_is_made_and_its_tables_are_then_protected(cloud: Cloud, make: Maker) -> None:
    deployment = make(WRITE, writing())

    outcome = deployment.bring_up()
    assert (outcome.what, outcome.unfinished) == ("made", True)
    assert outcome.address == "https://twofold-write.example/v1"
    assert not cloud.table(EVENTS)["DeletionProtectionEnabled"]
    deployment.finish()

    assert cloud.table(EVENTS)["DeletionProtectionEnabled"]
    assert cloud.table(KEYS)["DeletionProtectionEnabled"]
    assert cloud.stack("twofold-write").status == "UPDATE_COMPLETE"


def test_a_stack_that_is_as_it_should_be_is_left_alone(cloud: Cloud, make: Maker) -> None:
    up(make)
    cloud.calls.clear()

    outcome = make(WRITE, writing()).bring_up()

    assert (outcome.what, outcome.unfinished) == ("left alone", False)
    assert outcome.address == "https://twofold-write.example/v1"
    assert "execute_change_set" not in cloud.calls
    assert not [each for each in cloud.change_sets.values() if each["Status"] == "FAILED"]


def test_new_code_changes_the_stack_and_nothing_else(cloud: Cloud, make: Maker) -> None:
    up(make)
    cloud.stack("twofold-write").parameters["Restored"] = "2026-11-25"

    deployment = make(WRITE, writing(), "new code")

    assert deployment.bring_up().what == "changed"
    parameters = cloud.stack("twofold-write").parameters
    assert parameters["CodeKey"] == deployment.code_key
    assert parameters["Restored"] == "2026-11-25"


@pytest.mark.parametrize("culprit", ["EventsTable", "KeysTable", "Alarm", "Handler"])
def test_a_failed_first_deploy_is_tried_again_with_nothing_else(
    cloud: Cloud, make: Maker, culprit: str
) -> None:
    cloud.fail("create", culprit, "the account's limit is reached")
    with pytest.raises(click.ClickException) as failed:
        make(WRITE, writing()).bring_up()
    assert f"{culprit} (AWS::" in failed.value.message
    assert "the account's limit is reached" in failed.value.message
    assert cloud.stack("twofold-write").status == "ROLLBACK_COMPLETE"
    assert cloud.tables == {}

    up(make)

    assert cloud.stack("twofold-write").status == "UPDATE_COMPLETE"


def test_only_the_reasons_of_the_last_attempt_are_named(cloud: Cloud, make: Maker) -> None:
    up(make)
    cloud.fail("update", "Handler", "the first reason")
    with pytest.raises(click.ClickException, match="the first reason"):
        make(WRITE, writing(), "new code").bring_up()
    cloud.fail("update", "Handler", "the second reason")

    with pytest.raises(click.ClickException) as failed:
        make(WRITE, writing(), "new code").bring_up()

    assert "the second reason" in failed.value.message
    assert "the first reason" not in failed.value.message


def test_a_failed_update_goes_back_and_the_next_deploy_goes_on(cloud: Cloud, make: Maker) -> None:
    up(make)
    before = dict(cloud.stack("twofold-write").parameters)
    cloud.fail("update", "Handler", "no")
    with pytest.raises(click.ClickException, match="UPDATE_ROLLBACK_COMPLETE"):
        make(WRITE, writing(), "new code").bring_up()
    assert cloud.stack("twofold-write").parameters == before

    assert make(WRITE, writing(), "new code").bring_up().what == "changed"


def test_a_roll_back_that_failed_is_continued(cloud: Cloud, make: Maker) -> None:
    up(make)
    changed = writing()
    changed["Resources"]["Alarm"]["Properties"] = {"Threshold": 2}
    cloud.fail("update", "Alarm", "the update's reason")
    cloud.fail("revert", "Handler", "the roll-back's reason", times=2)
    with pytest.raises(click.ClickException, match="UPDATE_ROLLBACK_FAILED"):
        make(WRITE, changed, "new code").bring_up()
    with pytest.raises(click.ClickException, match="the roll-back's reason") as again:
        make(WRITE, changed, "new code").bring_up()
    assert "remove the cause and deploy again" in again.value.message

    assert make(WRITE, changed, "new code").bring_up().what == "changed"

    assert cloud.stack("twofold-write").status == "UPDATE_COMPLETE"


def test_the_books_of_a_first_deploy_that_could_not_be_rolled_back_are_kept(
    cloud: Cloud, make: Maker
) -> None:
    # By hand, since `deploy` creates tables without protection: then this cannot happen.
    made = writing()
    made["Resources"]["EventsTable"]["Properties"]["DeletionProtectionEnabled"] = True
    cloud.fail("create", "Alarm", "no")
    with pytest.raises(click.ClickException, match="ROLLBACK_FAILED") as failed:
        make(WRITE, made).bring_up()
    assert PROTECTED in failed.value.message
    cloud.table(EVENTS)["items"] = 7

    outcome = make(WRITE, made).bring_up()

    assert outcome.adopted == (EVENTS,)
    assert cloud.table(EVENTS)["items"] == 7


def test_our_first_deploy_can_always_be_rolled_back(cloud: Cloud, make: Maker) -> None:
    for culprit in ("Handler", "EventsTable", "KeysTable", "Alarm"):
        cloud.fail("create", culprit, "no")
        with pytest.raises(click.ClickException, match="ROLLBACK_COMPLETE"):
            make(WRITE, writing()).bring_up()


def test_a_deploy_after_a_take_down_adopts_the_books_with_all_that_is_in_them(
    cloud: Cloud, make: Maker, rebuilt: list[str]
) -> None:
    up(make)
    cloud.table(EVENTS)["items"] = 5
    for stage, made in ((ACCOUNTS, reading()), (WRITE, writing())):
        make(stage, made).stack.delete()
    del cloud.tables[BALANCES, "eu-west-1"]
    assert cloud.table(EVENTS)["DeletionProtectionEnabled"]

    write = make(WRITE, writing())
    outcome = write.bring_up()
    assert cloud.table(EVENTS)["DeletionProtectionEnabled"], "protected all the while"
    write.finish()
    accounts = make(ACCOUNTS, reading())
    assert accounts.bring_up().adopted == ()
    accounts.finish()

    assert sorted(outcome.adopted) == [EVENTS, KEYS]
    assert cloud.table(EVENTS)["items"] == 5
    assert rebuilt == ["accounts"]
    assert cloud.stack("twofold-accounts").parameters["DeletionProtection"] == "on"


@pytest.mark.parametrize("before", ["", "ACTIVE", "ENABLING"])
def test_an_adopted_event_table_feeds_the_kinesis_stream_which_cloudformation_leaves_out(
    cloud: Cloud, make: Maker, before: str
) -> None:
    stream = "arn:aws:kinesis:eu-west-1:1:stream/twofold-prod-events"
    cloud.make_table(EVENTS)["Kinesis"] = {stream: before} if before else {}
    stage = replace(
        WRITE, variables={**WRITE.variables, "TWOFOLD_KINESIS_STREAM": "twofold-prod-events"}
    )

    deployment = make(stage, writing())
    assert deployment.bring_up().adopted == (EVENTS,)
    deployment.finish()

    assert cloud.table(EVENTS)["Kinesis"] == {stream: "ACTIVE"}
    assert ("enable_kinesis_streaming_destination" in cloud.calls) == (not before)


def test_an_adopted_table_outlives_a_creation_that_fails(cloud: Cloud, make: Maker) -> None:
    cloud.make_table(EVENTS, items=5)
    cloud.fail("create", "Alarm", "no")

    with pytest.raises(click.ClickException, match="ROLLBACK_COMPLETE"):
        make(WRITE, writing()).bring_up()

    assert cloud.table(EVENTS)["items"] == 5
    assert make(WRITE, writing()).bring_up().adopted == (EVENTS,)


def test_a_new_stage_that_reads_no_events_yet_is_not_rebuilt(
    make: Maker, rebuilt: list[str]
) -> None:
    up(make)
    assert rebuilt == []


def test_a_deploy_that_was_interrupted_before_the_rebuild_is_finished_by_the_next(
    cloud: Cloud, make: Maker, rebuilt: list[str]
) -> None:
    write = make(WRITE, writing())
    write.bring_up()
    write.finish()
    cloud.table(EVENTS)["items"] = 5
    make(ACCOUNTS, reading()).bring_up()  # And no `finish`: the terminal was closed.

    again = make(ACCOUNTS, reading())
    outcome = again.bring_up()
    assert (outcome.what, outcome.unfinished) == ("left alone", True)
    again.finish()

    assert rebuilt == ["accounts"]
    assert cloud.table(BALANCES)["DeletionProtectionEnabled"]
    assert not make(ACCOUNTS, reading()).bring_up().unfinished


def test_a_stage_that_reads_is_told_the_stream_of_the_event_table(
    cloud: Cloud, make: Maker
) -> None:
    with pytest.raises(click.ClickException, match="deploy the stage that writes first"):
        make(ACCOUNTS, reading()).bring_up()
    up(make)
    stream = cloud.table(EVENTS)["LatestStreamArn"]
    assert cloud.stack("twofold-accounts").parameters["EventsStream"] == stream

    cloud.table(EVENTS)["LatestStreamArn"] = "arn:of:another:stream"

    assert make(ACCOUNTS, reading()).bring_up().what == "changed"
    assert cloud.stack("twofold-accounts").parameters["EventsStream"] == "arn:of:another:stream"


def test_a_change_that_replaces_a_table_is_stopped_before_anything_is_done(
    cloud: Cloud, make: Maker
) -> None:
    up(make)
    cloud.calls.clear()
    changed = writing()
    keys = [{"AttributeName": "other", "KeyType": "HASH"}]
    changed["Resources"]["EventsTable"]["Properties"]["KeySchema"] = keys

    with pytest.raises(click.ClickException, match=f"{EVENTS} .*would be replaced"):
        make(WRITE, changed).bring_up()

    assert "execute_change_set" not in cloud.calls
    assert cloud.calls[-1] == "describe_stacks"
    assert "delete_change_set" in cloud.calls
    assert cloud.stack("twofold-write").status == "UPDATE_COMPLETE"


def test_a_change_that_removes_a_table_needs_its_name_and_keeps_it(
    cloud: Cloud, make: Maker
) -> None:
    up(make)
    changed = reading()
    del changed["Resources"]["BalancesTable"]

    with pytest.raises(click.ClickException, match=f"{BALANCES} .*would be removed"):
        make(ACCOUNTS, changed).bring_up()
    make(ACCOUNTS, changed, released=(BALANCES,)).bring_up()

    assert "BalancesTable" not in cloud.stack("twofold-accounts").parts
    assert cloud.table(BALANCES)


def test_a_table_that_is_released_may_still_not_be_replaced(cloud: Cloud, make: Maker) -> None:
    up(make)
    changed = reading()
    changed["Resources"]["BalancesTable"]["Properties"]["KeySchema"] = [
        {"AttributeName": "other", "KeyType": "HASH"}
    ]
    with pytest.raises(click.ClickException, match="replaced"):
        make(ACCOUNTS, changed, released=(BALANCES,)).bring_up()
    assert cloud.table(BALANCES)
    assert refusals(()) == []


@pytest.mark.parametrize(
    ("more", "difference"),
    [
        ({"KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}]}, "its keys are others"),
        (
            {
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": "by_day",
                        "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
                    }
                ]
            },
            "the index by_day is missing",
        ),
        ({"StreamSpecification": {"StreamViewType": "KEYS_ONLY"}}, "does not carry KEYS_ONLY"),
    ],
)
def test_a_table_that_differs_from_the_template_is_not_adopted(
    cloud: Cloud, make: Maker, more: dict[str, object], difference: str
) -> None:
    cloud.make_table(EVENTS, items=5)

    with pytest.raises(click.ClickException, match=difference):
        make(WRITE, template(EventsTable=table(EVENTS, {**STREAM, **more}))).bring_up()

    assert cloud.table(EVENTS)["items"] == 5
    with pytest.raises(KeyError):
        cloud.stack("twofold-write")


OURS, OTHER = (f"arn:aws:kms:eu-west-1:123456789012:key/{name}" for name in ("ours", "other"))


def encrypted(key: str | None) -> dict[str, Any]:
    """A table's encryption in a template, with a key of the account's own or AWS's."""
    return {"SSESpecification": {"SSEEnabled": True, **({"KMSMasterKeyId": key} if key else {})}}


def copied(key: str | None) -> dict[str, Any]:
    """The same of a global table, whose copies have their keys."""
    there = {"SSESpecification": {"KMSMasterKeyId": OTHER}}
    replica = {"SSESpecification": {"KMSMasterKeyId": key}} if key else {}
    return {
        "SSESpecification": {"SSEEnabled": True},
        "Replicas": [
            {"Region": "us-west-2", **there},
            {"Region": {"Ref": "AWS::Region"}, **replica},
        ],
    }


@pytest.mark.parametrize("wanted", [encrypted, copied])
@pytest.mark.parametrize(
    ("there", "key", "said"),
    [
        (OURS, OURS, None),
        (None, None, None),
        (OURS, OTHER, f"its KMS key is {OURS}, and the template's is {OTHER}"),
        (OURS, None, f"its KMS key is {OURS}, and the template's is one of AWS"),
        (None, OURS, f"its KMS key is {AWS_KEY}, and the template's is {OURS}"),
    ],
)
def test_a_table_that_another_key_encrypts_is_not_adopted(
    cloud: Cloud,
    make: Maker,
    wanted: Callable[[str | None], dict[str, Any]],
    there: str | None,
    key: str | None,
    said: str | None,
) -> None:
    cloud.put_table(KEYS, "eu-west-1", {**table(KEYS)["Properties"], **encrypted(there)})
    deployment = make(WRITE, template(KeysTable=table(KEYS, wanted(key))))

    if said is None:
        assert deployment.bring_up().adopted == (KEYS,)
        return
    with pytest.raises(click.ClickException) as refused:
        deployment.bring_up()

    assert said in refused.value.message
    assert "execute_change_set" not in cloud.calls


def test_a_table_that_dynamodb_encrypts_with_a_key_of_its_own_is_adopted(
    cloud: Cloud, make: Maker
) -> None:
    cloud.make_table(KEYS)["SSEDescription"] = None
    assert make(WRITE, template(KeysTable=table(KEYS))).bring_up().adopted == (KEYS,)


@pytest.mark.parametrize("before", [True, False])
def test_an_adopted_table_gets_the_recovery_that_cloudformation_would_not_give_it(
    cloud: Cloud, make: Maker, before: bool
) -> None:
    cloud.make_table(KEYS)["recovery"] = before
    on = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}

    assert make(WRITE, template(KeysTable=table(KEYS, on))).bring_up().adopted == (KEYS,)

    assert cloud.table(KEYS)["recovery"]
    assert ("update_continuous_backups" in cloud.calls) == (not before)
    assert any("recovery; it is on now" in line for line in make.said) == (not before)


def test_a_table_that_cloudformation_would_not_adopt_stops_the_deploy(
    cloud: Cloud, make: Maker
) -> None:
    cloud.make_table(KEYS, items=1)
    with pytest.raises(click.ClickException, match="Retain"):
        make(WRITE, template(KeysTable=table(KEYS, policy="Delete"))).bring_up()
    with pytest.raises(KeyError):
        cloud.stack("twofold-write")


def test_a_table_that_would_be_made_though_it_exists_stops_the_deploy(
    cloud: Cloud, make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.make_table(EVENTS, items=1)
    monkeypatch.setattr(CloudFormation, "_can_import", lambda *_: None)

    with pytest.raises(click.ClickException, match="would not adopt it; nothing was changed"):
        make(WRITE, writing()).bring_up()

    assert "execute_change_set" not in cloud.calls
    assert cloud.table(EVENTS)["items"] == 1


def test_a_table_of_another_stack_is_not_adopted(make: Maker) -> None:
    up(make)
    other = make(ACCOUNTS, template(KeysTable=table(KEYS)))
    other.stack.delete()
    with pytest.raises(click.ClickException, match="already exists in stack"):
        other.bring_up()


def test_a_table_left_by_an_update_that_failed_is_adopted_by_the_next(
    cloud: Cloud, make: Maker
) -> None:
    up(make)
    changed = writing()
    changed["Resources"] = {
        "NewTable": table("twofold-prod-new"),
        **changed["Resources"],
    }
    cloud.fail("update", "Handler", "no")
    with pytest.raises(click.ClickException, match="UPDATE_ROLLBACK_COMPLETE"):
        make(WRITE, changed, "new code").bring_up()
    assert cloud.table("twofold-prod-new")["DeletionProtectionEnabled"]

    outcome = make(WRITE, changed, "new code").bring_up()

    assert (outcome.what, outcome.adopted) == ("changed", ("twofold-prod-new",))


def test_what_cannot_be_deleted_is_left_and_named(cloud: Cloud, make: Maker) -> None:
    up(make)
    cloud.fail("delete", "Alarm", "somebody uses it", times=1)

    left = make(WRITE, writing()).stack.delete()

    assert left == ["AWS::CloudWatch::Alarm twofold-write-Alarm (somebody uses it)"]
    with pytest.raises(KeyError):
        cloud.stack("twofold-write")


@pytest.mark.parametrize("items", [0, 4])
def test_a_table_with_items_outlives_its_stack_whatever_its_policy_says(
    cloud: Cloud, make: Maker, items: int
) -> None:
    made = make(WRITE, template(EventsTable=table(EVENTS, STREAM, policy="Delete")))
    made.bring_up()
    cloud.table(EVENTS)["items"] = items

    left = made.stack.delete()

    assert bool(left) == bool(items)
    assert ((EVENTS, "eu-west-1") in cloud.tables) == bool(items)
