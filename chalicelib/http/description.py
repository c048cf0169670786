"""Public routes with the API's description: an OpenAPI document, and the API reference for people.

`python -m ops openapi` makes the document from the routes of all stages. The reference is a page
of a vendored library (`reference/`), which reads the document in the browser. The Read APIs serve
them. They may be cached for an hour, and revalidated by their ETag; on a laptop, where settings
change, they are always revalidated.
"""

import json
from functools import lru_cache
from pathlib import Path

from chalicelib.http.cached import cacheable, led_to, text_of
from chalicelib.http.request import Request
from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.settings import settings

OPENAPI = Path(__file__).with_name("openapi.json")

REFERENCE = Path(__file__).with_name("reference")

_LAPTOP = "http://127.0.0.1:8000"
"""The server of the samples in the document."""

# The library puts its styles into the page. It may call this origin only: no request, and so no
# key that is entered for a trial request, goes anywhere else.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

routes = Router(__name__)


_SIGNED = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "x-amazon-apigateway-authtype": "awsSigv4",
    "description": "A signature of the request (AWS Signature Version 4, service `execute-api`), "
    "by a caller whose IAM policies allow it.",
}
"""The security scheme of IAM, as API Gateway writes it in its own documents."""


@routes.public("/openapi.json")
def openapi(request: Request) -> Response[str]:
    """The API as an OpenAPI 3.1 document."""
    return cacheable(request, _document(request.root, settings().auth), "application/json")


@routes.public("/docs")
def docs(request: Request) -> Response[str]:
    """The API reference, a page for people."""
    if request.ends_with_slash:  # The addresses in the page are relative.
        return led_to("../docs", 308)
    return cacheable(
        request,
        text_of(REFERENCE / "index.html"),
        "text/html; charset=utf-8",
        {"Content-Security-Policy": _POLICY},
    )


@routes.public("/docs/scalar.js", described=False)
def docs_script(request: Request) -> Response[str]:
    """The script of the API reference."""
    script = text_of(REFERENCE / "scalar.js")
    return cacheable(request, script, "text/javascript; charset=utf-8")


@lru_cache(maxsize=8)
def _document(root: str, auth: str) -> str:
    """The document, whose first server is the one that was asked, with its authentication only. One
    on this computer is also the one of the samples.
    """
    text = OPENAPI.read_text()
    if root.startswith("http://"):
        text = text.replace(_LAPTOP, root)
    described = json.loads(text)
    described["servers"][0] = {"url": root, "description": "The server of this document."}
    schemes = {**described["components"].pop("securitySchemes"), "iam": _SIGNED}
    described["security"] = []
    if auth != "none":
        scheme = "key" if auth == "keys" else auth
        described["security"] = [{scheme: []}]
        described["components"]["securitySchemes"] = {scheme: schemes[scheme]}
    return json.dumps(described, ensure_ascii=False, separators=(",", ":"))
