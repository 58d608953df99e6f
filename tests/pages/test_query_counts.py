"""Home, category and product pages need at most 12 SQL statements each, whoever looks and however much there is."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.models import Attribute, ProductAttribute
from core.clock import now
from core.shopper import COOKIE
from tests.factories import (
    index_products,
    make_cart,
    make_cart_item,
    make_category,
    make_family,
    make_product,
    make_user,
)

pytestmark = pytest.mark.django_db
MOST = 12


@pytest.fixture
def filled() -> list[str]:
    """Three departments with products, variants and attributes; the addresses of the three kinds of page."""
    colour = Attribute.objects.create(code="colour", name="Colour", is_filter=True)
    for number in range(3):
        department = make_category(name=f"Department {number}")
        leaf = make_category(parent=department, name=f"Leaf {number}")
        for _family in range(10):
            family = make_family(category=leaf, variation_axes=["colour"])
            for value in ("Red", "Blue"):
                product = make_product(family=family, stock=5, title=f"Thing in {value}")
                ProductAttribute.objects.create(product=product, attribute=colour, value=value)
    index_products()
    return ["/", f"/c/{leaf.slug_path}/?attr.colour=Red&price_min=1&sort=price_asc", f"/p/{product.slug}/"]


@pytest.mark.parametrize("who", ["stranger", "guest with a cart", "user with a cart"])
def test_pages_need_few_statements(
    client: Client, filled: list[str], who: str, django_assert_max_num_queries: Any
) -> None:
    if who == "guest with a cart":
        cart = make_cart()
        make_cart_item(cart=cart, product=make_product(stock=5), quantity=1, held_until=now())
        client.cookies[COOKIE] = cart.token
    if who == "user with a cart":
        user = make_user()
        make_cart_item(cart=make_cart(user=user), product=make_product(stock=5), quantity=1, held_until=now())
        client.force_login(user)

    for address in filled:
        with django_assert_max_num_queries(MOST):
            assert client.get(address).status_code == 200


def test_a_page_with_more_to_show_needs_no_more_statements(client: Client, filled: list[str]) -> None:
    from_few = [_statements(client, address) for address in filled]
    family = make_family(category=make_category(name="One more"))
    for number in range(20):
        make_product(family=family, stock=1, position=number)

    assert [_statements(client, address) for address in filled] == from_few


def _statements(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(address)
    return len(captured)
