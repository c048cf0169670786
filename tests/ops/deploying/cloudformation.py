"""A model of CloudFormation's stack states, and of DynamoDB's tables as far as they matter to it.

In memory, with clients that have botocore's method names; each request is validated against
botocore's own model of the service. Beside each rule is what AWS documents, with its page. Pages
are below https://docs.aws.amazon.com/AWSCloudFormation/latest/ unless another is named: "CODES" is
UserGuide/view-stack-events.html, "Stack status codes", and "API_..." is APIReference/API_....html.

An operation is seen in progress once, and then at its end. What it leaves out: nested stacks, stack
policies, drift, transforms, the time that anything takes.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from types import SimpleNamespace
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError
from botocore.validate import ParamValidator

TABLE = "AWS::DynamoDB::Table"
GLOBAL_TABLE = "AWS::DynamoDB::GlobalTable"
TABLES = (TABLE, GLOBAL_TABLE)
RETAINING = ("Retain", "RetainExceptOnCreate")
NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)

CHANGEABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
"""States from which a stack can be updated. CODES on the others: ROLLBACK_COMPLETE: "When in this
state, only a delete operation can be performed"; ROLLBACK_FAILED: "Delete the stack";
DELETE_FAILED: "you can't work with or update the stack"; UPDATE_ROLLBACK_FAILED: "you can delete
the stack or continue rollback"."""


@dataclass
class Part:
    """A resource of a stack. `new` is one that the operation under way made."""

    type: str
    name: str
    properties: dict[str, Any]
    policy: str = "Delete"
    status: str = "CREATE_COMPLETE"
    reason: str = ""
    new: bool = True
    adopted: bool = False


@dataclass
class Kept:
    """A stack as it was before an update."""

    template: dict[str, Any]
    parameters: dict[str, str]
    parts: dict[str, Part]


@dataclass
class Stack:
    """A stack; `coming` are the states that it will be seen in after this one."""

    id: str
    name: str
    status: str
    template: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    coming: list[str] = field(default_factory=list)
    before: Kept | None = None

    def look(self) -> str:
        """The state as it is seen now; an operation moves on with every look."""
        seen = self.status
        if self.coming:
            self.status = self.coming.pop(0)
        return seen


@dataclass
class Failing:
    """An injected failure: what is done to which resource, why it fails, and how often."""

    action: str
    logical_id: str
    reason: str
    times: int


class Refused(Exception):
    """What is done to a resource fails, for this reason."""


class Cloud:
    """One account: stacks and tables by region, and the failures to come."""

    def __init__(self) -> None:
        self.stacks: dict[str, Stack] = {}
        self.change_sets: dict[str, dict[str, Any]] = {}
        self.tables: dict[tuple[str, str], dict[str, Any]] = {}
        self.templates: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self._failing: list[Failing] = []
        self._serial = count(1)

    def client(self, service: str, region: str | None = None) -> Any:
        """A client of a service in a region."""
        region = region or "eu-west-1"
        kinds = {"cloudformation": CloudFormation, "dynamodb": DynamoDB, "kms": KMS}
        return Client(service, kinds[service](self, region), self.calls)

    def fail(self, action: str, logical_id: str, reason: str, times: int = 1) -> None:
        """Lets "create", "update" or "delete" of a resource fail, so many times."""
        self._failing.append(Failing(action, logical_id, reason, times))

    def check(self, action: str, logical_id: str) -> None:
        """Raises Refused where a failure was injected."""
        for failing in self._failing:
            if (failing.action, failing.logical_id) == (action, logical_id) and failing.times:
                failing.times -= 1
                raise Refused(failing.reason)

    def serial(self) -> int:
        """A number that was not given before."""
        return next(self._serial)

    def stack(self, name: str) -> Stack:
        """The stack of this name that there is. Raises KeyError for none."""
        for stack in self.stacks.values():
            if stack.name == name and stack.status != "DELETE_COMPLETE":
                return stack
        raise KeyError(name)

    def table(self, name: str, region: str = "eu-west-1") -> dict[str, Any]:
        """A table. Raises KeyError for none."""
        return self.tables[name, region]

    def make_table(
        self, name: str, region: str = "eu-west-1", *, items: int = 0, protected: bool = True
    ) -> dict[str, Any]:
        """A table made without a stack."""
        properties = {
            "TableName": name,
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        }
        return self.put_table(name, region, properties, items=items, protected=protected)

    def put_table(
        self,
        name: str,
        region: str,
        properties: Mapping[str, Any],
        *,
        items: int = 0,
        protected: bool = False,
    ) -> dict[str, Any]:
        """A table of these properties."""
        table = {
            "TableName": name,
            "TableStatus": "ACTIVE",
            "KeySchema": properties["KeySchema"],
            "GlobalSecondaryIndexes": properties.get("GlobalSecondaryIndexes", []),
            "StreamSpecification": properties.get("StreamSpecification"),
            "LatestStreamArn": f"arn:aws:dynamodb:{region}:1:table/{name}/stream/{self.serial()}",
            "DeletionProtectionEnabled": protected,
            "Replicas": [],
            "Kinesis": {},
            "SSEDescription": {
                "Status": "ENABLED",
                "SSEType": "KMS",
                # UserGuide/aws-resource-dynamodb-table.html, SSESpecification: "If enabled (true),
                # server-side encryption type is set to KMS and an AWS managed key is used".
                "KMSMasterKeyArn": properties.get("SSESpecification", {}).get(
                    "KMSMasterKeyId", AWS_KEY
                ),
            },
            "recovery": "PointInTimeRecoverySpecification" in properties,
            "items": items,
        }
        self.tables[name, region] = table
        return table


