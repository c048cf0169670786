"""Problem pages: for people, a page about each error code, at the path of the problem's `type`.

Public, on every API. A page has no scripts, and loads nothing.
"""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import fields
from hashlib import sha256
from html import escape

from chalicelib.domain import errors
from chalicelib.domain.errors import InvalidField, Refusal
from chalicelib.http.problem_types import PROBLEM_TYPES, TYPE_URI, title_of
from chalicelib.http.problems import Problem
from chalicelib.http.response import Response
from chalicelib.http.router import Router

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#222}
code{font:14px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
h1 code{font-size:1.6rem}h2{font-size:1.1rem;margin:1.5rem 0 0}p{margin:.25rem 0}
@media(prefers-color-scheme:dark){body{background:#151515;color:#ddd}}
"""
_DIGEST = b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "public, max-age=3600",
}

routes = Router(__name__)


@routes.public("/problems/{code}", errors=("not_found",))
def problem_page(code: str, **_: object) -> Response[str]:
    """What an error code means, its usual cause, and what to do."""
    if code not in PROBLEM_TYPES:
        raise Problem("not_found", "there is no such error code")
    return Response(_page(code), headers=_HEADERS)


def sections(code: str) -> Iterator[tuple[str, str]]:
    """The headings of a code's page, each with its text, in which `code` is marked by backticks."""
    about = PROBLEM_TYPES[code]
    yield "Was anything written?", about.written
    yield "Send it again?", about.retry
    yield "Usual cause", about.cause
    yield "What to do", about.remedy
    if figures := figures_of(code):
        named = ", ".join(f"`{name}`" for name in figures)
        yield "Members of the problem", f"Besides those that every problem has: {named}."


def subtitle(code: str) -> str:
    """The line below the heading: status, title and `type`."""
    status = PROBLEM_TYPES[code].status
    return f"HTTP {status}, “{title_of(code)}”, `{TYPE_URI.format(code=code)}`"


def figures_of(code: str) -> list[str]:
    """The members that the problems of a refusal have, by name."""
    refusals = [
        each
        for each in vars(errors).values()
        if isinstance(each, type)
        and issubclass(each, Refusal)
        and not issubclass(each, InvalidField)
        and getattr(each, "code", None) == code
    ]
    return list(dict.fromkeys(field.name for each in refusals for field in fields(each)))


def _page(code: str) -> str:
    parts = "".join(f"<h2>{heading}</h2><p>{_text(text)}</p>" for heading, text in sections(code))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title_of(code)}: Twofold</title><style>{_STYLE}</style>"
        f"<h1><code>{code}</code></h1><p>{_text(subtitle(code))}</p>"
        f"<p>{_text(PROBLEM_TYPES[code].meaning)}</p>{parts}</html>\n"
    )


def _text(text: str) -> str:
    """HTML of a text with `code` in it."""
    parts = escape(text, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts))
