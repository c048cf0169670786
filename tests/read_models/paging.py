"""Paging: a listing followed to its end."""

from collections.abc import Iterator
from typing import Any

import msgspec

from tests.ask import ask


def pages(query: Any) -> Iterator[Any]:
    """Each page of what a query asks for."""
    while True:
        page = ask(query)
        yield page
        if page.next_cursor is None:
            return
        query = msgspec.structs.replace(query, cursor=page.next_cursor)
