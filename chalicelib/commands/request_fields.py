"""Request fields: the fields that bodies of the Write API have in common, and what they say.

An amount is kept as the raw JSON it came as, so that `1.0`, `1e3` and `true` are seen for what
they are, and are refused as amounts.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from chalicelib.domain.errors import InvalidAmount
from chalicelib.domain.fields import (
    MAX_AMOUNT,
    NOT_WHOLE,
    check_id,
    check_metadata,
    check_new_id,
    check_reference,
    parse_amount,
    parse_limit,
)
from chalicelib.http.faults import Check

_DIGITS = "[1-9][0-9]{0,30}"
Amount = Annotated[
    Raw,
    Meta(
        extra_json_schema={
            "oneOf": [
                {"type": "string", "pattern": f"^{_DIGITS}$"},
                {"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT},
            ],
            "examples": ["1000"],
        }
    ),
    Check(lambda raw, where: amount_of(raw, where)),
]
"""An amount as a request may write it; what it says is the domain's to judge."""

Limit = Annotated[
    Raw,
    Meta(
        extra_json_schema={
            "oneOf": [
                {"type": "string", "pattern": f"^(0|-?{_DIGITS})$"},
                {"type": "integer", "minimum": -MAX_AMOUNT, "maximum": MAX_AMOUNT},
                {"type": "null"},
            ]
        }
    ),
    Check(lambda raw, where: limit_of(raw, where)),
]
"""Likewise a limit; null where there is none."""


def parts_of(request: str) -> Meta:
    """How the OpenAPI document describes the parts of a batch, which are read one by one."""
    items = {"$ref": f"#/components/schemas/{request}"}
    return Meta(extra_json_schema={"items": items, "minItems": 1, "maxItems": 100})


AccountId = Annotated[str, Check(check_id)]
NewId = Annotated[str, Check(check_new_id)]
Metadata = Annotated[Mapping[str, str], Check(lambda metadata, _: check_metadata(metadata))]
Reference = Annotated[str, Check(lambda reference, _: check_reference(reference))]


def amount_of(raw: Raw, where: str) -> int:
    """The amount that a field says. Raises InvalidAmount."""
    return parse_amount(_value_of(raw, where), where)


def limit_of(raw: Raw, where: str) -> int | None:
    """The limit that a field says; None for none. Raises InvalidAmount."""
    return parse_limit(_value_of(raw, where), where)


def _value_of(raw: Raw, where: str) -> int | str | None:
    try:
        return msgspec.json.decode(raw, type=int | str | None)
    except msgspec.ValidationError:
        raise InvalidAmount(where, NOT_WHOLE) from None
