"""Stacks: the state of a CloudFormation stack, and what `deploy` does first in that state.

The states are those of the CloudFormation User Guide, "Stack status codes".
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import click
from botocore.exceptions import ClientError

from ops.aws import every
from ops.deploying import kinesis
from ops.deploying.adoption import described, protect_if_used
from ops.deploying.changes import TABLE_TYPES, ChangeSet, discard, is_unknown
from ops.deploying.reasons import failure_reasons
from ops.deploying.waiting import until

OPERATION_SECONDS = 2 * 3600
"""How long an operation on a stack may take."""


class Step(Enum):
    """What `deploy` does with a stack."""

    CREATE = "make it"
    UPDATE = "change it"
    CLEAR = "delete what is left of it, but for the tables, and make it"
    ROLL_BACK = "roll its failed update back, and change it"
    CONTINUE = "continue its failed roll-back, and change it"
    WAIT = "wait until the operation that is under way has ended"
    BY_HAND = "stop"


STEPS: dict[str | None, Step] = {
    None: Step.CREATE,
    "DELETE_COMPLETE": Step.CREATE,
    "REVIEW_IN_PROGRESS": Step.CREATE,
    "CREATE_COMPLETE": Step.UPDATE,
    "UPDATE_COMPLETE": Step.UPDATE,
    "UPDATE_ROLLBACK_COMPLETE": Step.UPDATE,
    "IMPORT_COMPLETE": Step.UPDATE,
    "IMPORT_ROLLBACK_COMPLETE": Step.UPDATE,
    "CREATE_FAILED": Step.CLEAR,
    "ROLLBACK_COMPLETE": Step.CLEAR,
    "ROLLBACK_FAILED": Step.CLEAR,
    "DELETE_FAILED": Step.CLEAR,
    "UPDATE_FAILED": Step.ROLL_BACK,
    "UPDATE_ROLLBACK_FAILED": Step.CONTINUE,
    # `deploy` never imports in this way: a person did, and must finish it.
    "IMPORT_ROLLBACK_FAILED": Step.BY_HAND,
    "CREATE_IN_PROGRESS": Step.WAIT,
    "ROLLBACK_IN_PROGRESS": Step.WAIT,
    "DELETE_IN_PROGRESS": Step.WAIT,
    "UPDATE_IN_PROGRESS": Step.WAIT,
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": Step.WAIT,
    "UPDATE_ROLLBACK_IN_PROGRESS": Step.WAIT,
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": Step.WAIT,
    "IMPORT_IN_PROGRESS": Step.WAIT,
    "IMPORT_ROLLBACK_IN_PROGRESS": Step.WAIT,
}
"""The step for each status of a stack; None is the status of a stack that does not exist."""

_GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}


@dataclass(frozen=True)
class State:
    """A stack as it is. Its `status` is None if it does not exist."""

    status: str | None = None
    id: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def step(self) -> Step:
        """What `deploy` does with it first. A stack of unknown status is left alone."""
        return STEPS.get(self.status, Step.BY_HAND)


@dataclass(frozen=True)
class Stack:
    """A stack of one region, with clients of CloudFormation and DynamoDB; `say` prints a line.

    Each method raises a click error, with the reasons, where CloudFormation fails.
    """

    name: str
    formation: Any
    dynamodb: Any
    say: Callable[[str], None] = click.echo

    def state(self) -> State:
        """The stack as it is now."""
        return self._described(self.name)

    def settled(self) -> State:
        """The stack once no operation on it is under way."""
        state = self.state()
        if state.step is not Step.WAIT:
            return state
        self.say(f"{self.name} is in {state.status}: waiting for that to end")
        return self._ended(state.id)

    def ready(self) -> State:
        """The stack once it can be made or changed; what is left of a failed creation is gone."""
        state = self.settled()
        match state.step:
            case Step.CLEAR:
                self.say(
                    f"{self.name} is in {state.status}: what is left of it is deleted, "
                    "but for its tables, and it is made again"
                )
                self.delete()
                return State()
            case Step.ROLL_BACK:
                self.say(f"{self.name} is in {state.status}: its last update is rolled back first")
                self.formation.rollback_stack(StackName=state.id)
                return self._rolled_back(state.id)
            case Step.CONTINUE:
                self.say(f"{self.name} is in {state.status}: its roll-back is continued first")
                self.formation.continue_update_rollback(StackName=state.id)
                return self._rolled_back(state.id)
            case Step.BY_HAND:
                raise click.ClickException(
                    f"{self.name} is in {state.status}, in which no deploy leaves a stack; mend "
                    "it in CloudFormation's console, or take it down with `twofold destroy`"
                )
            case _:
                return State() if state.status == "DELETE_COMPLETE" else state

    def execute(self, change_set: ChangeSet) -> State:
        """Executes a change set and waits for its end; the stack after it."""
        # Explicit, since the API reference names True as the default of DisableRollback.
        self.formation.execute_change_set(**change_set.which, DisableRollback=False)
        after = self._ended(self.state().id)
        if after.status not in _GOOD:
            raise self._failed("failed", after)
        return after

    def forget_proposal(self, change_set: ChangeSet) -> None:
        """Deletes a change set, and the empty stack that was made for it, if one was."""
        discard(self.formation, change_set)
        self.drop_if_empty()

    def drop_if_empty(self) -> None:
        """Deletes a stack that was made for a change set only."""
        state = self.state()
        if state.status == "REVIEW_IN_PROGRESS":
            self.formation.delete_stack(StackName=state.id)
            self._deleted(state.id)

    def delete(self) -> list[str]:
        """Deletes the stack, if it exists; the resources that could not be deleted, in words.

        Its tables stay, by their deletion policy. Before that, each table with items is protected,
        and stops streaming to a Kinesis stream of the stack.
        """
        state = self.settled()
        if state.status in (None, "DELETE_COMPLETE"):
            return []
        streams = self._names(("AWS::Kinesis::Stream",))
        for name in self.table_names():
            protect_if_used(self.dynamodb, name)
            if streams and described(self.dynamodb, name):
                kinesis.stop(self.dynamodb, name, streams)
        self.formation.delete_stack(StackName=state.id)
        after = self._deleted(state.id)
        if after.status == "DELETE_COMPLETE":
            return []
        stuck = [
            part for part in self._resources(state.id) if part["ResourceStatus"] == "DELETE_FAILED"
        ]
        if not stuck:
            raise self._failed("could not be deleted", after)
        self.formation.delete_stack(
            StackName=state.id, RetainResources=[part["LogicalResourceId"] for part in stuck]
        )
        after = self._deleted(state.id)
        if after.status != "DELETE_COMPLETE":
            raise self._failed("could not be deleted", after)
        return [
            f"{part['ResourceType']} {part.get('PhysicalResourceId') or part['LogicalResourceId']}"
            f" ({part.get('ResourceStatusReason', 'no reason given')})"
            for part in stuck
        ]

    def table_names(self) -> list[str]:
        """The tables that belong to the stack."""
        return self._names(TABLE_TYPES)

    def _names(self, types: Collection[str]) -> list[str]:
        """The names in AWS of the stack's resources of these types."""
        state = self.state()
        return [
            part["PhysicalResourceId"]
            for part in (self._resources(state.id) if state.id else ())
            if part["ResourceType"] in types and part.get("PhysicalResourceId")
        ]

    def _described(self, name_or_id: str) -> State:
        try:
            found = self.formation.describe_stacks(StackName=name_or_id)["Stacks"][0]
        except ClientError as error:
            if is_unknown(error):
                return State()
            raise
        return State(
            status=found["StackStatus"],
            id=found["StackId"],
            parameters={
                each["ParameterKey"]: each.get("ParameterValue", "")
                for each in found.get("Parameters", [])
            },
            outputs={each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])},
        )

    def _ended(self, id: str) -> State:
        """The stack once no operation is under way; by its id, since a deleted one has no name."""

        def look() -> State | None:
            state = self._described(id)
            return None if state.step is Step.WAIT else state

        return until(look, seconds=OPERATION_SECONDS, what=self.name)

    def _deleted(self, id: str) -> State:
        state = self._ended(id)
        # An emulator may have forgotten it.
        return State("DELETE_COMPLETE", id) if state.status is None else state

    def _rolled_back(self, id: str) -> State:
        after = self._ended(id)
        if after.step is not Step.UPDATE:
            raise self._failed("cannot be rolled back; remove the cause and deploy again", after)
        return after

    def _failed(self, what: str, state: State) -> click.ClickException:
        found = "".join(f"\n  {reason}" for reason in failure_reasons(self.formation, state.id))
        return click.ClickException(f"{self.name} {what} ({state.status}){found}")

    def _resources(self, id: str) -> Iterator[dict[str, Any]]:
        return every(self.formation.list_stack_resources, "StackResourceSummaries", StackName=id)
