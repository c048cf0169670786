"""Every state of a stack: what deploy and destroy make of it, on a model of CloudFormation."""

from typing import Any

import click
import pytest
from botocore.exceptions import ClientError

from ops.deploying.stacks import STEPS, Step
from tests.ops.deploying.cloudformation import (
    CHANGEABLE,
    Cloud,
    CloudFormation,
    Kept,
    error,
    service_model,
)
from tests.ops.deploying.conftest import WRITE, Maker, writing

ALL_STATES = sorted(service_model("cloudformation").shape_for("StackStatus").enum)
ENDS = [state for state in ALL_STATES if not state.endswith("_IN_PROGRESS")]


def stack_in(cloud: Cloud, make: Maker, state: str) -> None:
    """A stack of the stage that writes, with books, in a state."""
    make(WRITE, writing()).bring_up()
    stack = cloud.stack(WRITE.stack)
    stack.look()
    cloud.table("twofold-prod-events")["items"] = 3
    if state in ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE"):
        # Nothing is in such a stack, and the tables are there from before.
        stack.parts.clear()
        stack.parameters = {}
    stack.before = Kept(stack.template, stack.parameters, dict(stack.parts))
    for part in stack.parts.values():
        part.new = False
    stack.status = state


def test_each_state_that_cloudformation_knows_has_a_step() -> None:
    assert set(STEPS) == {None, *ALL_STATES}
    assert {state for state, step in STEPS.items() if step is Step.UPDATE} == CHANGEABLE


@pytest.mark.parametrize("state", [*ENDS, "REVIEW_IN_PROGRESS"])
def test_a_deploy_ends_with_a_complete_stack_and_all_its_books(
    cloud: Cloud, make: Maker, state: str
) -> None:
    stack_in(cloud, make, state)
    if state == "IMPORT_ROLLBACK_FAILED":
        with pytest.raises(click.ClickException, match="no deploy leaves a stack"):
            make(WRITE, writing(), "new code").bring_up()
        return

    deployment = make(WRITE, writing(), "new code")
    outcome = deployment.bring_up()
    deployment.finish()

    stack = cloud.stack(WRITE.stack)
    assert stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    assert outcome.what in ("made", "changed")
    assert stack.parameters["CodeKey"] == deployment.code_key
    assert cloud.table("twofold-prod-events")["items"] == 3
    assert cloud.table("twofold-prod-events")["DeletionProtectionEnabled"]


@pytest.mark.parametrize("state", ALL_STATES)
def test_a_stack_in_any_state_can_be_taken_down_and_its_books_stay(
    cloud: Cloud, make: Maker, state: str
) -> None:
    stack_in(cloud, make, state)
    if STEPS[state] is Step.WAIT:
        cloud.stack(WRITE.stack).coming = ["UPDATE_COMPLETE"]

    make(WRITE, writing()).stack.delete()

    with pytest.raises(KeyError):
        cloud.stack(WRITE.stack)
    assert cloud.table("twofold-prod-events")["items"] == 3


@pytest.mark.parametrize(
    ("state", "end"),
    [
        ("CREATE_IN_PROGRESS", "CREATE_COMPLETE"),
        ("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"),
        ("DELETE_IN_PROGRESS", "DELETE_COMPLETE"),
        ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"),
        ("IMPORT_IN_PROGRESS", "IMPORT_COMPLETE"),
        ("IMPORT_ROLLBACK_IN_PROGRESS", "IMPORT_ROLLBACK_COMPLETE"),
    ],
)
def test_a_deploy_waits_for_the_operation_that_is_under_way(
    cloud: Cloud, make: Maker, state: str, end: str
) -> None:
    stack_in(cloud, make, end)
    stack = next(iter(cloud.stacks.values()))
    stack.status, stack.coming = state, [state, end]

    make(WRITE, writing(), "new code").bring_up()

    assert f"{WRITE.stack} is in {state}: waiting for that to end" in make.said
    assert cloud.stack(WRITE.stack).status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def test_a_stack_that_there_is_not_is_not_taken_for_one_that_may_not_be_seen(
    cloud: Cloud, make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise error("AccessDenied", "not authorized to perform DescribeStacks", "DescribeStacks")

    monkeypatch.setattr(CloudFormation, "describe_stacks", refuse)
    with pytest.raises(ClientError, match="not authorized"):
        make(WRITE, writing()).bring_up()
    assert "create_change_set" not in cloud.calls
