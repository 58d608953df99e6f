"""What orders, payments, carts and stock tell others is exactly what is promised, and nothing about who bought."""

import json
from collections import Counter

import msgspec
import pytest

from core.event_types import as_data, type_called
from core.models import OutboxEvent
from tests.factories import make_user
from tests.orders.arranged import basket, body_for, buy, order_of, token_of, work_off
from tests.orders.test_refunds import clerk, refund

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("provider")]


def test_every_event_of_a_purchase_is_what_its_dataclass_says_whoever_wrote_it() -> None:
    user = make_user(email="grace.hopper@example.com")
    cart = basket(2, 1, stock=2, user=user)
    order = order_of(buy(cart, headers=token_of(user), email="grace.hopper@example.com"))
    work_off()
    assert refund(order, clerk(), {"amount": {"amount": "5.00", "currency": "USD"}, "reason": "late"}).status_code < 300
    work_off()
    declined = basket(1, stock=1, held=False)
    buy(declined, payment_method="pm_card_declined")

    rows = list(OutboxEvent.objects.order_by("id"))

    for row in rows:
        kind = type_called(row.type)
        assert (row.topic, row.version) == (kind.topic, kind.version)
        read: object = msgspec.convert(row.data, kind.data)
        assert json.loads(json.dumps(as_data(read))) == row.data  # no field more, none less
    assert Counter(row.type for row in rows) == {
        "cart.changed": 3,
        "inventory.availability_changed": 1,
        "order.created": 2,
        "order.paid": 1,
        "order.payment_failed": 1,
        "order.processing": 1,
        "payment.captured": 1,
        "payment.refunded": 1,
    }
    said = json.dumps([[row.key, row.data] for row in rows]).lower()
    address = body_for(cart)["shipping_address"]
    personal = [value for value in address.values() if len(value) > 3] + ["grace", "hopper", "ada@", cart.cart.token]
    assert len(personal) > 7
    assert [value for value in personal if value.lower() in said] == []
