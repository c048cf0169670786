"""The documentation's site: built without a warning, complete, with links that lead somewhere, the
same words as on GitHub, and nothing from other hosts.
"""

import functools
import hashlib
import json
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page, expect

from tests.browser import Watched, browser
from website import building, reference, staging
from website.__main__ import main

WIDE, TELEPHONE = (1280, 900), (390, 844)
expect.set_options(timeout=60_000)

PROGRAMS = Path(sys.executable).parent

_LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?\b(?:src|data)\s*=\s*[\"']?([^\"'\s>]+)"
    r"|<link\b[^>]*?\bhref\s*=\s*[\"']?([^\"'\s>]+)"
    r"|url\(\s*[\"']?([^\"')\s]+)"
    r"|@import\s+[\"']([^\"']+)"
)
"""What a page or a style makes a browser fetch without being asked."""

_ELSEWHERE = re.compile(r"(?:https?:)?//", re.IGNORECASE)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of Markdown files of which the site is made."""
    folder = tmp_path_factory.mktemp("pages")
    staging.stage(folder)
    reference.write(folder)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `make docs` makes it."""
    folder = tmp_path_factory.mktemp("site") / "built"
    done = CliRunner().invoke(main, [str(folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    """The address of a web server that has the site below a path, as GitHub Pages does."""
    handler = functools.partial(Quiet, directory=str(site.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{site.name}"
        server.shutdown()
        thread.join()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


def loaded_by(text: str) -> list[str]:
    """The addresses that a page or a style loads by itself."""
    return ["".join(found) for found in _LOADED.findall(text)]


def test_each_page_is_in_the_site_and_in_its_navigation(staged: Path, site: Path) -> None:
    pages = {page.relative_to(staged).as_posix() for page in staged.rglob("*.md")}
    listed = list(names(building.settings_for(staged)["nav"]))

    assert len(pages) > 100
    assert sorted(listed) == sorted(pages)
    assert all((site / page).with_suffix(".html").exists() for page in pages)


def names(entries: object) -> Iterator[str]:
    """The pages that a part of a navigation names."""
    match entries:
        case str():
            yield entries
        case list():
            for each in entries:
                yield from names(each)
        case dict():
            yield from names(list(entries.values()))


def test_every_link_and_every_anchor_leads_somewhere(site: Path) -> None:
    command = [str(PROGRAMS / "lychee"), "--offline", "--include-fragments", "--no-progress"]
    # The reference makes its anchors in the browser: the test of the reference knows them.
    command += ["--root-dir", str(site), "--exclude", "reference/index.html#tag/"]
    done = subprocess.run(
        [*command, f"{site}/**/*.html"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"(\d+) OK", done.stdout)
    assert counted is not None
    assert int(counted[1]) > 1000


def test_a_page_has_the_words_and_the_parts_that_commonmark_makes_of_it(
    staged: Path, site: Path
) -> None:
    commonmark = MarkdownIt("commonmark").enable("table")
    for page in sorted(staged.rglob("*.md")):
        text = re.sub(r"\A---\n.*?\n---\n", "", page.read_text(), flags=re.DOTALL)
        html = (site / page.relative_to(staged)).with_suffix(".html").read_text()
        article = re.search(r"<article.*?</article>", html, re.DOTALL)
        assert article is not None
        shown = re.sub(
            r"<a [^>]*headerlink.*?</a>|<nav\b.*?</nav>", "", article[0], flags=re.DOTALL
        )
        rendered = commonmark.render(text)

        assert words(shown) == words(rendered), page.name
        assert parts(shown) == parts(rendered), page.name


def words(html: str) -> str:
    """The text of a page, without its white space."""
    return "".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


def parts(html: str) -> Counter[str]:
    """How many items, cells, blocks of code, headings and pictures there are."""
    return Counter(re.findall(r"<(li|ol|ul|td|th|pre|h\d|img|blockquote)\b", html))


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    files = [*site.rglob("*.html"), *site.rglob("*.css"), *site.rglob("*.svg")]
    loaded = {address for file in files for address in loaded_by(file.read_text())}

    assert {address for address in loaded if _ELSEWHERE.match(address)} == set()
    assert any(address.endswith("assets/site.css") for address in loaded)


def test_what_is_loaded_is_found_in_every_form() -> None:
    forms = (
        '<script async src="//a/1"></script><img alt="" src=//a/2>',
        "<link rel='stylesheet' href='//a/3'><iframe src='//a/4'></iframe>",
        "<style>@import '//a/5'; b { background: url(//a/6) }</style>",
    )

    assert loaded_by("".join(forms)) == [f"//a/{number}" for number in range(1, 7)]
    assert loaded_by('<a href="https://example.com">elsewhere</a>') == []


def test_each_picture_is_shown_and_described_on_a_page(staged: Path, site: Path) -> None:
    shown: dict[Path, str] = {}
    for page in site.rglob("*.html"):
        for tag in re.findall(r"<img\b[^>]*>", page.read_text()):
            source, alt = (re.search(rf'\b{name}="([^"]*)"', tag) for name in ("src", "alt"))
            assert source is not None
            shown[(page.parent / source[1]).resolve()] = alt[1] if alt else ""
    pictures = [path.relative_to(staged) for path in staged.rglob("*.svg")]

    assert len(pictures) > 6
    for picture in pictures:
        assert len(shown[(site / picture).resolve()]) > 12, picture


@pytest.mark.parametrize(("width", "height"), [WIDE, TELEPHONE])
def test_the_site_is_read_and_searched_in_a_browser(
    served: str, chromium: Browser, width: int, height: int
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": height})
    watched = Watched(page)
    page.goto(f"{served}/index.html")
    expect(page.get_by_role("heading", name="Twofold", level=1)).to_be_visible()
    assert not watched.is_wider_than_the_screen

    search_for_holds(page)
    expect(page.get_by_role("heading", name="Holds: pending amounts")).to_be_visible()
    assert page.url.startswith(f"{served}/concepts.html")
    assert not watched.is_wider_than_the_screen
    page.goto(f"{served}/comparison.html")  # Its tables are wider than any telephone.
    assert not watched.is_wider_than_the_screen
    assert (watched.errors, watched.other_hosts) == ([], [])


def test_the_site_is_searched_when_it_is_opened_from_a_disk(site: Path, chromium: Browser) -> None:
    page = chromium.new_page()
    watched = Watched(page)
    page.goto((site / "index.html").as_uri())

    search_for_holds(page)
    expect(page.get_by_role("heading", name="Holds: pending amounts")).to_be_visible()
    assert watched.errors == []
    assert all(url.startswith((site.as_uri(), "data:", "blob:")) for url in watched.requests)


def search_for_holds(page: Page) -> None:
    """Finds the section of the concepts about holds, and goes there."""
    page.locator(".md-search__button, label[for=__search]").filter(visible=True).first.click()
    page.get_by_role("combobox", name="Search").fill("hold")
    found = page.get_by_role("option").filter(has_text="Holds: pending amounts")
    expect(found.first).to_be_visible()
    found.first.click()


def test_a_route_leads_to_its_place_in_the_reference(site: Path, chromium: Browser) -> None:
    page = chromium.new_page()
    watched = Watched(page)
    page.goto((site / "api.html").as_uri())
    page.get_by_role("link", name="Void a hold").click()
    expect(page.get_by_role("heading", name="Void a hold")).to_be_in_viewport()
    page.get_by_role("link", name="Twofold documentation").click()

    expect(page.get_by_role("heading", name="API reference")).to_be_visible()
    assert watched.errors == []
    assert all(url.startswith((site.as_uri(), "data:", "blob:")) for url in watched.requests)


def test_the_page_of_the_reference_lists_every_route(site: Path) -> None:
    description = json.loads((site / "reference" / "openapi.json").read_text())
    operations = [
        f"{method.upper()} {path}"
        for path, methods in description["paths"].items()
        for method in methods
        if method in ("get", "post", "patch", "put", "delete")
    ]
    listed = re.findall(r"<code>([A-Z]+ /[^<]*)</code>", (site / "api.html").read_text())

    assert sorted(listed) == sorted(operations)
    assert len(operations) > 20


def test_a_link_that_leads_nowhere_fails_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stage_one_page(folder: Path) -> None:
        (folder / "index.md").write_text("# A page\n\n[A link](nowhere.md)\n")

    settings = {"site_name": "A site", "docs_dir": "pages", "site_dir": "site"}
    monkeypatch.setattr(staging, "stage", stage_one_page)
    monkeypatch.setattr(reference, "write", lambda _: None)
    monkeypatch.setattr(building, "settings_for", lambda _: {**settings, "nav": ["index.md"]})

    with pytest.raises(
        building.BuildFailed, match=r"index\.md:3(?s:.*)nowhere\.md(?s:.*)does not exist"
    ):
        building.build(tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")

    done = CliRunner().invoke(main, [str(tmp_path)])

    assert done.exit_code == 1
    assert "choose another folder" in done.output
    assert (tmp_path / "mine").read_text() == "kept"


def test_the_vendored_library_is_the_one_that_its_page_names() -> None:
    folder = building.FOLDER / "vendored"
    digest = hashlib.sha256((folder / building.SHIM).read_bytes()).hexdigest()

    assert f"`{digest}`" in (folder / "README.md").read_text()
