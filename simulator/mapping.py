"""The settings of an event source mapping, with AWS's names, defaults and limits.

Sources: "Lambda parameters for Amazon DynamoDB event source mappings" (AWS Lambda Developer Guide,
services-ddb-params) and CreateEventSourceMapping (AWS Lambda API Reference).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_PAYLOAD = 6_000_000
"""Bytes of an event: Lambda's limit for a synchronous invocation, 6 MB."""

FOREVER = -1
"""As a number of retries or an age in seconds: no limit but the stream's own retention."""

_NUMBERS = {
    "BatchSize": ("batch_size", 1, 10_000),
    "MaximumBatchingWindowInSeconds": ("batching_window", 0, 300),
    "MaximumRetryAttempts": ("max_retries", -1, 10_000),
    "MaximumRecordAgeInSeconds": ("max_age", -1, 604_800),
    "ParallelizationFactor": ("parallelization", 1, 10),
}
"""AWS's name of each numeric setting, its name here, and its limits."""

_RETRY_SECONDS = (0.05, 5.0)


@dataclass(frozen=True, kw_only=True)
class SourceMapping:
    """How Lambda invokes one function with the records of one stream.

    Times are in seconds. A record is delivered if it matches any of the `filters`
    (`simulator.filters`), or if there are none. `retry_seconds` is the shortest and the longest
    wait before a retry, which AWS does not document. Raises ValueError for what AWS rejects.
    """

    batch_size: int = 100
    batching_window: float = 0
    starting_position: str = "TRIM_HORIZON"
    report_failures: bool = False
    bisect: bool = False
    max_retries: int = FOREVER
    max_age: float = FOREVER
    parallelization: int = 1
    filters: Sequence[Mapping[str, Any]] = ()
    retry_seconds: tuple[float, float] = _RETRY_SECONDS

    def __post_init__(self) -> None:
        for name, (field, low, high) in _NUMBERS.items():
            if not low <= getattr(self, field) <= high:
                raise ValueError(f"{name} is {low} to {high}, not {getattr(self, field)}")
        if len(self.filters) > 10:
            raise ValueError(f"FilterCriteria is 0 to 10, not {len(self.filters)}")
        if self.starting_position not in ("TRIM_HORIZON", "LATEST"):
            raise ValueError(f"StartingPosition cannot be {self.starting_position}")

    @classmethod
    def of(
        cls, properties: Mapping[str, Any], retry_seconds: tuple[float, float] = _RETRY_SECONDS
    ) -> "SourceMapping":
        """The mapping described by these properties of CloudFormation, SAM or the API."""
        filters = properties.get("FilterCriteria", {}).get("Filters", ())
        numbers: dict[str, Any] = {
            field: properties[name] for name, (field, *_) in _NUMBERS.items() if name in properties
        }
        return cls(
            **numbers,
            starting_position=properties["StartingPosition"],
            report_failures="ReportBatchItemFailures"
            in properties.get("FunctionResponseTypes", ()),
            bisect=properties.get("BisectBatchOnFunctionError", False),
            filters=tuple(json.loads(each["Pattern"]) for each in filters),
            retry_seconds=retry_seconds,
        )
