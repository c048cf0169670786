"""Stage: one packaged stage, brought up in its region."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import click

from chalicelib.settings import WRITE
from ops.deploying import adoption, bucket, health, kinesis
from ops.deploying.bucket import Bucket
from ops.deploying.changes import ADOPTED, ChangeSet, propose, refusals
from ops.deploying.stacks import Stack, State, Step
from ops.mappings import EVENTS_STREAM
from ops.packaging import Package
from ops.processes import run_ops
from ops.stages import Stage

BODY_BYTES = 51_200
"""The largest template that a request may carry; a larger one is read from S3."""


@dataclass(frozen=True)
class Outcome:
    """What a deploy did to one stage, in words, and the stage's address.

    `unfinished` says that its tables are not protected yet; `adopted` names its adopted tables.
    """

    what: str
    address: str
    unfinished: bool
    adopted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Deployment:
    """A packaged stage, and the clients of its region.

    `events` is a client of DynamoDB in the region of the event table, `kms` one of KMS in the
    stage's. `released` are the tables that may leave their stack.
    """

    package: Package
    formation: Any
    dynamodb: Any
    bucket: Bucket
    events: Any
    kms: Any
    released: Sequence[str] = ()
    say: Callable[[str], None] = field(default=click.echo)

    @property
    def stage(self) -> Stage:
        """The stage."""
        return self.package.stage

    @cached_property
    def stack(self) -> Stack:
        """Its stack."""
        return Stack(self.stage.stack, self.formation, self.dynamodb, self.say)

    @cached_property
    def template(self) -> dict[str, Any]:
        """Its template."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @cached_property
    def body(self) -> bytes:
        """Its template as it is sent: the file as it was packaged."""
        return self.package.template.read_bytes()

    @property
    def code_key(self) -> str:
        """Where its code is in the bucket."""
        return bucket.code_key(self.stage.environment, self.package.code)

    def upload(self) -> bool:
        """Uploads code and template; whether the code is new."""
        self.bucket.upload(self._template_key, self.body)
        return self.bucket.upload(self.code_key, self.package.code.read_bytes())

    def bring_up(self) -> Outcome:
        """Makes or changes the stage's stack. Raises a click error for a forbidden change."""
        state = self.stack.ready()
        is_new = state.step is Step.CREATE
        unfinished = is_new or state.parameters.get("DeletionProtection") == "off"
        values = self.values(protected=not unfinished)
        if self.lacks_stream(values):
            raise click.ClickException(
                f"{self.stage.name} reads the stream of {self.stage.events_table}, "
                "which does not exist: deploy the stage that writes first"
            )
        change_set = self.proposed(state, values, self._by_url())
        try:
            self._check(change_set)
        except click.ClickException:
            self.stack.forget_proposal(change_set)
            raise
        if change_set.id is None:
            return Outcome("left alone", health.address(state.outputs), unfinished)
        for name in adoption.switch_recovery_on(self.dynamodb, self.template, change_set.changes):
            self.say(f"{self.stage.name}: {name} had no point-in-time recovery; it is on now")
        after = self.stack.execute(change_set)
        adopted = tuple(change.name for change in change_set.changes if change.kind == ADOPTED)
        what = "made" if is_new else "changed"
        return Outcome(what, health.address(after.outputs), unfinished, adopted)

    def finish(self) -> None:
        """Rebuilds the read tables of a new stage from the events, and protects all tables.

        Until then the stack's parameter `DeletionProtection` is "off", by which the next deploy
        recognises an unfinished one.
        """
        stream = self.stage.kinesis_stream
        if stream and WRITE in self.stage.serves:
            kinesis.feed(self.dynamodb, self.stage.environment, stream)
        if self.stage.projectors and self._has_events():
            for group in self.stage.groups:
                self._rebuild(group)
        if "DeletionProtection" in self.template.get("Parameters", {}):
            change_set = self.proposed(
                self.stack.state(), self.values(protected=True), self._by_url()
            )
            if change_set.id is not None:
                self.stack.execute(change_set)

    def lacks_domain(self) -> bool:
        """Whether the stage's stack lacks the custom domain of its template."""
        wanted = self.template.get("Outputs", {}).get("Domain")
        return wanted is not None and self.stack.state().outputs.get("Domain") != wanted["Value"]

    def lacks_stream(self, values: Mapping[str, str]) -> bool:
        """Whether the stage reads the event table's stream, and that does not exist yet."""
        return EVENTS_STREAM in self.template.get("Parameters", {}) and EVENTS_STREAM not in values

    def _check(self, change_set: ChangeSet) -> None:
        if refused := refusals(change_set.changes, self.released):
            raise click.ClickException(
                f"{self.stage.name}: {'; '.join(refused)}; nothing was changed"
            )
        adoption.check(self.dynamodb, self.kms, self.template, change_set.changes)

    def proposed(self, state: State, values: dict[str, str], template: dict[str, str]) -> ChangeSet:
        """A change set of the stage's template with these parameters. Raises a click error."""
        is_new = state.step is Step.CREATE
        request = {
            "StackName": self.stack.name,
            "ChangeSetType": "CREATE" if is_new else "UPDATE",
            "ImportExistingResources": True,
            "Parameters": list(self._parameters(state, values)),
            "Tags": [{"Key": key, "Value": value} for key, value in self.stage.tags.items()],
            **template,
        }
        try:
            return propose(self.formation, request, self.template)
        except click.ClickException:
            if state.status in (None, "DELETE_COMPLETE"):
                self.stack.drop_if_empty()
            raise

    def _parameters(self, state: State, values: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """The declared parameters: given, or else unchanged. The others have their defaults."""
        for name in self.template.get("Parameters", {}):
            if name in values:
                yield {"ParameterKey": name, "ParameterValue": values[name]}
            elif name in state.parameters and state.step is Step.UPDATE:
                yield {"ParameterKey": name, "UsePreviousValue": True}

    def values(self, *, protected: bool) -> dict[str, str]:
        """The template's parameters that are known before the stage is up."""
        values = {
            "CodeBucket": self.bucket.name,
            "CodeKey": self.code_key,
            "DeletionProtection": "on" if protected else "off",
        }
        stream = adoption.events_stream(self.events, self.stage.environment)
        return {**values, EVENTS_STREAM: stream} if stream else values

    def _has_events(self) -> bool:
        return adoption.has_items(self.events, self.stage.events_table)

    def _rebuild(self, group: str) -> None:
        self.say(f"{self.stage.name}: rebuilding {group} from the events")
        if run_ops(self.stage, "rebuild", group, region=self.bucket.region).returncode:
            raise click.ClickException(
                f"{self.stage.name} is up, but {group} was not rebuilt; "
                f"deploy again, or run `twofold --stage {self.stage.name} rebuild {group}`"
            )

    @property
    def _template_key(self) -> str:
        return bucket.template_key(self.stage.environment, self.body)

    def _by_url(self) -> dict[str, str]:
        return {"TemplateURL": self.bucket.url(self._template_key)}

    def by_body_or_url(self) -> dict[str, str]:
        """The template as a plan sends it, which is uploaded only if a request cannot carry it."""
        if len(self.body) <= BODY_BYTES:
            return {"TemplateBody": self.body.decode()}
        self.bucket.prepare()
        self.bucket.upload(self._template_key, self.body)
        return self._by_url()
