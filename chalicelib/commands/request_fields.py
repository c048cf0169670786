"""Request fields: the fields that bodies of the Write API have in common.

An amount or a limit is kept as the raw JSON it came as, so that `1.0`, `1e3` and `true` are seen
for what they are, and are refused as amounts.
"""

from typing import Annotated

from msgspec import Meta, Raw

from chalicelib.domain.fields import check_metadata, check_new_id
from chalicelib.http.faults import Check
from chalicelib.http.field_types import AccountId, TextMap, described

DIGITS = "[1-9][0-9]{0,30}"
"""An amount in a JSON string, as a regular expression."""

NewId = Annotated[AccountId, Check(check_new_id)]
Metadata = Annotated[
    TextMap,
    Check(lambda metadata, _: check_metadata(metadata)),
    described(
        "Names and values of your own, all of them strings, at most 4096 bytes of JSON. "
        "Default: none."
    ),
]


def part(request: str) -> Meta:
    """How the OpenAPI document describes a part of a batch, which is read on its own."""
    return Meta(extra_json_schema={"$ref": f"#/components/schemas/{request}"})


NewAccountPart = Annotated[Raw, part("OpenAccountRequest")]
NewTransactionPart = Annotated[Raw, part("NewTransactionRequest")]
