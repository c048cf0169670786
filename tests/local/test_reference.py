"""The API reference in a browser: groups, search, samples, and a request that is tried out."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import Watched, browser
from tests.local.server import Server

WIDE, TELEPHONE = (1280, 900), (390, 844)

expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.mark.parametrize(("width", "height"), [WIDE, TELEPHONE])
def test_the_reference_is_read_searched_and_tried_out(
    running: Server, chromium: Browser, width: int, height: int
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": height})
    watched = Watched(page)
    page.goto(f"{running.url}/docs#tag/accounts/POST/ledgers/{{ledger}}/accounts")
    expect(page.get_by_role("heading", name="Open an account")).to_be_visible()
    for group in ("Accounts", "Transactions", "Holds", "Statements", "Trial balance"):
        expect(page.get_by_role("heading", name=group).first).to_be_attached()
    assert not watched.is_wider_than_the_screen
    # The server asks for no key, so neither does its page.
    expect(page.get_by_text("Authentication", exact=True).filter(visible=True)).to_have_count(0)

    operation = page.get_by_role("region", name="Open an account")
    expect(operation.get_by_text("-H 'Content-Type: application/json'")).to_be_attached()
    operation.get_by_role("button", name="curl").click()
    page.get_by_text("Python", exact=True).last.click()
    expect(operation.get_by_text("ledger.accounts.open(")).to_be_attached()

    if (width, height) == WIDE:
        page.keyboard.press("Control+k")
        page.get_by_label("Enter search query").fill("unfreeze")
        found = page.get_by_role("option").filter(has_text="Unfreeze an account")
        expect(found.first).to_be_visible()
        page.keyboard.press("Escape")

    page.get_by_role("button", name="Test Request").first.click()
    page.get_by_role("button", name="Send").first.click()
    answered = page.get_by_text("201 Created").or_(page.get_by_text("200 OK"))
    expect(answered.first).to_be_visible()
    assert (watched.errors, watched.other_hosts) == ([], [])
