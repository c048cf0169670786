"""The console in a browser: what its pages show, how they are used, and what goes wrong."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser import Watched, browser
from tests.console.books import BANK, CUSTOMER, SHOP, rows_of
from tests.console.judges import axe, findings
from tests.console.pictures import NARROW, PAGES, THEMES, WIDE, page_of, settle
from tests.console.served import Served, served

expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("console")) as made:
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def shared(books: Served, chromium: Browser) -> Iterator[Watched]:
    """A page with a key and with axe-core, which the tests use in turn."""
    with page_of(chromium, WIDE, "light") as page:
        page.add_init_script(f"sessionStorage.setItem('twofold.key', '{books.key}')")
        page.add_init_script(axe())
        watched = Watched(page)
        page.goto(f"{books.url}/console")
        yield watched


@pytest.fixture
def watched(shared: Watched) -> Iterator[Watched]:
    """The shared page, wide and light, with nothing said yet."""
    shared.errors.clear()
    shared.page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    shared.page.emulate_media(color_scheme="light")
    yield shared
    shared.page.unroute_all()


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


def go(page: Page, place: str) -> None:
    """Follows a link of the console, as a click on it does."""
    page.evaluate("place => { location.hash = `#/${place}` }", place)
    settle(page)


def rows(page: Page, caption: str) -> Locator:
    return page.get_by_role("table", name=caption).locator("tbody tr")


def column(page: Page, caption: str, label: str) -> list[str]:
    """The texts of a column, without the codes of assets."""
    cells = rows(page, caption).locator(f'[data-label="{label}"]')
    return [re.sub(r"[A-Z]{3}$", "", text) for text in cells.all_text_contents()]


def shown(units: int | str, scale: int = 2) -> str:
    """An amount as the console shows it, made by Python's own formatting."""
    whole, fraction = divmod(abs(int(units)), 10**scale)
    sign = "\N{MINUS SIGN}" if int(units) < 0 else ""
    return f"{sign}{whole:,}" + (f".{fraction:0{scale}}" if scale else "")