class Client:
    """A client whose requests are validated, and of whose methods only the modelled ones exist."""

    def __init__(self, service: str, handler: Any, calls: list[str]) -> None:
        self._model = service_model(service)
        self._operations = {xform_name(name): name for name in self._model.operation_names}
        self._handler = handler
        self._calls = calls
        self.meta = SimpleNamespace(region_name=handler.region)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        operation = self._model.operation_model(self._operations[method])

        def call(**parameters: Any) -> Any:
            if operation.input_shape is not None:
                report = ParamValidator().validate(parameters, operation.input_shape)
                if report.has_errors():
                    raise ParamValidationError(report=report.generate_report())
            self._calls.append(method)
            return getattr(self._handler, method)(**parameters)

        return call


@cache
def service_model(service: str) -> Any:
    """Botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def error(code: str, message: str, operation: str) -> ClientError:
    """An error as a client raises it."""
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}},  # type: ignore[typeddict-item]  # The rest of the metadata is read by nobody.
        operation,
    )


def resolved(value: Any, parameters: Mapping[str, str], conditions: Mapping[str, Any]) -> Any:
    """A template's value with its parameters and conditions put in."""
    match value:
        case {"Ref": str(name)}:
            return parameters.get(name, value)
        case {"Fn::If": [name, yes, no]}:
            chosen = yes if resolved(conditions[name], parameters, conditions) else no
            return resolved(chosen, parameters, conditions)
        case {"Fn::Equals": [one, other]}:
            return resolved(one, parameters, conditions) == resolved(other, parameters, conditions)
        case dict():
            return {key: resolved(each, parameters, conditions) for key, each in value.items()}
        case list():
            return [resolved(each, parameters, conditions) for each in value]
        case _:
            return value


