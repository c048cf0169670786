"""Plan: what a deploy would do to a stage, from a change set that is deleted again."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import click

from ops.deploying import adoption
from ops.deploying.changes import KINDS, Change, added, discard, refusals
from ops.deploying.stacks import Step
from ops.deploying.stage import Deployment
from ops.mappings import EVENTS_STREAM

UNKNOWN = "not-known-yet"
"""The stream's ARN in a change set that is never executed."""


@dataclass(frozen=True)
class Plan:
    """What a deploy would do to one stage. `status` is its stack's, None if it does not exist.

    `notes` says what is not known yet; `refusals` are the reasons why deploy would stop.
    """

    stage: str
    stack: str
    status: str | None
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()

    def of(self, kind: str) -> list[Change]:
        """The changes of one kind."""
        return [change for change in self.changes if change.kind == kind]

    def as_json(self) -> dict[str, Any]:
        """The plan as a JSON object, with a list for each kind of change."""
        return {
            "stage": self.stage,
            "stack": self.stack,
            "status": self.status,
            **{kind: [asdict(change) for change in self.of(kind)] for kind in KINDS},
            "notes": self.notes,
            "refusals": self.refusals,
        }

    def lines(self) -> Iterator[str]:
        """The plan as text."""
        yield f"{self.stage} ({self.stack}, {self.status or 'does not exist'})"
        yield from (f"  note: {note}" for note in self.notes)
        for kind in KINDS:
            for change in self.of(kind):
                may = " (may be replaced)" if change.maybe else ""
                name = f" {change.name}" if change.name else ""
                yield f"  {kind:<9}{change.logical_id} {change.type}{name}{may}"
        if not self.changes and not self.refusals:
            yield "  nothing would change"
        yield from (f"  refused: {refusal}" for refusal in self.refusals)


def plan(deployment: Deployment) -> Plan:
    """What bringing up a stage would do. Changes nothing."""
    stack = deployment.stack
    state = stack.state()
    values = deployment.values(protected=state.parameters.get("DeletionProtection") != "off")
    notes = []
    if deployment.lacks_stream(values):
        notes.append("the event table's stream is not known before the stage that writes is up")
        values[EVENTS_STREAM] = UNKNOWN

    def planned(changes: tuple[Change, ...], refused: tuple[str, ...] = ()) -> Plan:
        name = deployment.stage.name
        return Plan(name, stack.name, state.status, changes, tuple(notes), refused)

    if state.step not in (Step.CREATE, Step.UPDATE):
        notes.insert(0, f"in {state.status}, so deploy would first: {state.step.value}")
        return planned(tuple(added(deployment.template)) if state.step is Step.CLEAR else ())
    try:
        change_set = deployment.proposed(state, values, deployment.by_body_or_url())
    except click.ClickException as error:
        return planned((), (error.message,))
    if state.status in (None, "DELETE_COMPLETE"):
        stack.forget_proposal(change_set)
    else:
        discard(deployment.formation, change_set)
    refused = refusals(change_set.changes, deployment.released)
    try:
        adoption.check(deployment.dynamodb, deployment.kms, deployment.template, change_set.changes)
    except click.ClickException as error:
        refused.append(error.message)
    return planned(change_set.changes, tuple(refused))
