"""The search box as people use it: with a mouse, with a keyboard, and without scripts."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.servers.shop import Shop

pytestmark = [pytest.mark.servers, pytest.mark.parametrize("shop", ["demo_shop"], indirect=True)]


def box_of(page: Page, shop: Shop) -> None:
    page.goto(shop.url)
    page.get_by_role("combobox", name="Search the shop").press_sequentially("lam", delay=20)
    expect(page.get_by_role("option").first).to_be_visible()


def test_a_suggestion_is_chosen_by_keyboard(shop: Shop, browser: Browser) -> None:
    page = browser.new_page()
    box_of(page, shop)
    box = page.get_by_role("combobox", name="Search the shop")

    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]")
    expect(chosen).to_have_count(1)
    expect(box).to_have_attribute("aria-activedescendant", str(chosen.get_attribute("id")))
    box.press("ArrowUp")
    expect(chosen).to_have_count(0)
    box.press("ArrowUp")  # from the box to the last
    product = str(page.get_by_role("option").last.locator("a").get_attribute("href"))
    box.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(product)))


def test_escape_and_a_click_elsewhere_close_it_and_enter_searches_for_what_was_typed(
    shop: Shop, browser: Browser
) -> None:
    page = browser.new_page()
    box_of(page, shop)
    box = page.get_by_role("combobox", name="Search the shop")

    box.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    box.press_sequentially("p")
    expect(page.get_by_role("option").first).to_be_visible()
    page.locator("footer").click()
    expect(page.get_by_role("option")).to_have_count(0)
    box.press("Enter")
    expect(page.get_by_role("heading", name="Results for “lamp”")).to_be_visible()


def test_without_scripts_the_box_searches(shop: Shop, browser: Browser) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(shop.url)

    page.get_by_label("Search the shop").fill("lamp")
    page.get_by_label("Search the shop").press("Enter")

    expect(page.get_by_role("heading", name="Results for “lamp”")).to_be_visible()
