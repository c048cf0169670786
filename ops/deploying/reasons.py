"""Reasons: why the last operation on a stack failed, out of the stack's events."""

from collections.abc import Iterator
from typing import Any

from ops.aws import every

_STARTS = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}


def reasons(formation: Any, stack_id: str) -> list[str]:
    """What failed in the last operation on a stack, in the order in which it failed."""
    return list(_newest_first(formation, stack_id))[::-1]


def _newest_first(formation: Any, stack_id: str) -> Iterator[str]:
    events = every(formation.describe_stack_events, "StackEvents", StackName=stack_id)
    for event in events:
        status = event["ResourceStatus"]
        reason = event.get("ResourceStatusReason", "")
        is_the_stack = event["PhysicalResourceId"] == stack_id
        if "FAILED" in status and reason and "cancelled" not in reason and not is_the_stack:
            yield f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"
        if is_the_stack and status in _STARTS:
            return
