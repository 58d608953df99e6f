"""A whole shop for a browser: every process of `make run`, on a database of its own, filled once for all tests of a worker."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.requirements import CHROMIUM_FLAGS, chromium, icecat_products
from tests.servers.embedded import PrivateValkey, private_valkey
from tests.servers.shop import Shop, filled_shop


@pytest.fixture(scope="session")
def valkey() -> Iterator[PrivateValkey]:
    """The demo shop's own Valkey, which tests may kill and start again."""
    with private_valkey() as server:
        yield server


@pytest.fixture(scope="session")
def demo_shop(valkey: PrivateValkey) -> Iterator[Shop]:
    """The demo shop, as everyone who clones gets it."""
    with filled_shop("demo", ["load_demo", "--orders", "500"], valkey_url=valkey.url) as shop:
        yield shop


@pytest.fixture(scope="session")
def icecat_shop() -> Iterator[Shop]:
    """A shop of the 19,406 real products."""
    with filled_shop("icecat", ["import_products", str(icecat_products()), "--install-defaults"]) as shop:
        yield shop


@pytest.fixture
def shop(request: pytest.FixtureRequest) -> Shop:
    """The shop that a test is parametrised with, by the name of its fixture."""
    found: Shop = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless; for one test only, since while it is there Django takes the thread for an asynchronous one."""
    path = chromium()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh desktop window. Errors in its console, blocked content among them, fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.set_default_timeout(15_000)
    yield opened
    context.close()
    assert complaints == []


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """One worker runs all of a shop's tests, so that it is filled once."""
    for item in items:
        name = getattr(item, "callspec", None) and item.callspec.params.get("shop")
        if name:
            item.add_marker(pytest.mark.xdist_group(str(name)))
