"""Paging: all that a list of AWS has, page by page, as it is asked for."""

from collections.abc import Callable, Iterator
from typing import Any


def every(call: Callable[..., Any], key: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    """The entries that a call lists under this key, of all pages that `NextToken` leads to."""
    while True:
        page = call(**arguments)
        yield from page.get(key, [])
        if not page.get("NextToken"):
            return
        arguments["NextToken"] = page["NextToken"]
