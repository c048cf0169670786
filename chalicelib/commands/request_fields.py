"""Request fields: the fields that bodies of the Write API have in common.

An amount or a limit is kept as the raw JSON it came as, so that `1.0`, `1e3` and `true` are seen
for what they are, and are refused as amounts.
"""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from chalicelib.domain.fields import check_metadata, check_new_id
from chalicelib.http.faults import Check

DIGITS = "[1-9][0-9]{0,30}"
"""An amount in a JSON string, as a regular expression."""

NewId = Annotated[str, Check(check_new_id)]
Metadata = Annotated[Mapping[str, str], Check(lambda metadata, _: check_metadata(metadata))]


def parts_of(request: str) -> Meta:
    """How the OpenAPI document describes the parts of a batch, which are read one by one."""
    items = {"$ref": f"#/components/schemas/{request}"}
    return Meta(extra_json_schema={"items": items, "minItems": 1, "maxItems": 100})
