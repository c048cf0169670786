"""The console: public routes with the files of a page for people who keep books.

The page (`console/`) reads the Read APIs from the browser, with the key that its user enters. It is
served as it stands, without a build step; only the addresses of its files are completed by the
version of these files. A file with its version in the address never changes, so a browser asks
for it once, and never mixes the files of two releases.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

import msgspec

from chalicelib import __version__
from chalicelib.http.cached import FOR_EVER, REVALIDATED, cacheable, led_to, text_of
from chalicelib.http.problems import Problem
from chalicelib.http.request import Request
from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.settings import READ_APIS, settings

CONSOLE = Path(__file__).with_name("console")

CONFIG = "config.json"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_NAMED = re.compile(
    r"""(?P<before>["'](?:\./|console/))(?P<name>[a-z_]+\.(?:css|js|svg))(?=["'])"""
)
"""The address of a file in a file."""

_BARE = re.compile(r"""(?<=from)(["'])preact\1""")
"""Preact, as its own modules import it; a browser needs an address."""

routes = Router(__name__)


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of this stage for the page.

    `accounts` and `journal` are the base URLs of the Read APIs; empty means the one that serves
    the page. `serves` has the Read APIs of this stage. With `strong_reads` it shows events. `auth`
    is the kind of authentication.
    """

    accounts: str
    journal: str
    serves: tuple[str, ...]
    auth: str
    strong_reads: bool
    version: str


@routes.public("/console", described=False)
def console(request: Request, **_: object) -> Response[str]:
    """The page."""
    if request.ends_with_slash:  # The addresses in the page are relative.
        return led_to("../console", 308)
    page = _versioned(text_of(CONSOLE / "index.html"))
    return cacheable(request, page, "text/html; charset=utf-8", _protection(), caching=REVALIDATED)


@routes.public("/console/{file}", described=False)
def console_file(request: Request, file: str, **_: object) -> Response[str]:
    """A file of the page, or its settings. Raises Problem not_found."""
    if file == CONFIG:
        text = msgspec.json.encode(config()).decode()
        return cacheable(request, text, "application/json", caching=REVALIDATED)
    if file not in files():
        raise Problem("not_found", "there is no such path")
    path = files()[file]
    asked = request.parameter("v")
    caching = FOR_EVER if asked == version() else REVALIDATED
    return cacheable(
        request, _versioned(text_of(path)), _TYPES[path.suffix], _protection(), caching=caching
    )


def config() -> Config:
    """The settings of this stage for the page."""
    ours = settings()
    return Config(
        accounts=ours.accounts_url or "",
        journal=ours.journal_url or "",
        serves=tuple(name for name in READ_APIS if name in ours.serves),
        auth=ours.auth,
        strong_reads=ours.strong_reads,
        version=__version__,
    )


@cache
def files() -> dict[str, Path]:
    """The files of the page by their names in addresses. Those of libraries are in `vendor/`."""
    found = [*CONSOLE.iterdir(), *(CONSOLE / "vendor").iterdir()]
    return {path.name: path for path in found if path.suffix in _TYPES}


@cache
def version() -> str:
    """The version of all files together: a part of their SHA-256."""
    digest = hashlib.sha256()
    for name, path in sorted(files().items()):
        digest.update(f"{name}\n{text_of(path)}\n".encode())
    return digest.hexdigest()[:12]


@cache
def _versioned(text: str) -> str:
    """The text, with the version in each address of a file of the page."""
    text = _BARE.sub(r"\1./preact.js\1", text)
    return _NAMED.sub(rf"\g<before>\g<name>?v={version()}", text)


def _protection() -> dict[str, str]:
    """Headers: the page runs its own files only, and calls the Read APIs only."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'none'",
        "connect-src": " ".join(["'self'", *sorted(settings().read_origins)]),
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Referrer-Policy": "no-referrer",
    }
