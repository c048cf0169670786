"""Leftovers: the Lambdas' log groups, which `chalice delete` leaves without a retention."""

from collections.abc import Iterator
from typing import Any

from ops.stages import Stage
from ops.tuning.deployed import function_name
from ops.tuning.handling import unless


def log_groups(stage: Stage) -> list[str]:
    """The log groups of a stage's Lambdas, and the one that Chalice makes for none of them."""
    names = [function_name(stage, function) for function in stage.functions]
    return [f"/aws/lambda/{name}" for name in [*names, f"{stage.stack}-api_handler"]]


def delete(logs: Any, stage: Stage) -> Iterator[str]:
    """Deletes them; a line for people about each that was there."""
    for name in log_groups(stage):
        if (
            unless("ResourceNotFoundException", logs.delete_log_group, logGroupName=name)
            is not None
        ):
            yield f"  deleted: the log group {name}"
