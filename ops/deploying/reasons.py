"""Why the last operation on a stack failed. A plan never asks."""

from collections.abc import Iterator
from typing import Any

from ops.aws import every

_STARTS = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}
"""The statuses of a stack at the beginning of an operation."""


def failure_reasons(formation: Any, stack_id: str) -> list[str]:
    """What failed in the last operation on a stack, in the order in which it failed."""
    return list(_failures(formation, stack_id))[::-1]


def _failures(formation: Any, stack_id: str) -> Iterator[str]:
    """The failures of the last operation on a stack, the newest first."""
    for event in every(formation.describe_stack_events, "StackEvents", StackName=stack_id):
        status = event["ResourceStatus"]
        reason = event.get("ResourceStatusReason", "")
        is_the_stack = event["PhysicalResourceId"] == stack_id
        if "FAILED" in status and reason and "cancelled" not in reason and not is_the_stack:
            yield f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"
        if is_the_stack and status in _STARTS:
            return
