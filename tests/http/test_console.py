"""The files of the console as they are served: types, caching, protection, and their size."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from chalicelib import __version__, settings
from chalicelib.http.console_page import CONSOLE, files, version
from tests.http.api import Api

TYPES = {
    "app.js": "text/javascript; charset=utf-8",
    "uplot.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "config.json": "application/json",
}


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """A stage with the accounts, which knows where the journal is."""
    deployed = replace(
        settings.settings(),
        serves=("accounts",),
        auth="keys",
        strong_reads=True,
        journal_url="https://abc.example.com/v1",
    )
    with settings.using(deployed):
        yield


def served(api: Api, path: str, **headers: str) -> Any:
    return api.request("GET", path, headers=headers)


@pytest.mark.parametrize("name", TYPES)
def test_a_file_is_served_by_its_type(api: Api, name: str) -> None:
    reply = served(api, f"/console/{name}")

    assert (reply.status_code, reply.headers["Content-Type"]) == (200, TYPES[name])
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["README.md", "index.html", "LICENSE.htm", "vendor", "none.js"])
def test_nothing_else_of_the_folder_is_served(api: Api, name: str) -> None:
    reply = served(api, f"/console/{name}")

    assert (reply.status_code, reply.json_body["code"]) == (404, "not_found")


def test_a_file_with_its_version_is_kept_for_ever_and_others_are_asked_for_again(
    api: Api,
) -> None:
    kept = served(api, f"/console/app.js?v={version()}")
    asked = [served(api, path) for path in ("/console", "/console/app.js", "/console/app.js?v=1")]

    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for first in asked:
        assert first.headers["Cache-Control"] == "no-cache"
    known = asked[0].headers["ETag"]
    again = served(api, "/console", **{"If-None-Match": known})
    assert (again.status_code, again.body) == (304, b"")


def test_every_file_that_a_file_names_is_served_with_its_version(api: Api) -> None:
    texts = {"": served(api, "/console").body.decode()}
    texts |= {name: served(api, f"/console/{name}").body.decode() for name in files()}
    named: set[str] = set()
    for name, text in texts.items():
        addresses = re.findall(
            r"""["'](?:\./|console/)([\w.]+\.(?:js|css|svg))(\?[^"']*)?["']""", text
        )
        assert all(query == f"?v={version()}" for _, query in addresses), name
        named |= {address for address, _ in addresses}
        assert not re.search(r"""[}\w]\s?from\s?["'](?!\./)""", text), name

    assert named == set(files())


def test_the_page_has_no_script_and_no_style_of_its_own_and_names_no_host(api: Api) -> None:
    page = served(api, "/console").body.decode()

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|https?:|<script>", page)
    assert len(re.findall("<script", page)) == 1


@pytest.mark.usefixtures("elsewhere")
def test_it_may_call_the_read_apis_of_its_settings_only(api: Api) -> None:
    for path in ("/console", "/console/app.js"):
        headers = served(api, path).headers
        policy = dict(each.split(" ", 1) for each in headers["Content-Security-Policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' data:",
            "font-src": "'none'",
            "connect-src": "'self' https://abc.example.com",
            "frame-ancestors": "'none'",
            "base-uri": "'none'",
            "form-action": "'none'",
        }
        assert headers["Referrer-Policy"] == "no-referrer"


def test_a_browser_that_has_the_page_with_another_policy_gets_it_again(api: Api) -> None:
    known = served(api, "/console").headers["ETag"]
    moved = replace(settings.settings(), journal_url="https://abc.example.com/v1")
    with settings.using(moved):
        reply = served(api, "/console", **{"If-None-Match": known})

    assert reply.status_code == 200
    assert reply.headers["ETag"] != known


@pytest.mark.usefixtures("elsewhere")
def test_it_is_told_the_settings_of_its_stage(api: Api) -> None:
    assert served(api, "/console/config.json").json_body == {
        "accounts": "",
        "journal": "https://abc.example.com/v1",
        "serves": ["accounts"],
        "auth": "keys",
        "strong_reads": True,
        "version": __version__,
    }


def test_a_slash_at_the_end_leads_to_the_page_whose_addresses_are_relative(api: Api) -> None:
    led = api.request("HEAD", "/console/")

    assert (led.status_code, led.headers["Location"]) == (308, "../console")


def test_the_libraries_are_those_that_the_readme_names() -> None:
    row = r"^\| `([\w.]+)` \|.*`([\w.]+)` \| `([0-9a-f]{64})` \|$"
    rows = re.findall(row, (CONSOLE / "README.md").read_text(), re.MULTILINE)
    vendored = {path.name for path in (CONSOLE / "vendor").iterdir()}

    assert {name for row in rows for name in row[:2]} == vendored
    for name, _, digest in rows:
        assert sha256((CONSOLE / "vendor" / name).read_bytes()).hexdigest() == digest, name


def test_the_whole_page_is_small() -> None:
    sizes = [len(gzip.compress(path.read_bytes())) for path in files().values()]

    assert sum(sizes) < 80_000
    for path in files().values():
        if path.parent == CONSOLE and path.suffix == ".js":
            assert len(path.read_text().splitlines()) <= 250, path