class DynamoDB:
    """DynamoDB in a region."""

    def __init__(self, cloud: Cloud, region: str) -> None:
        self.cloud, self.region = cloud, region

    def describe_table(self, TableName: str) -> Any:  # noqa: N803  # AWS's names, here and below.
        """A table."""
        return {"Table": self._table(TableName, "DescribeTable")}

    def scan(self, TableName: str, **_: Any) -> Any:  # noqa: N803
        """The count of the first item."""
        return {"Count": min(1, self._table(TableName, "Scan")["items"])}

    def put_item(self, TableName: str, Item: Any, **_: Any) -> Any:  # noqa: N803, ARG002
        """One item more, if the table has none: only one is ever put, and only if it is absent."""
        table = self._table(TableName, "PutItem")
        table["items"] = max(1, table["items"])
        return {}

    def delete_item(self, TableName: str, Key: Any) -> Any:  # noqa: N803, ARG002
        """One item fewer."""
        table = self._table(TableName, "DeleteItem")
        table["items"] = max(0, table["items"] - 1)
        return {}

    def update_table(
        self,
        TableName: str,  # noqa: N803
        DeletionProtectionEnabled: bool | None = None,  # noqa: N803
        ReplicaUpdates: Any = (),  # noqa: N803
    ) -> Any:
        """Protection, and copies to delete.

        API_ReplicationGroupUpdate: Delete "invokes the DeleteTableReplica action in the destination
        Region, deleting the replica and all if its items". Each copy has its own protection.
        """
        table = self._table(TableName, "UpdateTable")
        if DeletionProtectionEnabled is not None:
            table["DeletionProtectionEnabled"] = DeletionProtectionEnabled
        for update in ReplicaUpdates:
            there = update["Delete"]["RegionName"]
            self.cloud.client("dynamodb", there).delete_table(TableName=TableName)
            table["Replicas"] = [each for each in table["Replicas"] if each["RegionName"] != there]
        return {}

    def delete_table(self, TableName: str) -> Any:  # noqa: N803
        """Deletes a table that is not protected.

        DynamoDB Developer Guide, "Using deletion protection": "When this property is enabled [...]
        the table cannot be deleted".
        """
        if self._table(TableName, "DeleteTable")["DeletionProtectionEnabled"]:
            raise error("ValidationException", PROTECTED, "DeleteTable")
        del self.cloud.tables[TableName, self.region]
        return {}

    def describe_continuous_backups(self, TableName: str) -> Any:  # noqa: N803
        """Whether a table can be restored to a point in time."""
        on = self._table(TableName, "DescribeContinuousBackups")["recovery"]
        status = {"PointInTimeRecoveryStatus": "ENABLED" if on else "DISABLED"}
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": status}}

    def update_continuous_backups(
        self,
        TableName: str,  # noqa: N803
        PointInTimeRecoverySpecification: Any,  # noqa: N803
    ) -> Any:
        """Switches point-in-time recovery on or off."""
        on = PointInTimeRecoverySpecification["PointInTimeRecoveryEnabled"]
        self._table(TableName, "UpdateContinuousBackups")["recovery"] = on
        return {}

    def describe_kinesis_streaming_destination(self, TableName: str) -> Any:  # noqa: N803
        """Where a table's changes go; one that was begun is under way the first time."""
        streams = self._table(TableName, "DescribeKinesisStreamingDestination")["Kinesis"]
        found = [{"StreamArn": arn, "DestinationStatus": status} for arn, status in streams.items()]
        done = {"ENABLING": "ACTIVE", "DISABLING": "DISABLED"}
        streams.update({arn: done.get(status, status) for arn, status in streams.items()})
        return {"TableName": TableName, "KinesisDataStreamDestinations": found}

    def enable_kinesis_streaming_destination(
        self,
        TableName: str,  # noqa: N803
        StreamArn: str,  # noqa: N803
    ) -> Any:
        """API_EnableKinesisStreamingDestination: "use DescribeKinesisStreamingDestination to check
        if streaming to the Kinesis data stream is ACTIVE"."""
        table = self._table(TableName, "EnableKinesisStreamingDestination")
        assert table["Kinesis"].get(StreamArn, "DISABLED") == "DISABLED", "it is fed already"
        table["Kinesis"][StreamArn] = "ENABLING"
        return {}

    def disable_kinesis_streaming_destination(
        self,
        TableName: str,  # noqa: N803
        StreamArn: str,  # noqa: N803
    ) -> Any:
        """API_DisableKinesisStreamingDestination: "Stops replication [...] This is done without
        deleting either of the resources". Its status is DISABLING first, and then DISABLED.
        """
        table = self._table(TableName, "DisableKinesisStreamingDestination")
        assert table["Kinesis"].get(StreamArn) == "ACTIVE", "it is not fed"
        table["Kinesis"][StreamArn] = "DISABLING"
        return {}

    def _table(self, name: str, operation: str) -> dict[str, Any]:
        try:
            return self.cloud.tables[name, self.region]
        except KeyError:
            raise error("ResourceNotFoundException", f"no table {name}", operation) from None


