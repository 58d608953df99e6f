"""The pages of lists, as shoppers get them."""

import re
from html import unescape

import pytest
from django.test import Client
from pytest_django import Settings

from search import services, sql_counts
from tests.factories import make_product
from tests.search.conftest import NOW

pytestmark = pytest.mark.django_db(transaction=True)
RANGE = re.compile(r'<a href="(\?[^"]*price_m[^"]*)"([^>]*)>([^<]+)<span class="n">(\d+)</span>')


def test_a_range_of_prices_leads_to_as_many_products_as_it_says(client: Client) -> None:
    for price in ("0.00", "49.99", "50.00", "99.99", "100.00", "100.00", "5000.00"):
        make_product(price=price, title="Lamp")
    services.build_documents(now=NOW)

    links = RANGE.findall(client.get("/search/", {"q": "lamp"}).content.decode())
    pages = [client.get(f"/search/{unescape(address)}").content.decode() for address, *_ in links]

    assert [(label, int(count)) for _, _, label, count in links] == [
        ("Under $25", 1),
        ("$25 to $50", 1),
        ("$50 to $100", 2),
        ("$100 to $200", 2),
        ("$200 and over", 1),
    ]
    assert [int(re.findall(r"(\d+) products?<", page)[0]) for page in pages] == [1, 1, 2, 2, 1]
    chosen = [[label for _, marked, label, _ in RANGE.findall(page) if "aria-current" in marked] for page in pages]
    assert chosen == [[label] for _, _, label, _ in links]


def test_numbers_that_are_of_a_part_only_say_so(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        make_product()
    services.build_documents(now=NOW)
    exact = client.get("/search/").content.decode()
    monkeypatch.setattr(sql_counts, "COUNTED", 3)

    page = client.get("/search/").content.decode()

    assert ("are estimates" in exact, "are estimates" in page) == (False, True)
