"""CORS: pages of other origins that may call this API from a browser.

Off unless the settings allow an origin. A preflight request is answered without a key, since
browsers send none with it (https://fetch.spec.whatwg.org/#cors-preflight-fetch). Cookies are never
used, so `Access-Control-Allow-Credentials` is not sent. The responses of API Gateway itself have
their headers from `ops/gateway.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chalice.app import Chalice
from chalice.app import Response as ChaliceResponse

from chalicelib.http.router import Router
from chalicelib.settings import settings

EXPOSED = (
    *("Allow", "ETag", "Idempotency-Replayed", "Location", "Retry-After", "WWW-Authenticate"),
    "x-amzn-RequestId",
)
"""The response headers that a page may read, besides those that any page may."""

ACCEPTED = (
    *("Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"),
    # Of a signed request, where callers authenticate by IAM.
    *("X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token"),
)
"""The request headers that a page may send."""

MAX_AGE_SECONDS = 7200
"""How long a browser may remember a preflight response: Chromium's longest."""


def allow(app: Chalice, routers: Iterable[Router]) -> None:
    """Answers preflight requests for all paths that need a key, if the settings allow an origin.

    A request without a key needs no preflight.
    """
    if not settings().allowed_origins:
        return
    guarded = {route.path for router in routers for route in router.declared if route.scope}
    for path in sorted(guarded):
        app.route(path, methods=["OPTIONS"], content_types=["*/*"])(_preflight(app, path))


def with_cors(event: Any, get_response: Callable[[Any], ChaliceResponse]) -> ChaliceResponse:
    """Middleware, where an origin is allowed: adds the headers by which its page can read the
    response.
    """
    response = get_response(event)
    response.headers.update(headers_for(event.headers.get("Origin"), response.headers))
    return response


def headers_for(origin: str | None, given: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a response to a request of this origin, besides those given."""
    allowed = settings().allowed_origins
    if not allowed:
        return {}
    headers = {"Vary": ", ".join(filter(None, [given.get("Vary"), "Origin"]))}
    if origin in allowed:
        headers["Access-Control-Allow-Origin"] = str(origin)
        headers["Access-Control-Expose-Headers"] = ", ".join(EXPOSED)
    return headers


def _preflight(app: Chalice, path: str) -> Callable[..., ChaliceResponse]:
    def preflight(**_: str) -> ChaliceResponse:
        methods = ", ".join(sorted(app.routes[path]))
        headers: dict[str, str | list[str]] = {"Allow": methods, "Content-Type": "text/plain"}
        request = app.current_request
        if request and request.headers.get("Origin") in settings().allowed_origins:
            headers["Access-Control-Allow-Methods"] = methods
            headers["Access-Control-Allow-Headers"] = ", ".join(ACCEPTED)
            headers["Access-Control-Max-Age"] = str(MAX_AGE_SECONDS)
        return ChaliceResponse(body="", status_code=200, headers=headers)

    return preflight
