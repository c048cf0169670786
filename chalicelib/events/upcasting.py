"""Upcasting: events as older builds stored them, brought up to the shape that this one knows.

An event is never rewritten: what is stored is hashed, and stays. To change the shape of a type, add
a step here from its newest schema to the next; fields with a default need none. (G. Young,
"Versioning in an Event Sourced System", 2017.)
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chalicelib.domain.fields import rfc3339

Fields = dict[str, Any]
Step = Callable[[Fields, datetime], Fields]
"""From an event's stored fields, and when it was recorded, to those of the next schema."""


def _say_when_it_was_created(fields: Fields, recorded_at: datetime) -> Fields:
    """Before there were holds a transaction had one event, whose own time this is."""
    return {**fields, "created_at": rfc3339(recorded_at)}


def _name_no_account_events(fields: Fields, recorded_at: datetime) -> Fields:  # noqa: ARG001  # A step's two arguments.
    """Before chains witnessed each other a transaction did not name the events of its accounts."""
    return {**fields, "account_events": None}


STEPS: dict[str, tuple[Step, ...]] = {
    "TransactionPosted": (_say_when_it_was_created, _name_no_account_events),
    "TransactionHeld": (_name_no_account_events,),
    "HoldPosted": (_name_no_account_events,),
    "HoldVoided": (_name_no_account_events,),
    "HoldExpired": (_name_no_account_events,),
    "TransactionReversed": (_name_no_account_events,),
}
"""The steps of each type, from its first schema on; a type without any is at schema 1."""


def schema_of(type: str) -> int:
    """The present schema of an event type."""
    return 1 + len(STEPS.get(type, ()))


def upcast(type: str, schema: int, fields: Fields, recorded_at: datetime) -> Fields:
    """The fields as the present schema has them."""
    for step in STEPS.get(type, ())[schema - 1 :]:
        fields = step(fields, recorded_at)
    return fields
