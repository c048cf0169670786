"""Responses that may be cached, and revalidated by their ETag (RFC 9110, section 13.1.2)."""

import hashlib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from chalicelib.http.request import Request
from chalicelib.http.response import Response
from chalicelib.settings import settings

REVALIDATED = "no-cache"
FOR_AN_HOUR = "public, max-age=3600"
FOR_EVER = "public, max-age=31536000, immutable"


def cacheable(
    request: Request,
    text: str,
    content_type: str,
    more: Mapping[str, str] | None = None,
    *,
    caching: str | None = None,
) -> Response[str]:
    """The text, or 304 if the caller has it.

    `caching` is its `Cache-Control`: by default for an hour, and on a laptop, where settings
    change, always revalidated.
    """
    default = REVALIDATED if settings().embedded else FOR_AN_HOUR
    # Browsers do not take all headers from a 304, so a page with another policy is another one.
    etag = _etag(text, *(more or {}).values())
    headers = {
        "Content-Type": content_type,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": caching or default,
        "Vary": "Accept-Encoding",
        "ETag": etag,
        **(more or {}),
    }
    if _has(request.header("If-None-Match"), etag):
        return Response("", status=304, headers=headers)
    return Response(text, headers=headers)


def led_to(location: str, status: int) -> Response[str]:
    """A redirect."""
    headers = {"Location": location, "Content-Type": "text/plain; charset=utf-8"}
    return Response("", status=status, headers=headers)


@cache
def text_of(file: Path) -> str:
    """The text of a file, which is read once."""
    return file.read_text()


@lru_cache(maxsize=64)
def _etag(*parts: str) -> str:
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f'"{digest[:32]}"'


def _has(if_none_match: str | None, etag: str) -> bool:
    """Whether `If-None-Match` contains this ETag, also as a weak one (RFC 9110, 13.1.2)."""
    named = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return etag in named or "*" in named
