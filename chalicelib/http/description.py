"""Public routes with the API's description: an OpenAPI document, and a page for people.

`python -m ops openapi` makes the document from the routes of all stages; the page is made from it
when it is first asked for. The Read APIs serve both. They may be cached for an hour, and
revalidated by their ETag.
"""

import hashlib
import json
from functools import cache, lru_cache
from pathlib import Path

from chalicelib.http.docs_page import page
from chalicelib.http.request import Request
from chalicelib.http.response import Response
from chalicelib.http.router import Router

OPENAPI = Path(__file__).with_name("openapi.json")

# The hash of the page's only style; a test compares it.
_STYLE = "sha256-n9THU796Ps7AVGur08A5Hw4BYYioxmmt+3O799D7K0k="
_POLICY = f"default-src 'none'; style-src '{_STYLE}'; base-uri 'none'; form-action 'none'"

routes = Router(__name__)


@routes.public("/openapi.json")
def openapi(request: Request) -> Response[str]:
    """The API as an OpenAPI 3.1 document."""
    return _cacheable(request, _document(request.root), {})


@routes.public("/docs")
def docs(request: Request) -> Response[str]:
    """The API as a page for people."""
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": _POLICY}
    return _cacheable(request, _page(), headers)


def _cacheable(request: Request, text: str, headers: dict[str, str]) -> Response[str]:
    """The text, or 304 if the caller has it."""
    etag = _etag(text)
    kept = {"Cache-Control": "public, max-age=3600", "Vary": "Accept-Encoding", "ETag": etag}
    if _has(request.header("If-None-Match"), etag):
        return Response("", status=304, headers={**headers, **kept})
    return Response(text, headers={**headers, **kept})


@lru_cache(maxsize=8)
def _document(root: str) -> str:
    """The document, whose first server is the one that was asked."""
    described = json.loads(OPENAPI.read_text())
    described["servers"][0] = {"url": root, "description": "The server of this document."}
    return json.dumps(described, ensure_ascii=False, separators=(",", ":"))


@cache
def _page() -> str:
    return page(json.loads(OPENAPI.read_text()))


@lru_cache(maxsize=16)
def _etag(text: str) -> str:
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _has(if_none_match: str | None, etag: str) -> bool:
    """Whether `If-None-Match` contains this ETag, also as a weak one (RFC 9110, 13.1.2)."""
    named = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return etag in named or "*" in named
