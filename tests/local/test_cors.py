"""CORS in a browser: a page of a named origin writes and reads, and another one can do neither."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser import browser
from tests.local.server import Server, chalice_local

ASK = """async ([url, method, path, body]) => {
  try {
    const reply = await fetch(url + path, {
      method, body: body && JSON.stringify(body),
      headers: {Authorization: "Bearer none", "Content-Type": "application/json",
                "Idempotency-Key": "k"},
    });
    return [reply.status, reply.headers.get("Location"), (await reply.json()).code ?? null];
  } catch (error) { return String(error); }
}"""
BOB = {"id": "bob", "asset": "USD/2", "normal_balance": "credit"}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server of empty pages."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "index.html").write_text("<!doctype html><title>a page</title>")
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def api(port: int, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A laptop's server that allows the pages of 127.0.0.1, and not those of localhost."""
    named = f"http://127.0.0.1:{port}"
    home = tmp_path_factory.mktemp("books") / "home"
    with chalice_local(project, home, TWOFOLD_CORS_ORIGINS=named) as server:
        server.options.append("--no-autoreload")
        server.start()
        yield server


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


def test_a_page_calls_the_api_only_if_its_origin_is_named(
    chromium: Browser, api: Server, port: int
) -> None:
    pages = {origin: chromium.new_page() for origin in ("127.0.0.1", "localhost")}
    for origin, page in pages.items():
        page.goto(f"http://{origin}:{port}/")

    def ask(origin: str, method: str, path: str, body: object = None) -> Any:
        return pages[origin].evaluate(ASK, [api.url, method, path, body])

    accounts = "/ledgers/acme/accounts"
    opened = [201, f"{accounts}/bob", None]
    assert ask("127.0.0.1", "POST", accounts, BOB) == opened
    assert ask("127.0.0.1", "GET", "/ledgers/acme/accounts/nobody") == [
        *(404, None, "account_not_found")
    ]
    assert ask("127.0.0.1", "PATCH", f"{accounts}/bob", {"max_balance": "5"})[0] == 200

    refused = "TypeError: Failed to fetch"
    assert ask("localhost", "GET", f"{accounts}/bob") == refused
    assert ask("localhost", "POST", accounts, {**BOB, "id": "eve"}) == refused
    assert ask("127.0.0.1", "GET", f"{accounts}/eve?consistency=strong")[0] == 404
