"""What the browser tells when a product is opened from a list."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from search import services
from search.logbook import BOOK
from tests.factories import make_product
from tests.requirements import CHROMIUM_FLAGS, chromium
from tests.search.conftest import NOW
from tests.search.logs import clicks, logged
from tests.servers.waiting import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SECOND = ".grid-products li:nth-child(2) a"


def _with_the_keyboard(page: Page) -> None:
    page.locator(SECOND).focus()
    page.keyboard.press("Enter")


WAYS: list[Callable[[Page], None]] = [
    lambda page: page.click(SECOND),
    lambda page: page.click(SECOND, button="middle"),
    lambda page: page.click(SECOND, modifiers=["Control"]),
    _with_the_keyboard,
]


@pytest.mark.parametrize("opened", WAYS, ids=["click", "middle button", "new tab", "keyboard"])
def test_a_product_opened_in_any_way_is_told_once(live_server: LiveServer, opened: Callable[[Page], None]) -> None:
    products = [make_product(title="Lamp", price=price) for price in (10, 20, 30)]
    services.build_documents(now=NOW)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_FLAGS))
        page = browser.new_page()
        page.goto(f"{live_server.url}/search/?q=lamp&sort=price_asc")
        opened(page)
        wait_for(lambda: len(BOOK) == 2, "the search and the click")
        browser.close()

    (search,), (click,) = logged(), clicks()
    assert (click.search_id, click.position, click.product_id) == (search.id, 2, products[1].pk)


def test_the_rest_of_the_page_tells_nothing(live_server: LiveServer) -> None:
    make_product(title="Lamp")
    services.build_documents(now=NOW)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_FLAGS))
        page = browser.new_page()
        page.goto(f"{live_server.url}/search/?q=lamp")
        page.click(".grid-products li a", button="right")
        page.click(".site-header a.brand")
        page.wait_for_url(f"{live_server.url}/")
        browser.close()

    assert (len(logged()), clicks()) == (1, [])
