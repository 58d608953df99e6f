"""Carts on their way to becoming orders, and the requests that make them so."""

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.test import Client
from knox.models import AuthToken

from accounts.models import User
from cart.models import Cart, CartItem
from catalog.models import Product
from core.clock import now
from core.dispatch import deliver, event_of
from core.models import OutboxEvent
from ecommerce.events import SUBSCRIBERS
from inventory import services as inventory_services
from inventory.models import Inventory
from orders.models import Order
from payments.services import do_payment_work
from pricing.models import ShippingMethod
from tests.factories import make_cart, make_cart_item, make_product, make_shipping_method
from tests.servers.purchase import ADDRESS
from tests.servers.simulator import Simulator

VISA = "pm_card_visa"
SHIPPING = "standard"


@dataclass(frozen=True, slots=True)
class Basket:
    """A filled cart, its products, and the headers of whoever owns it."""

    cart: Cart
    products: list[Product]
    total: str
    headers: dict[str, str] = field(default_factory=dict)


def basket(*quantities: int, stock: int = 10, held: bool = True, user: User | None = None) -> Basket:
    """A cart with so many of each of some products of 10.00, and 5.00 to ship them; a guest's unless ``user`` is given."""
    if not ShippingMethod.objects.filter(code=SHIPPING).exists():
        make_shipping_method(code=SHIPPING)
    cart = make_cart(user=user)
    products = [make_product(stock=stock) for _quantity in quantities]
    until = now() + timedelta(minutes=30) if held else None
    for product, quantity in zip(products, quantities, strict=True):
        make_cart_item(cart=cart, product=product, quantity=quantity, held_until=until)
    total = Decimal(10) * sum(quantities) + 5
    return Basket(cart, products, f"{total:.2f}", {} if user else {"X-Cart-Token": cart.token})


def body_for(order: Basket, **changes: Any) -> dict[str, Any]:
    """What is sent to buy it, with a card that works."""
    return {
        "email": "ada@example.com",
        "shipping_address": ADDRESS,
        "billing_address": ADDRESS,
        "shipping_method": SHIPPING,
        "payment_method": VISA,
        "total": {"amount": order.total, "currency": "USD"},
        **changes,
    }


def new_key() -> str:
    """A fresh Idempotency-Key."""
    return secrets.token_urlsafe(16)


def buy(order: Basket, *, key: str = "", headers: dict[str, str] | None = None, **changes: Any) -> Any:
    """POST /api/v1/orders."""
    sent = {**order.headers, **(headers or {}), "Idempotency-Key": key or new_key()}
    return Client().post("/api/v1/orders", body_for(order, **changes), content_type="application/json", headers=sent)


def token_of(user: User) -> dict[str, str]:
    """The header of a user who logged in over the API."""
    _row, token = AuthToken.objects.create(user)
    return {"Authorization": f"Token {token}"}


def order_of(response: Any) -> Order:
    """The order that an answer tells of."""
    return Order.objects.get(number=json.loads(response.content)["number"])


def stock_of(order: Basket) -> list[tuple[int, int]]:
    """Quantity and reserved of each of the basket's products."""
    rows = Inventory.objects.filter(product__in=order.products).order_by("product_id").values_list("product_id")
    return [(quantity, reserved) for _id, quantity, reserved in rows.annotate(q=Sum("quantity"), r=Sum("reserved"))]


def lines_of(cart: Cart) -> list[tuple[int, int]]:
    """Product and quantity of each of a cart's lines."""
    return list(CartItem.objects.filter(cart=cart).order_by("product_id").values_list("product_id", "quantity"))


def events_of(order: Order) -> list[str]:
    """What was told about an order, in order."""
    return list(OutboxEvent.objects.filter(key=order.number).order_by("id").values_list("type", flat=True))


def history_of(order: Order) -> list[tuple[str, str, str]]:
    """An order's transitions: kind, from, to."""
    return list(order.history.order_by("id").values_list("kind", "from_status", "to_status"))


def work_off(at: datetime | None = None) -> None:
    """What the relay's process does: payment work until none is due, and every event to its subscribers, in order."""
    moment = at or now()
    while do_payment_work(now=moment).done:
        pass
    for row in OutboxEvent.objects.filter(published_at=None).order_by("id"):
        for subscriber in SUBSCRIBERS.get(row.type, ()):
            deliver(event_of(row), subscriber, now=moment)
        row.published_at = moment
        row.save()
    if do_payment_work(now=moment).done:
        work_off(moment)


def at_provider(provider: Simulator, order: Order) -> list[tuple[str, int, int]]:
    """State, amount captured and amount refunded, in cents, of each payment that the provider has for an order."""
    return [
        (payment["state"], payment["captured"], payment["refunded"])
        for payment in provider.books()
        if payment["reference"] == order.number
    ]


def assert_stock_proven() -> None:
    """Reserved is the sum of holds, quantity the sum of movements, and every hold has its holder."""
    report = inventory_services.check_inventory(now=now())
    assert list(report.differences) == []


def assert_refused(response: Any, status: int, code: str) -> dict[str, Any]:
    """The problem document, after a look at its head."""
    problem: dict[str, Any] = json.loads(response.content)
    assert (response.status_code, problem["code"], problem["status"]) == (status, code, status), response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    return problem
