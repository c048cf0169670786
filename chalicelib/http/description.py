"""Description: the API as an OpenAPI document, and as a page for people. Open to all, on any stage.

Both are files, made by `python -m ops openapi` from what the routes of all stages promise: a stage
describes the whole API, though it loads a part of it.
"""

from pathlib import Path

from chalicelib.http.door import Answer, Door, Incoming

OPENAPI = Path(__file__).with_name("openapi.json")
DOCS = Path(__file__).with_name("docs.html")

# Of the page's one style; a test compares.
_STYLE = "sha256-n9THU796Ps7AVGur08A5Hw4BYYioxmmt+3O799D7K0k="
_POLICY = f"default-src 'none'; style-src '{_STYLE}'; base-uri 'none'; form-action 'none'"

description = Door(__name__)


@description.open("/openapi.json")
def openapi(incoming: Incoming) -> Answer:
    """The API as an OpenAPI 3.1 document."""
    incoming.only()
    return Answer(OPENAPI.read_text())


@description.open("/docs")
def docs(incoming: Incoming) -> Answer:
    """The API as a page for people."""
    incoming.only()
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": _POLICY}
    return Answer(DOCS.read_text(), headers=headers)
