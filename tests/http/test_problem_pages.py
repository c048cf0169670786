"""The pages on error codes: one of each code, at the path of its `type`, served and committed."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from chalicelib.domain.sentences import SENTENCES
from chalicelib.http.problem_pages import sections
from chalicelib.http.problem_types import PROBLEM_TYPES
from chalicelib.http.problems import Problem
from ops.openapi import routes
from ops.problems import FOLDER, files
from tests.http.api import Api, assert_problem
from tests.openapi.test_description import DOCUMENT

DESCRIBED = DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]


class Page(HTMLParser):
    """The text of a page by its tags, and the names of its tags and, with `=`, attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text: dict[str, str] = {}
        self.names: set[str] = set()
        self._tag = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names |= {tag, *(f"{name}=" for name, _ in attributes)}
        self._tag = tag if tag != "code" else self._tag

    def handle_data(self, data: str) -> None:
        self.text[self._tag] = self.text.get(self._tag, "") + data


def test_the_document_lists_the_codes_that_have_a_page() -> None:
    assert set(DESCRIBED) == PROBLEM_TYPES.keys()
    assert {code for code, _ in SENTENCES.values()} <= PROBLEM_TYPES.keys()


@pytest.mark.parametrize("code", DESCRIBED)
def test_the_type_of_a_problem_leads_to_the_page_of_its_code(api: Api, code: str) -> None:
    document = Problem(code, "as it happened").document()
    reply = api.request("GET", urlsplit(document["type"]).path)

    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    page = Page(reply.body.decode())
    assert page.text["h1"].startswith(code)
    assert f"HTTP {document['status']}, “{document['title']}”" in page.text["p"]
    for heading, text in sections(code):
        assert heading in page.text["h2"]
        assert text.replace("`", "") in page.text["p"]


@pytest.mark.parametrize("code", DESCRIBED)
def test_a_page_says_whether_to_repeat_the_request_as_the_contract_does(code: str) -> None:
    about = PROBLEM_TYPES[code]

    assert about.written.startswith("Perhaps") == (code in ("outcome_unknown", "internal_error"))
    assert about.retry.startswith("Yes") >= (about.status in (429, 500, 503))
    for text in (about.meaning, about.cause, about.remedy, about.retry, about.written):
        assert text.rstrip(")").endswith(".")
        assert text.count("`") % 2 == 0


def test_the_members_on_a_page_are_those_of_the_problem(api: Api) -> None:
    api.open("alice")
    api.open("cash", normal_balance="debit")
    refused = assert_problem(api.transfer("t", "alice", "cash", 1), 422, "insufficient_funds")
    figures = refused.keys() - Problem("not_found", "no").document().keys()

    assert dict(sections("insufficient_funds"))["Members of the problem"].count("`") / 2 == len(
        figures
    )
    for name in figures:
        assert f"`{name}`" in dict(sections("insufficient_funds"))["Members of the problem"]
    assert "Members of the problem" not in dict(sections("invalid_amount"))


def test_there_is_no_page_of_another_code(api: Api) -> None:
    for code in ("nothing", "Insufficient_funds", "%3Cb%3E"):
        assert_problem(api.request("GET", f"/problems/{code}"), 404, "not_found")


def test_a_page_runs_nothing_and_its_policy_allows_its_own_style_only(api: Api) -> None:
    reply = api.request("GET", "/problems/contention")
    page = Page(reply.body.decode())
    digest = b64encode(sha256(page.text["style"].encode()).digest()).decode()

    policy = reply.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", f"style-src 'sha256-{digest}'"} < set(policy)
    assert "frame-ancestors 'none'" in policy
    assert not page.names & {"script", "style=", "src=", "href=", "onclick=", "link", "img"}
    assert api.request("HEAD", "/problems/contention").body == b""


def test_the_routes_that_a_page_names_exist() -> None:
    paths = {route.path for route in routes()}
    for code in PROBLEM_TYPES:
        for text in dict(sections(code)).values():
            for verb, tail in re.findall(r"`(?:([A-Z]+) )?…?(/[a-z]+)[^`]*`", text):
                assert any(path.endswith(tail) for path in paths), (code, verb, tail)


def test_the_pages_in_the_documentation_are_those_of_the_table() -> None:
    written = {path: path.read_text() for path in FOLDER.glob("*.md")}

    assert written == files(), "run: python -m ops problems"
