"""Response: what a view answers with."""

from collections.abc import Mapping
from typing import Generic, TypeVar

import msgspec

_Body = TypeVar("_Body")


class Response(msgspec.Struct, Generic[_Body], frozen=True):
    """A body with its status and headers: a message, or text of the `Content-Type` it names."""

    body: _Body
    status: int = 200
    headers: Mapping[str, str] = {}
