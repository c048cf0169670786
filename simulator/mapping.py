"""Mapping: the settings of an event source mapping, by AWS's names, defaults and bounds.

From "Lambda parameters for Amazon DynamoDB event source mappings" (AWS Lambda Developer Guide,
services-ddb-params) and CreateEventSourceMapping (AWS Lambda API Reference).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_PAYLOAD = 6_000_000
"""Bytes of an event: Lambda's limit of a synchronous invocation, 6 MB."""

FOREVER = -1
"""As a number of retries or an age in seconds: until the stream itself forgets the record."""


@dataclass(frozen=True, kw_only=True)
class SourceMapping:
    """How Lambda feeds one function from one stream.

    Times are in seconds. `filters` are patterns of `simulator.filters`, of which a record
    must satisfy any; none let everything through. `retry_seconds` is the shortest and the longest
    wait before a batch is tried again: AWS waits too, and does not say how long. Raises ValueError
    for what AWS would refuse.
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
    retry_seconds: tuple[float, float] = (0.05, 5.0)

    def __post_init__(self) -> None:
        _check("BatchSize", 1, self.batch_size, 10_000)
        _check("MaximumBatchingWindowInSeconds", 0, self.batching_window, 300)
        _check("MaximumRetryAttempts", -1, self.max_retries, 10_000)
        _check("MaximumRecordAgeInSeconds", -1, self.max_age, 604_800)
        _check("ParallelizationFactor", 1, self.parallelization, 10)
        _check("FilterCriteria", 0, len(self.filters), 10)
        if self.starting_position not in ("TRIM_HORIZON", "LATEST"):
            raise ValueError(f"StartingPosition cannot be {self.starting_position}")

    @classmethod
    def of(
        cls, properties: Mapping[str, Any], retry_seconds: tuple[float, float] = (0.05, 5.0)
    ) -> "SourceMapping":
        """The mapping that these properties of CloudFormation, SAM or the API describe."""
        return cls(
            batch_size=properties.get("BatchSize", 100),
            batching_window=properties.get("MaximumBatchingWindowInSeconds", 0),
            starting_position=properties["StartingPosition"],
            report_failures="ReportBatchItemFailures"
            in properties.get("FunctionResponseTypes", ()),
            bisect=properties.get("BisectBatchOnFunctionError", False),
            max_retries=properties.get("MaximumRetryAttempts", FOREVER),
            max_age=properties.get("MaximumRecordAgeInSeconds", FOREVER),
            parallelization=properties.get("ParallelizationFactor", 1),
            filters=tuple(
                json.loads(wanted["Pattern"])
                for wanted in properties.get("FilterCriteria", {}).get("Filters", ())
            ),
            retry_seconds=retry_seconds,
        )


def _check(name: str, low: float, value: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} is {low} to {high}, not {value}")
