"""Running: the bytes of transfers in tables and logs, and the alarms and dashboards to pay for.

Bytes are counted on the engine that is connected, alarms and dashboards in the stages' templates.
"""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from math import ceil
from typing import Any
from unittest.mock import patch
from uuid import UUID

from chalice.test import Client

from benchmarks.api import COMMANDS, Api, furnish
from benchmarks.invocations import delivery
from benchmarks.projectors import BUSY, QUIET
from benchmarks.rows import STACKS
from benchmarks.units import item_size
from chalicelib import telemetry
from chalicelib.events.recorded import Recorded
from chalicelib.local.environment import TABLES
from chalicelib.settings import settings
from ops.gateway import ACCESS_LOG
from ops.stages import stages
from ops.template import extras

ITEM_OVERHEAD_BYTES = 100
"""Billed for an item beside its content (DynamoDB Developer Guide, "DynamoDB item sizes and
formats")."""

LINE_OVERHEAD_BYTES = 26
"""Billed for a line beside its text (CloudWatch Logs API reference, PutLogEvents)."""

INVOCATION_LOG_BYTES = 420
"""Of the lines START, END and REPORT of an invocation: assumed."""

ACCESS_VALUE_BYTES = 18
"""Of a value in a line of the access log, on average: assumed."""

EVENTS = 3
"""The events of a transfer between two accounts."""

BATCH_EVENTS = {BUSY: 100, QUIET: EVENTS}
"""The events of a projector's batch."""

_TRANSFERS = 200


def measure(client: Client) -> dict[str, Any]:
    """Bytes that a transfer leaves in each table and in the logs; alarms and dashboards of an
    environment.
    """
    from tests.deliveries import events_of  # Here, since most who import this have no use for it.

    api = furnish(client, "running", size=2 * _TRANSFERS)
    before, known = _stored(), len(events_of(api.ledger))
    _transfer(api)
    command = _logged(_answer) + INVOCATION_LOG_BYTES + _access_line()
    events = [
        # Each transfer is a request of its own, which the test client does not say.
        replace(event, command_id=str(UUID(int=place // EVENTS)))
        for place, event in enumerate(events_of(api.ledger)[known:])
    ]
    projectors = {pace: _projected(events, size) for pace, size in BATCH_EVENTS.items()}
    return {
        "stored_bytes": {
            table: (after - before[table]) / _TRANSFERS for table, after in _stored().items()
        },
        "logged_bytes": {"command": command, "projectors": projectors},
        "alarms": _resources("AWS::CloudWatch::Alarm"),
        "dashboards": _resources("AWS::CloudWatch::Dashboard"),
    }


def _transfer(api: Api) -> None:
    """Transfers between different accounts, as many as are measured."""
    (transfer,) = [one for one in COMMANDS if one.name == "transfer, 2 entries"]
    names = api.accounts
    for start in range(0, len(names), 2):
        api.accounts = names[start : start + 2]
        transfer.ready(api)()
    api.accounts = names


def _answer() -> None:
    """Logs the answers of as many transfers, as the API does; the test client hides its output."""
    for number in range(_TRANSFERS):
        telemetry.answered("post_transaction", "ok", 201, str(UUID(int=number)))


def _projected(events: Sequence[Recorded], size: int) -> float:
    """Bytes in the logs of both projectors for each transfer, in batches of this many events."""

    def project() -> None:
        for start in range(0, len(events), size):
            for group in STACKS.values():
                group.project(delivery(events[start : start + size]), None)

    invocations = len(STACKS) * ceil(len(events) / size) / _TRANSFERS
    return _logged(project) + invocations * INVOCATION_LOG_BYTES


def _logged(work: Callable[[], None]) -> float:
    """The bytes that `work` logs for each transfer, as a Lambda would."""
    with _log() as log:
        work()
    lines = log.getvalue().splitlines()
    return sum(len(line.encode()) + LINE_OVERHEAD_BYTES for line in lines) / _TRANSFERS


@contextmanager
def _log() -> Iterator[io.StringIO]:
    log = io.StringIO()
    handler: Any = telemetry.logger.handlers[0]
    stream, level = handler.setStream(log), telemetry.logger.log_level
    in_lambda = replace(settings(), in_lambda=True)
    telemetry.logger.setLevel("INFO")
    try:
        with (
            redirect_stdout(log),
            patch.dict(os.environ, {"POWERTOOLS_METRICS_DISABLED": "false"}),
            patch.object(telemetry, "settings", lambda: in_lambda),
        ):
            yield log
    finally:
        telemetry.logger.setLevel(level)
        handler.setStream(stream)


def _access_line() -> int:
    fixed = sum(len(name) + len('"": "", ') for name in ACCESS_LOG)
    return fixed + len(ACCESS_LOG) * ACCESS_VALUE_BYTES + LINE_OVERHEAD_BYTES


def _stored() -> dict[str, int]:
    """Billed bytes in each table that has any."""
    return {
        model.Meta.table_name: sum(
            item_size(row.serialize()) + ITEM_OVERHEAD_BYTES for row in model.scan()
        )
        for model in TABLES
    }


def _resources(kind: str) -> int:
    """How many of a kind an environment's stages have."""
    return sum(
        resource.get("Type") == kind
        for stage in stages("prod")
        for resource in extras(stage)["Resources"].values()
    )
