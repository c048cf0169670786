"""Description: the API as an OpenAPI document, and as a page for people. Open to all.

Both are files, made by `python -m ops openapi` from the routes of all stages. A stage that serves
reads describes the whole API; a stage that only writes serves neither. Clients and caches keep both
for an hour, and then ask whether they have changed.
"""

import hashlib
from functools import cache
from pathlib import Path

from chalicelib.http.request import Request
from chalicelib.http.response import Response
from chalicelib.http.router import Router

OPENAPI = Path(__file__).with_name("openapi.json")
DOCS = Path(__file__).with_name("docs.html")

# Of the page's one style; a test compares.
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
    """The file, or 304 without a body where the caller has it."""
    text, etag = _page(file)
    # API Gateway compresses for those who accept it.
    kept = {"Cache-Control": "public, max-age=3600", "Vary": "Accept-Encoding", "ETag": etag}
    if _has(request.header("If-None-Match"), etag):
        return Response("", status=304, headers={**headers, **kept})
    return Response(text, headers={**headers, **kept})


@cache
def _page(file: Path) -> tuple[str, str]:
    """A file as it is served: its text, and an ETag that changes with it."""
    raw = file.read_bytes()
    return raw.decode(), f'"{hashlib.sha256(raw).hexdigest()[:32]}"'


def _has(if_none_match: str | None, etag: str) -> bool:
    """Whether the caller names this ETag. A weak one counts (RFC 9110, 13.1.2)."""
    named = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return etag in named or "*" in named