AWS_KEY = "arn:aws:kms:eu-west-1:123456789012:key/of-aws"
"""The key of AWS that encrypts tables for which none is named."""


class KMS:
    """KMS: whose a key is."""

    def __init__(self, cloud: Cloud, region: str) -> None:
        self.cloud, self.region = cloud, region

    def describe_key(self, KeyId: str) -> Any:  # noqa: N803
        """A key. API_KeyMetadata: "The manager of the KMS key [...] either customer managed or AWS
        managed", CUSTOMER or AWS.
        """
        return {"KeyMetadata": {"KeyManager": "AWS" if KeyId == AWS_KEY else "CUSTOMER"}}


PROTECTED = "Table is protected against deletion. To delete the table, disable deletion protection."


class CloudFormation:
    """CloudFormation in a region."""

    def __init__(self, cloud: Cloud, region: str) -> None:
        self.cloud, self.region = cloud, region

    def describe_stacks(self, StackName: str | None = None) -> Any:  # noqa: N803
        """Stacks as they are; the operation under way moves on.

        API_DescribeStacks: "If the stack doesn't exist, a ValidationError is returned".
        API_DeleteStack: "Deleted stacks don't show up in the DescribeStacks operation": one is
        found by its id only.
        """
        if StackName is not None:
            return {"Stacks": [self._description(self._stack(StackName, "DescribeStacks"))]}
        return {
            "Stacks": [
                self._description(each)
                for each in self.cloud.stacks.values()
                if each.status != "DELETE_COMPLETE"
            ]
        }

    def describe_stack_events(self, StackName: str) -> Any:  # noqa: N803
        """The events of a stack, newest first."""
        stack = self._stack(StackName, "DescribeStackEvents")
        return {"StackEvents": stack.events[::-1]}

    def list_stack_resources(self, StackName: str) -> Any:  # noqa: N803
        """The resources of a stack."""
        stack = self._stack(StackName, "ListStackResources")
        return {
            "StackResourceSummaries": [
                {
                    "LogicalResourceId": logical_id,
                    "PhysicalResourceId": part.name,
                    "ResourceType": part.type,
                    "ResourceStatus": part.status,
                    "ResourceStatusReason": part.reason,
                }
                for logical_id, part in stack.parts.items()
            ]
        }

    def create_change_set(self, **asked: Any) -> Any:
        """A change set, and for a new stack the stack it is for.

        API_CreateChangeSet, ChangeSetType: "If you create a change set for a new stack,
        CloudFormation creates a stack with a unique stack ID, but no template or resources. The
        stack will be in the REVIEW_IN_PROGRESS state until you execute the change set. [...] You
        can't use the UPDATE type to create a change set for a new stack or the CREATE type to
        create a change set for an existing stack."
        """
        name, kind = asked["StackName"], asked.get("ChangeSetType", "UPDATE")
        stack = self._found(name)
        if kind == "CREATE" and (stack is None or stack.status == "DELETE_COMPLETE"):
            stack = self._new(name)
        elif kind == "CREATE":
            assert stack is not None
            if stack.status != "REVIEW_IN_PROGRESS":
                raise self._invalid(f"Stack [{name}] already exists", "CreateChangeSet")
        elif stack is None or stack.status == "DELETE_COMPLETE":
            raise self._invalid(f"Stack [{name}] does not exist", "CreateChangeSet")
        elif stack.status not in CHANGEABLE:
            # What `aws cloudformation deploy` is told in such a state.
            raise self._invalid(
                f"Stack:{stack.id} is in {stack.status} state and can not be updated.",
                "CreateChangeSet",
            )
        body = asked.get("TemplateBody")
        template = json.loads(body) if body else self.cloud.templates[asked["TemplateURL"]]
        parameters = self._parameters(template, asked.get("Parameters", []), stack)
        adopts = bool(asked.get("ImportExistingResources"))
        changes = list(self._changes(stack, template, parameters, adopts=adopts))
        failure = self._cannot_import(changes, template) if changes else NO_CHANGES
        id = f"arn:aws:cloudformation:{self.region}:1:changeSet/{asked['ChangeSetName']}/x"
        self.cloud.change_sets[id] = {
            "ChangeSetId": id,
            "StackId": stack.id,
            "Status": "FAILED" if failure else "CREATE_COMPLETE",
            "ExecutionStatus": "UNAVAILABLE" if failure else "AVAILABLE",
            "StatusReason": failure or "",
            "Changes": [] if failure else [{"ResourceChange": each} for each in changes],
            "template": template,
            "parameters": parameters,
            "kind": kind,
        }
        return {"Id": id, "StackId": stack.id}

    def describe_change_set(self, StackName: str, ChangeSetName: str) -> Any:  # noqa: N803
        """A change set."""
        return self._change_set(StackName, ChangeSetName, "DescribeChangeSet")

    def delete_change_set(self, StackName: str, ChangeSetName: str) -> Any:  # noqa: ARG002, N803
        """Deletes a change set; the stack that was made for it stays, in REVIEW_IN_PROGRESS."""
        self.cloud.change_sets.pop(ChangeSetName, None)
        return {}

    def execute_change_set(
        self,
        StackName: str,  # noqa: N803
        ChangeSetName: str,  # noqa: N803
        DisableRollback: bool = True,  # noqa: N803
    ) -> Any:
        """Does what a change set says.

        API_ExecuteChangeSet: "When you execute a change set, CloudFormation deletes all other
        change sets associated with the stack"; DisableRollback: "Default: True".
        """
        change_set = self._change_set(StackName, ChangeSetName, "ExecuteChangeSet")
        stack = self.cloud.stacks[change_set["StackId"]]
        if change_set["ExecutionStatus"] != "AVAILABLE":
            raise error("InvalidChangeSetStatus", change_set["StatusReason"], "ExecuteChangeSet")
        for id in [
            id
            for id, each in self.cloud.change_sets.items()
            if each["StackId"] == stack.id and id != ChangeSetName
        ]:
            del self.cloud.change_sets[id]
        assert not DisableRollback, "a deploy that fails is rolled back"
        is_new = change_set["kind"] == "CREATE"
        stack.before = None if is_new else Kept(stack.template, stack.parameters, {**stack.parts})
        for part in stack.parts.values():
            part.new = False
        stack.template, stack.parameters = change_set["template"], change_set["parameters"]
        verb = "CREATE" if is_new else "UPDATE"
        self._begin(stack, f"{verb}_IN_PROGRESS")
        try:
            for change in change_set["Changes"]:
                self._apply(stack, change["ResourceChange"])
        except Refused:
            self._roll_back(stack)
        else:
            self._remove(stack, change_set["Changes"])
            self._end(stack, f"{verb}_COMPLETE")
        return {}

    def continue_update_rollback(self, StackName: str) -> Any:  # noqa: N803
        """API_ContinueUpdateRollback: "Continues rolling back a stack from UPDATE_ROLLBACK_FAILED
        to UPDATE_ROLLBACK_COMPLETE state".
        """
        return self._resume(StackName, "UPDATE_ROLLBACK_FAILED", "ContinueUpdateRollback")

    def rollback_stack(self, StackName: str) -> Any:  # noqa: N803
        """API_RollbackStack: "Rolls back the specified stack to the last known stable state from
        CREATE_FAILED or UPDATE_FAILED stack statuses."
        """
        return self._resume(StackName, "UPDATE_FAILED", "RollbackStack")

    def delete_stack(self, StackName: str, RetainResources: list[str] | None = None) -> Any:  # noqa: N803
        """Deletes a stack, but for what its deletion policies keep.

        API_DeleteStack, RetainResources: "For stacks in the DELETE_FAILED state, a list of resource
        logical IDs that are associated with the resources you want to retain."
        TemplateReference/aws-attribute-deletionpolicy.html, RetainExceptOnCreate: "If the stack
        operation that created the resource is rolled back, CloudFormation deletes the resource. For
        all other stack operations, such as stack deletion, CloudFormation retains the resource and
        its contents."
        CODES, DELETE_FAILED: "Delete the stack again".
        """
        stack = self._stack(StackName, "DeleteStack")
        if RetainResources and stack.status != "DELETE_FAILED":
            raise self._invalid(
                f"Stack [{stack.name}] is not in DELETE_FAILED state", "DeleteStack"
            )
        if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
            raise self._invalid(f"Stack [{stack.name}] is in {stack.status}", "DeleteStack")
        self._begin(stack, "DELETE_IN_PROGRESS")
        failed = False
        for logical_id, part in list(stack.parts.items())[::-1]:
            if part.policy in RETAINING or logical_id in (RetainResources or ()):
                self._event(stack, logical_id, part, "DELETE_SKIPPED")
                del stack.parts[logical_id]
            else:
                failed |= not self._delete(stack, logical_id)
        self._end(stack, "DELETE_FAILED" if failed else "DELETE_COMPLETE")
        return {}

    def _resume(self, name: str, status: str, operation: str) -> Any:
        stack = self._stack(name, operation)
        if stack.status != status:
            raise self._invalid(f"Stack:{stack.id} is in {stack.status} state", operation)
        self._roll_back(stack)
        return {"StackId": stack.id}

    def _apply(self, stack: Stack, change: Mapping[str, Any]) -> None:
        logical_id, action = change["LogicalResourceId"], change["Action"]
        if action == "Remove":
            return
        declared = stack.template["Resources"][logical_id]
        properties = resolved(
            declared.get("Properties", {}), stack.parameters, stack.template.get("Conditions", {})
        )
        name = properties.get("TableName") or properties.get("Name") or f"{stack.name}-{logical_id}"
        policy = declared.get("DeletionPolicy", "Delete")
        verb = {"Add": "create", "Import": "import", "Modify": "update"}[action]
        part = Part(declared["Type"], name, properties, policy)
        try:
            self.cloud.check(verb, logical_id)
            if change.get("Replacement") == "True":
                # "You can't perform an update that causes a custom-named resource to be replaced"
                # (TemplateReference/aws-properties-name.html).
                raise Refused(
                    "CloudFormation cannot update a stack when a custom-named resource "
                    f"requires replacing. Rename {name} and update the stack again."
                )
            if part.type in TABLES:
                self._apply_table(part, verb)
        except Refused as refused:
            part.status, part.reason = f"{verb.upper()}_FAILED", str(refused)
            self._event(stack, logical_id, part, part.status, part.reason)
            raise
        if verb == "update":
            part.new, part.adopted = False, stack.parts[logical_id].adopted
        part.adopted = part.adopted or verb == "import"
        part.status = f"{verb.upper()}_COMPLETE"
        stack.parts[logical_id] = part
        self._event(stack, logical_id, part, part.status)

    def _apply_table(self, part: Part, verb: str) -> None:
        protected = bool(part.properties.get("DeletionProtectionEnabled"))
        if verb == "create":
            if (part.name, self.region) in self.cloud.tables:
                raise Refused(f"{part.name} already exists")
            self.cloud.put_table(part.name, self.region, part.properties, protected=protected)
        elif verb == "update":
            # An adopted table is left as it was found until a property of the template changes.
            self.cloud.table(part.name, self.region)["DeletionProtectionEnabled"] = protected

    def _remove(self, stack: Stack, changes: list[Any]) -> None:
        """What an update removes goes at its end; "Retain" keeps it."""
        for change in changes:
            logical_id = change["ResourceChange"]["LogicalResourceId"]
            if change["ResourceChange"]["Action"] == "Remove":
                if stack.parts[logical_id].policy in RETAINING:
                    del stack.parts[logical_id]
                else:
                    self._delete(stack, logical_id)

    def _roll_back(self, stack: Stack) -> None:
        """Undoes an operation that failed.

        A failed creation: CODES, ROLLBACK_COMPLETE: "Any resources that were created during the
        create stack operation are deleted", but for those with the policy Retain. What was adopted
        was not created, and stays. A failed update: the stack has its former template again; new
        resources are deleted afterwards, in UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS, in which
        "the stack has been rolled back to its previous working state and is usable": what cannot be
        deleted is left behind.
        """
        before = stack.before
        self._say(stack, "UPDATE_ROLLBACK_IN_PROGRESS" if before else "ROLLBACK_IN_PROGRESS")
        failed = False
        for logical_id, part in list(stack.parts.items())[::-1]:
            if part.new:
                if part.adopted or part.policy == "Retain":
                    del stack.parts[logical_id]
                elif not self._delete(stack, logical_id):
                    failed = True
            elif before and part is not before.parts.get(logical_id):
                failed |= not self._revert(stack, logical_id, before.parts[logical_id])
        if before is None:
            self._end(stack, "ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE")
            return
        reverted = all(each.status != "UPDATE_FAILED" for each in stack.parts.values())
        if reverted:
            stack.template, stack.parameters = before.template, before.parameters
            stack.parts = dict(before.parts)
        self._end(stack, "UPDATE_ROLLBACK_COMPLETE" if reverted else "UPDATE_ROLLBACK_FAILED")

    def _revert(self, stack: Stack, logical_id: str, part: Part) -> bool:
        try:
            self.cloud.check("revert", logical_id)
        except Refused as refused:
            current = stack.parts[logical_id]
            current.status, current.reason = "UPDATE_FAILED", str(refused)
            self._event(stack, logical_id, current, "UPDATE_FAILED", str(refused))
            return False
        if part.type in TABLES:
            self._apply_table(part, "update")
        stack.parts[logical_id] = part
        return True

    def _delete(self, stack: Stack, logical_id: str) -> bool:
        """Whether a resource could be deleted."""
        part = stack.parts[logical_id]
        try:
            self.cloud.check("delete", logical_id)
            table = self.cloud.tables.get((part.name, self.region))
            if part.type in TABLES and table:
                if table["DeletionProtectionEnabled"]:
                    raise Refused(PROTECTED)
                del self.cloud.tables[part.name, self.region]
            if part.type == "AWS::Kinesis::Stream":
                self._check_unused(part.name)
        except Refused as refused:
            part.status, part.reason = "DELETE_FAILED", str(refused)
            self._event(stack, logical_id, part, "DELETE_FAILED", str(refused))
            return False
        del stack.parts[logical_id]
        self._event(stack, logical_id, part, "DELETE_COMPLETE")
        return True

    def _check_unused(self, stream: str) -> None:
        """That no table goes on sending its changes to a stream that is deleted.

        AWS lets it; the table then names a stream that there is not.
        """
        for table in self.cloud.tables.values():
            for arn, status in table["Kinesis"].items():
                feeds = arn.endswith(f"/{stream}") and status != "DISABLED"
                assert not feeds, f"{table['TableName']} feeds {stream}, which is deleted"

    def _changes(
        self,
        stack: Stack,
        template: Mapping[str, Any],
        parameters: Mapping[str, str],
        *,
        adopts: bool,
    ) -> Iterator[dict[str, Any]]:
        conditions = template.get("Conditions", {})
        for logical_id, declared in template["Resources"].items():
            change = {"LogicalResourceId": logical_id, "ResourceType": declared["Type"]}
            properties = resolved(declared.get("Properties", {}), parameters, conditions)
            part = stack.parts.get(logical_id)
            if part is None:
                existing = self._can_import(declared) if adopts else None
                yield {**change, "Action": "Import" if existing else "Add"} | (
                    {"PhysicalResourceId": existing} if existing else {}
                )
            elif properties != part.properties:
                # TemplateReference/aws-resource-dynamodb-table.html, KeySchema and TableName:
                # "Update requires: Replacement".
                replaced = part.type in TABLES and any(
                    properties.get(key) != part.properties.get(key)
                    for key in ("KeySchema", "TableName")
                )
                yield {
                    **change,
                    "Action": "Modify",
                    "PhysicalResourceId": part.name,
                    "Replacement": "True" if replaced else "False",
                }
        for logical_id, part in stack.parts.items():
            if logical_id not in template["Resources"]:
                yield {
                    "LogicalResourceId": logical_id,
                    "ResourceType": part.type,
                    "Action": "Remove",
                    "PhysicalResourceId": part.name,
                    "PolicyAction": "Retain" if part.policy in RETAINING else "Delete",
                }

    def _can_import(self, declared: Mapping[str, Any]) -> str | None:
        """The name of an existing table that is adopted.

        UserGuide/import-resources-automatically.html: "The resource must have a static custom name
        defined in your template. Dynamic names (using !Ref or other functions) are not currently
        supported."
        """
        name = declared.get("Properties", {}).get("TableName")
        static = declared["Type"] in TABLES and isinstance(name, str)
        return name if static and (name, self.region) in self.cloud.tables else None

    def _cannot_import(self, changes: list[Any], template: Mapping[str, Any]) -> str | None:
        """Why a change set fails. The same page: "must have a DeletionPolicy of Retain or
        RetainExceptOnCreate"; "must not already belong to another CloudFormation stack".
        """
        for change in changes:
            if change["Action"] != "Import":
                continue
            name = change["PhysicalResourceId"]
            policy = template["Resources"][change["LogicalResourceId"]].get("DeletionPolicy")
            if policy not in RETAINING:
                return (
                    "CloudFormation is attempting to import some resources because they already "
                    "exist in your account. The resources must have the DeletionPolicy attribute "
                    f"set to 'Retain' or 'RetainExceptOnCreate' in the template: {name}"
                )
            for stack in self.cloud.stacks.values():
                if any(part.name == name for part in stack.parts.values()):
                    return f"{name} already exists in stack {stack.id}"
        return None

    def _parameters(
        self, template: Mapping[str, Any], given: list[Any], stack: Stack
    ) -> dict[str, str]:
        declared = template.get("Parameters", {})
        values = {name: each["Default"] for name, each in declared.items() if "Default" in each}
        for each in given:
            name = each["ParameterKey"]
            if name not in declared:
                raise self._invalid(
                    f"Parameters: [{name}] do not exist in the template", "CreateChangeSet"
                )
            previous = each.get("UsePreviousValue")
            values[name] = stack.parameters[name] if previous else each["ParameterValue"]
        for name in declared.keys() - values.keys():
            raise self._invalid(f"Parameters: [{name}] must have values", "CreateChangeSet")
        return values

    def _new(self, name: str) -> Stack:
        id = f"arn:aws:cloudformation:{self.region}:1:stack/{name}/{self.cloud.serial()}"
        stack = Stack(id, name, "REVIEW_IN_PROGRESS")
        self.cloud.stacks[id] = stack
        self._say(stack, "REVIEW_IN_PROGRESS")
        return stack

    def _found(self, name: str) -> Stack | None:
        try:
            return self.cloud.stack(name)
        except KeyError:
            return self.cloud.stacks.get(name)

    def _stack(self, name: str, operation: str) -> Stack:
        found = self._found(name)
        if found is None:
            raise self._invalid(f"Stack with id {name} does not exist", operation)
        return found

    def _change_set(self, stack: str, id: str, operation: str) -> dict[str, Any]:
        found = self.cloud.change_sets.get(id)
        if found is None or found["StackId"] != self._stack(stack, operation).id:
            raise error("ChangeSetNotFound", f"ChangeSet [{id}] does not exist", operation)
        return found

    def _invalid(self, message: str, operation: str) -> ClientError:
        return error("ValidationError", message, operation)

    def _begin(self, stack: Stack, status: str) -> None:
        stack.status = status
        self._say(stack, status)

    def _end(self, stack: Stack, status: str) -> None:
        self._say(stack, status)
        if not stack.status.endswith("_IN_PROGRESS"):
            stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        stack.coming = [status]

    def _say(self, stack: Stack, status: str) -> None:
        itself = Part("AWS::CloudFormation::Stack", stack.id, {})
        self._event(stack, stack.name, itself, status)

    def _event(
        self, stack: Stack, logical_id: str, part: Part, status: str, reason: str = ""
    ) -> None:
        stack.events.append(
            {
                "LogicalResourceId": logical_id,
                "PhysicalResourceId": part.name,
                "ResourceType": part.type,
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
            }
        )

    def _description(self, stack: Stack) -> dict[str, Any]:
        return {
            "StackName": stack.name,
            "StackId": stack.id,
            "StackStatus": stack.look(),
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in stack.parameters.items()
            ],
            "Outputs": [
                {"OutputKey": "EndpointURL", "OutputValue": f"https://{stack.name}.example/v1/"},
                {"OutputKey": "RestAPIId", "OutputValue": stack.name},
                *(
                    {"OutputKey": name, "OutputValue": output["Value"]}
                    for name, output in stack.template.get("Outputs", {}).items()
                ),
            ]
            if stack.parts
            else [],
        }
