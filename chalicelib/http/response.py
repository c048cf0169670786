"""Response: the result of a view."""

from collections.abc import Mapping
from typing import Generic, TypeVar

import msgspec

_Body = TypeVar("_Body")


class Response(msgspec.Struct, Generic[_Body], frozen=True):
    """A body with its status and headers: a message, or text with its `Content-Type`."""

    body: _Body
    status: int = 200
    headers: Mapping[str, str] = {}