def a_few_rows(route: Route) -> None:
    """Asks for pages of 40 rows instead."""
    route.continue_(url=route.request.url.replace("limit=200", "limit=40"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_readable_by_everybody_on_every_screen(watched: Watched, name: str) -> None:
    page = watched.page
    page.route("**?*limit=200*", a_few_rows)
    go(page, PAGES[name])
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        assert findings(page) == []
    assert not watched.is_wider_than_the_screen
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    assert not watched.is_wider_than_the_screen
    assert findings(page) == []
    expected = 1 if name in ("missing", "search") else 0  # The browser says so of a 404 itself.
    assert len(watched.errors) <= expected, watched.errors
    assert watched.other_hosts == []


def test_the_statement_is_the_banks_own(page: Page) -> None:
    bank = rows_of()
    go(page, f"ledgers/{BANK}/accounts/{CUSTOMER}")
    expect(rows(page, "Entries, newest first")).to_have_count(len(bank))
    caption = "Entries, newest first"

    newest = list(reversed(bank))
    assert column(page, caption, "Balance") == [shown(row.balance_after) for row in newest]
    assert column(page, caption, "Debit") == [
        shown(-row.amount) if row.amount < 0 else "" for row in newest
    ]
    assert column(page, caption, "Credit") == [
        shown(row.amount) if row.amount > 0 else "" for row in newest
    ]
    days = rows(page, caption).locator('[data-label="Effective"] time')
    assert [each.get_attribute("datetime") for each in days.all()] == [
        f"{row.date}T00:00:00.000000Z" for row in newest
    ]
    posted = page.locator("dl.figures div", has_text="Posted").locator(".figure")
    assert posted.text_content() == shown(bank[-1].balance_after)
    drawn = page.get_by_role("img", name="Running balance over").get_attribute("aria-label")
    balances = [row.balance_after for row in bank]
    assert drawn is not None
    assert drawn.endswith(f"lowest {shown(min(balances))}, highest {shown(max(balances))}")


def test_more_of_a_listing_is_shown_page_by_page(page: Page) -> None:
    page.route("**/entries?*", a_few_rows)
    go(page, f"ledgers/{BANK}/transactions")
    go(page, f"ledgers/{BANK}/accounts/bank:{CUSTOMER}")
    listed = rows(page, "Entries, newest first")
    expect(listed).to_have_count(40)
    page.get_by_role("button", name="Show 200 more").click()
    expect(listed).to_have_count(80)
    page.get_by_role("button", name="Show all").click()
    expect(listed).to_have_count(len(rows_of()))
    assert column(page, "Entries, newest first", "Balance") == [
        shown(row.balance_after) for row in reversed(rows_of())
    ]


def test_a_period_has_its_opening_and_closing_balances(page: Page) -> None:
    account = f"ledgers/{BANK}/accounts/{CUSTOMER}"
    go(page, f"{account}?from=2020-01-01&to=2020-01-31")
    expect(page.get_by_text("Nothing was recorded in this period")).to_be_visible()
    page.get_by_label("through").fill("")
    page.get_by_label("Recorded from").fill("2020-02-01")
    page.get_by_role("button", name="Show", exact=True).click()
    settle(page)
    assert "from=2020-02-01" in page.url
    ends = page.locator(".balance-line")
    expect(ends).to_have_text(
        ["Opening balance0.00", f"Closing balance{shown(rows_of()[-1].balance_after)}"]
    )
    page.get_by_role("link", name="Clear the period").click()
    expect(page.get_by_role("table", name="Entries, newest first")).to_be_visible()


def test_accounts_are_opened_group_by_group(page: Page, books: Served) -> None:
    go(page, f"ledgers/{SHOP}/accounts")
    row = rows(page, "Accounts").filter(has_text="customers:")
    expect(row).to_have_text(re.compile("customers:.*3 accounts"))
    row.get_by_role("link").click()
    expect(rows(page, "Accounts")).to_have_count(3)
    answered = books.read(f"{SHOP}/accounts?prefix=customers:")["accounts"]
    assert column(page, "Accounts", "Posted") == [shown(each["posted"]) for each in answered]
    assert column(page, "Accounts", "Available") == [shown(each["available"]) for each in answered]
    assert column(page, "Accounts", "Pending") == ["", "out 120.00", ""]

    page.get_by_label("Begins with").fill("cust\u00f6m")
    expect(page.get_by_text("No account id begins with this")).to_be_visible()
    page.get_by_label("Begins with").fill("customers:b")
    expect(rows(page, "Accounts")).to_have_count(1)
    assert page.url.endswith("?prefix=customers:b")


def test_a_transaction_shows_both_sides_and_the_events_behind_it(page: Page, books: Served) -> None:
    go(page, f"ledgers/{SHOP}/transactions/order-1003")
    assert column(page, "Entries", "Account") == ["customers:bob", "sales:music"]
    assert column(page, "Entries", "Debit") == ["99.50", ""]
    assert column(page, "Entries", "Credit") == ["", "99.50"]
    expect(page.get_by_text("Hold ended")).to_be_visible()
    events = books.read(f"{SHOP}/transactions/order-1003/events")["events"]
    assert column(page, "Events", "Version") == ["1", "2"]
    assert column(page, "Events", "Event") == ["Transaction pending", "Transaction posted"]
    assert column(page, "Events", "Hash") == [event["hash"] for event in events]
    recorded = rows(page, "Events").locator("time").first
    assert recorded.get_attribute("datetime") == events[0]["recorded_at"]

    go(page, f"ledgers/{SHOP}/transactions/topup-twice-reversal")
    page.locator(".facts").get_by_role("link", name="topup-twice").click()
    expect(page.get_by_role("heading", name="topup-twice")).to_be_visible()
    expect(page.get_by_role("link", name="topup-twice-reversal")).to_be_visible()


def test_the_trial_balance_and_the_status_are_what_the_api_says(page: Page, books: Served) -> None:
    go(page, f"ledgers/{SHOP}/trial-balance")
    answered = books.read(f"{SHOP}/trial-balance")["assets"]
    expect(page.get_by_text("Debits equal credits.")).to_be_visible()
    for label, name in (("Debits", "debits"), ("Credits", "credits")):
        expected = [shown(each[name], int(each["asset"][-1])) for each in answered]
        assert column(page, "Trial balance", label) == expected
    go(page, f"ledgers/{SHOP}/status")
    models = books.read(f"{SHOP}/status")["read_models"]
    assert column(page, "Read models", "Read model") == [each["name"] for each in models]
    expect(page.get_by_text("No audit was made yet.")).to_be_visible()


def test_times_are_local_and_can_be_switched_to_utc(page: Page, books: Served) -> None:
    recorded = books.read(f"{SHOP}/transactions/order-1001")["recorded_at"]
    go(page, f"ledgers/{SHOP}/transactions/order-1001")
    time = page.locator(f'dl time[datetime="{recorded}"]')
    local = time.text_content()
    assert (time.get_attribute("title") or "").startswith(recorded[:10])
    page.get_by_role("button", name="Times: Local time").click()
    page.get_by_role("button", name="Times: UTC").wait_for()
    assert (time.text_content() or "").endswith(recorded[11:19])
    assert time.text_content() != local  # The browser is in Berlin.
    page.get_by_role("button", name="Times: UTC").click()


def test_light_and_dark_follow_the_system_until_they_are_switched(page: Page) -> None:
    go(page, "")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark
    for name, expected in (("as the system", light), ("light", dark)):
        page.get_by_role("button", name=f"Theme: {name}").click()
        assert page.evaluate(ground) == expected
    page.get_by_role("button", name="Theme: dark").click()


def test_it_is_used_by_keyboard_alone(page: Page) -> None:
    go(page, f"ledgers/{SHOP}/accounts")
    press = page.keyboard.press
    press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("invoice 1002")
    press("Enter")
    expect(page.get_by_role("link", name="order-1002")).to_be_visible()
    press("Escape")
    go(page, f"ledgers/{SHOP}/accounts")
    press("j")
    press("ArrowDown")
    expect(page.get_by_role("link", name="customers:")).to_be_focused()
    press("k")
    press("j")
    press("Enter")
    expect(rows(page, "Accounts")).to_have_count(3)
    press("j")
    press("Enter")
    expect(page.get_by_role("heading", name="customers:alice")).to_be_visible()
    press("Escape")
    expect(rows(page, "Accounts")).to_have_count(3)
    press("Escape")
    expect(page.get_by_role("link", name="points:")).to_be_visible()
    press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("body").evaluate("body => document.activeElement.blur()")
    page.reload()
    settle(page)
    press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_an_address_leads_to_its_page_and_back(page: Page, books: Served) -> None:
    page.goto(f"{books.url}/console/#/ledgers/{SHOP}/accounts/customers:bob?show=events")
    settle(page)
    expect(page.get_by_text("Entry pending").first).to_be_visible()
    assert page.title() == f"customers:bob · {SHOP} · Twofold"
    page.get_by_role("link", name="Transactions", exact=True).click()
    expect(page.get_by_role("heading", name="Transactions")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Entry pending").first).to_be_visible()


def test_no_script_and_no_request_is_let_in_that_is_not_its_own(watched: Watched) -> None:
    violated = watched.page.evaluate(
        """() => new Promise(resolve => {
            const seen = [];
            addEventListener("securitypolicyviolation", event => {
                seen.push(event.effectiveDirective);
                if (seen.length === 3) resolve(seen.sort());
            });
            const script = document.createElement("script");
            script.textContent = "window.injected = true";
            document.body.append(script);
            document.body.insertAdjacentHTML("beforeend", "<p style='color: red'></p>");
            fetch("http://localhost:1/").catch(() => null);
        })"""
    )
    assert violated == ["connect-src", "script-src-elem", "style-src-attr"]
    assert watched.page.evaluate("window.injected") is None
    watched.page.reload()


def test_what_a_ledger_says_is_text_whatever_it_looks_like(page: Page) -> None:
    markup = "<img src=x onerror='window.injected = true'>"
    metadata = {"name": markup, "<b>note": "</script><script>window.injected = true</script>"}

    def marked(route: Route) -> None:
        reply = route.fetch()
        changed = {**reply.json(), "metadata": {**metadata, "nothing": ""}}
        route.fulfill(response=reply, body=json.dumps(changed))

    page.route("**/accounts/customers:bob", marked)
    go(page, "")
    go(page, f"ledgers/{SHOP}/accounts/customers:bob?show=details")
    facts = page.locator("section", has=page.get_by_role("heading", name="Metadata"))
    expect(facts.locator("dt")).to_have_text([*metadata, "nothing"])
    expect(facts.locator("dd")).to_have_text([*metadata.values(), "empty"])
    assert page.locator("main img").count() == 0
    assert page.evaluate("window.injected") is None


def test_a_refused_key_is_asked_for_once_however_much_a_view_requests(page: Page) -> None:
    refused = problem(401, "unauthorized", "this needs a valid key")
    page.route(re.compile("/ledgers/.*[?]"), lambda route: route.fulfill(**refused))
    go(page, "")
    go(page, f"ledgers/{SHOP}/find?q=bank")
    expect(page.get_by_text("This key is not valid")).to_have_count(1)
    assert page.get_by_label("Read key").count() == 1
    page.unroute_all()
    go(page, f"ledgers/{SHOP}/accounts")
    expect(page.get_by_role("link", name="customers:")).to_be_visible()


def test_without_a_key_it_asks_for_one_and_keeps_it_for_the_session(
    chromium: Browser, books: Served
) -> None:
    with page_of(chromium, NARROW, "light") as page:
        watched = Watched(page)
        page.goto(f"{books.url}/console#/ledgers/{SHOP}/trial-balance")
        field = page.get_by_label("Read key")
        field.fill("tf_" + "x" * 43)
        asked = [url for url in watched.requests if "/ledgers/" in url]
        assert (asked, watched.errors) == ([], [])
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_text("This key is not valid")).to_be_visible()
        page.get_by_label("Read key").fill(f" {books.key} ")
        page.get_by_label("Read key").press("Enter")
        expect(page.get_by_text("Debits equal credits.")).to_be_visible()
        kept = page.evaluate("[{...sessionStorage}, {...localStorage}, document.cookie]")
        assert kept == [{"twofold.key": books.key}, {}, ""]
        assert not any(books.key in url for url in watched.requests)
        page.get_by_role("button", name="Forget key").click()
        expect(page.get_by_label("Read key")).to_be_visible()
        assert page.evaluate("sessionStorage.length") == 0


def test_a_browser_that_stores_nothing_keeps_the_key_for_the_page(
    chromium: Browser, books: Served
) -> None:
    with page_of(chromium, NARROW, "light") as page:
        for name in ("localStorage", "sessionStorage"):
            refused = "() => { throw new DOMException('denied', 'SecurityError') }"
            page.add_init_script(f"Object.defineProperty(window, '{name}', {{ get: {refused} }})")
        page.goto(f"{books.url}/console#/ledgers/{SHOP}/trial-balance")

        page.get_by_label("Read key").fill(books.key)
        page.get_by_role("button", name="Open").click()

        expect(page.get_by_text("Debits equal credits.")).to_be_visible()


def problem(status: int, code: str, detail: str, **headers: str) -> dict[str, Any]:
    """A reply with a problem, for `Route.fulfill`."""
    body = {"status": status, "code": code, "title": code, "detail": detail}
    return {"status": status, "headers": headers, "json": body}


FAILURES = {
    "projection_behind": (
        problem(503, "projection_behind", "it is behind"),
        "The read model has not arrived at this version yet.",
    ),
    "rate_limited": (
        problem(429, "rate_limited", "too many requests", **{"Retry-After": "60"}),
        "There were too many requests.",
    ),
    "forbidden": (problem(403, "forbidden", "no scope read"), "no scope read. Use another key."),
    "not_found": (
        problem(404, "not_found", "there is no such path"),
        "or your key does not open this ledger",
    ),
    "internal_error": (problem(500, "internal_error", "on our side"), "Nothing was changed"),
}


@pytest.mark.parametrize("code", FAILURES)
def test_an_error_says_what_to_do(page: Page, code: str) -> None:
    reply, advice = FAILURES[code]
    page.route("**/trial-balance", lambda route: route.fulfill(**reply))
    go(page, "")
    go(page, f"ledgers/{SHOP}/trial-balance")
    expect(page.get_by_text(advice)).to_be_visible()
    assert findings(page) == []
    if code != "forbidden":
        link = page.get_by_role("link", name=f"About {code}")
        assert (link.get_attribute("href") or "").endswith(f"/problems/{code}")
        page.unroute_all()
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_text("Debits equal credits.")).to_be_visible()


def test_a_read_model_that_is_behind_is_asked_again_by_itself(page: Page) -> None:
    behind = problem(503, "projection_behind", "it is behind", **{"Retry-After": "1"})
    page.route("**/trial-balance", lambda route: route.fulfill(**behind), times=1)
    go(page, "")
    go(page, f"ledgers/{SHOP}/trial-balance")
    expect(page.get_by_text("Debits equal credits.")).to_be_visible()


def test_a_server_that_is_gone_is_named(page: Page, books: Served) -> None:
    page.route("**/trial-balance", lambda route: route.abort())
    go(page, "")
    go(page, f"ledgers/{SHOP}/trial-balance")
    expect(page.get_by_text(f"{books.url} did not answer.")).to_be_visible()


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "iam": ({"auth": "iam"}, "A browser cannot sign them"),
    "no strong reads": ({"strong_reads": False}, "TWOFOLD_STRONG_READS=1"),
    "no journal": ({"serves": ["accounts"]}, "TWOFOLD_JOURNAL_URL"),
    "a journal elsewhere": (
        {"serves": ["accounts"], "journal": "https://journal.invalid"},
        "https://journal.invalid did not answer",
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_limits_the_console_is_named(page: Page, name: str) -> None:
    changes, words = SETTINGS[name]

    def other_settings(route: Route) -> None:
        reply = route.fetch()
        route.fulfill(response=reply, body=json.dumps({**reply.json(), **changes}))

    page.route("**/config.json", other_settings)
    go(page, f"ledgers/{SHOP}/accounts/customers:bob?show=events")
    if "journal" in name:
        go(page, f"ledgers/{SHOP}/trial-balance")
    page.reload()
    settle(page)
    expect(page.get_by_text(words).first).to_be_visible()
    page.unroute_all()
    page.reload()
    settle(page)


def test_of_two_read_apis_only_the_journals_tells_of_audits(page: Page, books: Served) -> None:
    def split(route: Route) -> None:
        reply = route.fetch()
        changes = {"serves": ["accounts"], "journal": f"{books.url}/elsewhere"}
        route.fulfill(response=reply, body=json.dumps({**reply.json(), **changes}))

    def from_here(route: Route) -> None:
        here = route.request.url.replace("/elsewhere", "")
        route.fulfill(response=route.fetch(url=here))

    page.route("**/config.json", split)
    page.route("**/elsewhere/**", from_here)
    go(page, f"ledgers/{SHOP}/status")
    page.reload()
    settle(page)
    expect(page.get_by_role("heading", name="Read models of journal")).to_be_visible()
    expect(page.get_by_text("No audit was made yet.")).to_have_count(1)
    page.unroute_all()
    page.reload()
    settle(page)
