"""The API reference: a page with every route, and the reference that `/docs` of a ledger shows."""

import json
import shutil
from pathlib import Path
from typing import Any

from website.staging import ROOT

_HTTP = ROOT / "chalicelib" / "http"
_METHODS = ("get", "post", "patch")

_INTRODUCTION = """\
---
description: "Every route of the HTTP API, by what it is about."
---

# API reference

The [interactive reference](reference/index.html) has the parameters, bodies, responses and errors
of each route, with examples in curl and Python. A running ledger has the same at `/docs`, where
requests can be tried out: `make run`, then <http://127.0.0.1:8000/docs>. For programs there is
[openapi.json](reference/openapi.json), OpenAPI 3.1. Each error code has
[a page](problems/index.md).

The Write API answers `POST` and `PATCH`, the Read APIs `GET`. On a laptop they are one server.
"""

_BAR = """\
<style>
:root { --scalar-custom-header-height: 44px }
.bar {
  align-items: center; background: var(--scalar-background-1);
  border-bottom: 1px solid var(--scalar-border-color); box-sizing: border-box; display: flex;
  font: 600 15px var(--scalar-font); height: 44px; padding: 0 20px; position: sticky; top: 0;
  z-index: 10;
}
.bar a { color: var(--scalar-color-1); text-decoration: none }
</style>
<header class="bar"><a href="../api.html">← Twofold documentation</a></header>"""
"""The way back to the other pages, above the reference."""


def write(folder: Path) -> None:
    """Writes `api.md` and the folder `reference/` into the folder of the site's pages."""
    description = json.loads((_HTTP / "openapi.json").read_text())
    (folder / "api.md").write_text(routes(description))
    target = folder / "reference"
    target.mkdir()
    shutil.copyfile(_HTTP / "openapi.json", target / "openapi.json")
    shutil.copyfile(_HTTP / "reference" / "scalar.js", target / "scalar.js")
    shutil.copyfile(_HTTP / "reference" / "LICENSE", target / "LICENSE")
    (target / "index.html").write_text(interactive(description))


def routes(description: dict[str, Any]) -> str:
    """A page in Markdown with the routes of each tag, each linked into the reference."""
    parts = [_INTRODUCTION]
    for tag in description["tags"]:
        rows = [
            f"| [{operation['summary']}](reference/index.html#{anchor(tag['name'], method, path)}) "
            f"| `{method.upper()} {path}` |"
            for path, methods in description["paths"].items()
            for method, operation in methods.items()
            if method in _METHODS and tag["name"] in operation["tags"]
        ]
        head = "| to | request |\n| --- | --- |"
        parts.append(f"## {tag['name']}\n\n{tag['description']}\n\n{head}\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def anchor(tag: str, method: str, path: str) -> str:
    """The place of an operation in the interactive reference."""
    return f"tag/{tag.lower().replace(' ', '-')}/{method.upper()}{path}"


def interactive(description: dict[str, Any]) -> str:
    """The page of the reference, with the description in it, since a page that is opened from a
    disk may not fetch one. Trying out needs a ledger, which a site of documents is not.
    """
    page = (_HTTP / "reference" / "index.html").read_text()
    inline = json.dumps(description, ensure_ascii=False).replace("</", "<\\/")
    for there, here in (
        ('data-url="openapi.json"', 'type="application/json"'),
        ('"layout": "modern",', '"layout": "modern",\n  "hideTestRequestButton": true,'),
        ("}'></script>", f"}}'>{inline}</script>"),
        ("docs/scalar.js", "scalar.js"),
        ("<body>", f"<body>\n{_BAR}"),
    ):
        assert page.count(there) == 1, f"{there} is not in the page once"
        page = page.replace(there, here)
    return page
