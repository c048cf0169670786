"""Calls: requests to the routes of one ledger, and decoding their replies."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import msgspec

from twofold.messages import Account, Transaction
from twofold.transport import Reply, Transport
from twofold.versions import Versions

Api = Literal["write", "accounts", "journal"]
"""The Write API and the two Read APIs, which may have addresses of their own."""

PAGE = 200
"""How many rows of a listing are fetched at a time: the most there may be."""

_Answer = TypeVar("_Answer")
_Made = TypeVar("_Made", Account, Transaction)


class Calls:
    """The routes of one ledger, below the addresses of the APIs. The versions in all answers are
    remembered.
    """

    def __init__(
        self, name: str, roots: Mapping[Api, str], transport: Transport, versions: Versions
    ) -> None:
        self._roots, self._path, self._transport = roots, f"/ledgers/{segment(name)}", transport
        self.versions = versions

    def get(
        self, api: Api, path: str, answer: type[_Answer], query: Mapping[str, str] | None = None
    ) -> _Answer:
        """The decoded reply to a GET of a path."""
        decoded = read(self.send_get(api, path, query or {}), answer)
        self.versions.see_all(decoded)
        return decoded

    def write(
        self,
        path: str,
        body: Any,
        *,
        method: str = "POST",
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        is_unfinished: Callable[[Reply], bool] = lambda _: False,
    ) -> Reply:
        """The reply to a write with this `key`; sent again while a reply is unfinished."""
        return self._transport.send(
            method,
            f"{self._roots['write']}{self._path}{path}",
            query=query or {},
            headers=headers or {},
            body=body,
            key=key,
            is_unfinished=is_unfinished,
        )

    def send_get(self, api: Api, path: str, query: Mapping[str, str]) -> Reply:
        """The reply to a read."""
        return self._transport.send("GET", f"{self._roots[api]}{self._path}{path}", query=query)

    def rows(
        self,
        api: Api,
        path: str,
        name: str,
        row: type[_Answer],
        query: Mapping[str, str],
        *,
        first: Reply | None = None,
        account: str | None = None,
    ) -> Iterator[_Answer]:
        """The rows of a listing, page by page; the first page may be given, and the account whose
        rows they are.
        """
        reply = first or self.send_get(api, path, query)
        while True:
            page = msgspec.json.decode(reply.body)
            for found in page[name]:
                decoded = convert(found, row)
                self.versions.see_all(decoded, account=account)
                yield decoded
            if page["next_cursor"] is None:
                return
            reply = self.send_get(api, path, {**query, "cursor": page["next_cursor"]})

    def written(self, reply: Reply, answer: type[_Answer]) -> _Answer:
        """The decoded reply to a write."""
        decoded = read(reply, answer)
        self.versions.see_all(decoded, written=True)
        return decoded

    def made(self, reply: Reply, answer: type[_Made]) -> _Made:
        """The created account or transaction, and whether an earlier request created it."""
        replayed = reply.headers.get("Idempotency-Replayed") == "true"
        return msgspec.structs.replace(self.written(reply, answer), replayed=replayed)

    def made_in_batch(self, result: Mapping[str, Any], part: str, answer: type[_Made]) -> _Made:
        """The created account or transaction that is a `part` of a batch's result, likewise."""
        decoded = convert({**result[part], "replayed": result.get("replayed", False)}, answer)
        self.versions.see_all(decoded, written=True)
        return decoded


def segment(id: str) -> str:
    """An id as one segment of a path."""
    return quote(id, safe="")


def query_of(**given: str | int | datetime | None) -> dict[str, str]:
    """A query string's parameters, without those that are None."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in given.items()
        if value is not None
    }


def keyed(key: str | None) -> dict[str, str]:
    """The header with the idempotency key of a request."""
    return {} if key is None else {"Idempotency-Key": key}


def read(reply: Reply, answer: type[_Answer]) -> _Answer:
    """A decoded reply; not strictly, since amounts are strings there and integers here."""
    return msgspec.json.decode(reply.body, type=answer, strict=False)


def convert(part: Any, answer: type[_Answer]) -> _Answer:
    """A decoded part of a reply, likewise."""
    return msgspec.convert(part, answer, strict=False)
