"""Public routes with the API's description: an OpenAPI document, and a page for people.

`python -m ops openapi` makes both files from the routes of all stages. The Read APIs serve them.
They may be cached for an hour, and revalidated by their ETag.
"""

import hashlib
from functools import cache
from pathlib import Path

from chalicelib.http.request import Request
from chalicelib.http.response import Response
from chalicelib.http.router import Router

OPENAPI = Path(__file__).with_name("openapi.json")
DOCS = Path(__file__).with_name("docs.html")

# The hash of the page's only style; a test compares it.
_STYLE = "sha256-n9THU796Ps7AVGur08A5Hw4BYYioxmmt+3O799D7K0k="
_POLICY = f"default-src 'none'; style-src '{_STYLE}'; base-uri 'none'; form-action 'none'"

routes = Router(__name__)


@routes.public("/openapi.json")
def openapi(request: Request) -> Response[str]:
    """The API as an OpenAPI 3.1 document."""
    return _cacheable(request, OPENAPI, {})


@routes.public("/docs")
def docs(request: Request) -> Response[str]:
    """The API as a page for people."""
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": _POLICY}
    return _cacheable(request, DOCS, headers)


def _cacheable(request: Request, file: Path, headers: dict[str, str]) -> Response[str]:
    """The file, or 304 if the caller has it."""
    text, etag = _page(file)
    kept = {"Cache-Control": "public, max-age=3600", "Vary": "Accept-Encoding", "ETag": etag}
    if _has(request.header("If-None-Match"), etag):
        return Response("", status=304, headers={**headers, **kept})
    return Response(text, headers={**headers, **kept})


@cache
def _page(file: Path) -> tuple[str, str]:
    raw = file.read_bytes()
    return raw.decode(), f'"{hashlib.sha256(raw).hexdigest()[:32]}"'


def _has(if_none_match: str | None, etag: str) -> bool:
    """Whether `If-None-Match` contains this ETag, also as a weak one (RFC 9110, 13.1.2)."""
    named = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return etag in named or "*" in named
