"""The keyboard, in a real browser: what is chosen stays chosen, Hangul does not get in the way, menus open and shut."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.web.browser import chromium, needs_chromium, window
from tests.web.conftest import TOKENS, Web
from tests.web.shop import stock_shop

pytestmark = needs_chromium
CHOSEN = "[data-row][aria-selected=true]"


@pytest.fixture
def page(web: Web, connection: psycopg.Connection[object]) -> Iterator[Page]:
    stock_shop(connection)
    with chromium() as browser, window(browser, web.url, token=TOKENS["admin"]) as opened:
        opened.goto("/scheduler/jobs")
        yield opened


def test_the_row_that_is_chosen_stays_so_when_the_list_is_drawn_anew(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("j")
    name = page.locator(CHOSEN).locator("a").first.inner_text()
    with page.expect_response(lambda answer: "/scheduler/jobs" in answer.url):
        page.evaluate("document.body.dispatchEvent(new CustomEvent('live-jobs'))")
    expect(page.locator(".htmx-request")).to_have_count(0)
    expect(page.locator(CHOSEN)).to_have_count(1)
    assert page.locator(CHOSEN).locator("a").first.inner_text() == name
    page.keyboard.press("x")
    expect(page.locator(CHOSEN).locator("input[type=checkbox]")).to_be_checked()


def test_letters_are_found_by_their_place_while_hangul_is_switched_on(page: Page) -> None:
    page.evaluate("""for (const [key, code] of [["ㅓ", "KeyJ"], ["ㅌ", "KeyX"]])
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key, code, bubbles: true }))""")
    expect(page.locator(CHOSEN).locator("input[type=checkbox]")).to_be_checked()
    page.evaluate("""for (const [key, code] of [["ㅎ", "KeyG"], ["ㄷ", "KeyE"]])
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key, code, bubbles: true }))""")
    page.wait_for_url("**/scheduler/executions")


def test_a_menu_opens_by_its_key_and_shuts_by_escape_or_a_look_elsewhere(page: Page) -> None:
    menu = page.locator("header details.menu")
    page.keyboard.press(".")
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    menu.locator("summary").click()
    expect(menu).to_have_attribute("open", "")
    page.locator("h1").click()
    expect(menu).not_to_have_attribute("open", "")


def test_the_filter_is_folded_on_a_phone_and_open_where_there_is_room(page: Page) -> None:
    for path in ("/scheduler/jobs", "/scheduler/executions"):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(path)
        expect(page.locator("main input[name=q]")).to_be_visible()
        expect(page.locator(".sift > summary")).to_be_hidden()
        page.set_viewport_size({"width": 360, "height": 740})
        expect(page.locator("main input[name=q]")).to_be_hidden()
        page.locator(".sift > summary").click()
        expect(page.locator("main input[name=q]")).to_be_visible()
    page.goto("/scheduler/jobs?status=active")
    expect(page.locator("main input[name=q]")).to_be_visible()


def test_the_key_of_retrying_tries_the_chosen_execution_again(page: Page) -> None:
    page.goto("/scheduler/executions?status=failed")
    page.keyboard.press("j")
    former = page.locator(CHOSEN).locator("td.lead a").get_attribute("href")
    page.keyboard.press("t")
    page.wait_for_url(lambda address: "/scheduler/executions/" in address)
    assert former is not None and not page.url.endswith(former)
    expect(page.locator(f'main li a[href="{former}"]').first).to_be_visible()
    page.goto("/scheduler/executions?status=success")
    page.keyboard.press("j")
    expect(page.locator("[data-row-key=t]")).to_have_count(0)


def test_the_picture_of_the_day_is_pulled_to_the_day_before_and_after(page: Page) -> None:
    page.goto("/scheduler")
    words = page.locator("#day-words").inner_text()
    for pull, rel in ((200, "prev"), (-200, "next")):
        shown = page.locator(f"#day a[rel={rel}]").get_attribute("href") or ""
        page.locator(".lane-bars").scroll_into_view_if_needed()
        picture = page.locator(".lane-bars").bounding_box()
        assert picture is not None
        x, y = picture["x"] + picture["width"] / 2, picture["y"] + 20
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + pull / 2, y)
        page.mouse.move(x + pull, y)
        page.mouse.up()
        page.wait_for_url("**" + shown)
    assert page.locator("#day-words").inner_text() == words, "there and back"
