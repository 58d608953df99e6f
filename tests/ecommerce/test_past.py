"""The past of a shop that is tried out: whole, consistent, plausible, and the same for the same seed."""

import random
import uuid
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import F, Sum
from django.test import Client

from core.clock import now
from core.models import OutboxEvent
from core.money import Money
from core.shopper import Shopper
from ecommerce.past import baskets, write_past_orders
from ecommerce.past.baskets import Assortment, Calendar, Sold
from inventory.models import Allocation, Inventory
from inventory.services import check_inventory
from orders import selectors
from orders.models import Order, OrderHistory, OrderLine, Return, Shipment, ShipmentLine
from orders.policies import NEXT, NEXT_PAYMENT
from payments.errors import ProviderRefused
from payments.models import Payment, PaymentWork, Refund
from payments.services import refund
from pricing.services import install_defaults
from tests.factories import make_category, make_family, make_product, make_stock, make_warehouse

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
ORDERS = 600


@pytest.fixture
def shop(transactional_db: None) -> None:
    """Twenty products in four categories, in two warehouses."""
    install_defaults(currency="USD")
    kitchen = make_category(name="Kitchen & Dining")
    places = [make_category(kitchen, name=name) for name in ("Cookware", "Knives", "Coffee & Tea", "Tableware")]
    east, west = make_warehouse(code="east"), make_warehouse(code="west")
    for number in range(20):
        family = make_family(category=places[number % 4])
        product = make_product(family=family, price=Decimal(5 + number), review_count=number)
        make_stock(product=product, quantity=10, warehouse=east)
        if number % 3:
            make_stock(product=product, quantity=3, warehouse=west)


def write(orders: int = ORDERS, seed: int = 7, **options: Any) -> int:
    return write_past_orders(
        orders=orders, seed=seed, now=NOON, advance=lambda rows: None, **{"shoppers": 30, **options}
    )


def figures() -> list[Any]:
    return [
        list(Order.objects.order_by("number").values_list("number", "email", "status", "placed_at", "total")),
        list(OrderLine.objects.order_by("order__number", "position").values_list("sku", "quantity", "total")),
        list(Shipment.objects.order_by("tracking_number").values_list("tracking_number", "shipped_at", "delivered_at")),
    ]


def test_a_past_is_whole_and_consistent(shop: None) -> None:
    stock = list(Inventory.objects.order_by("pk").values_list("quantity", "reserved"))

    assert write() == ORDERS

    assert Order.objects.count() == Payment.objects.count() == ORDERS
    assert list(Inventory.objects.order_by("pk").values_list("quantity", "reserved")) == stock
    assert check_inventory(now=now()).differences == ()
    assert not OutboxEvent.objects.exists()
    assert not PaymentWork.objects.exists()
    assert set(Payment.objects.values_list("provider", flat=True)) == {"external"}
    captured = Payment.objects.exclude(status="voided")
    assert not captured.exclude(captured_amount=F("amount")).exists()
    for order in Order.objects.select_related("payment"):
        assert (order.payment.reference, order.payment.amount) == (order.number, order.total)


def test_what_was_sold_left_a_shelf_and_travelled(shop: None) -> None:
    write()

    sold = OrderLine.objects.exclude(order__status="cancelled")
    assert dict(Allocation.objects.values_list("order_line_id", "quantity")) == dict(sold.values_list("pk", "quantity"))
    sent = OrderLine.objects.filter(order__status__in=("shipped", "delivered", "refunded"))
    packed = ShipmentLine.objects.values("order_line").annotate(units=Sum("quantity"))
    assert dict(packed.values_list("order_line", "units")) == dict(sent.values_list("pk", "quantity"))
    for line in ShipmentLine.objects.select_related("shipment"):
        assert Allocation.objects.get(order_line_id=line.order_line_id).warehouse_id == line.shipment.warehouse_id
    assert not Shipment.objects.filter(shipped_at__gt=NOON).exists()


def test_histories_go_the_ways_that_orders_may_go(shop: None) -> None:
    write()

    steps: dict[int, list[OrderHistory]] = defaultdict(list)
    for row in OrderHistory.objects.order_by("pk"):
        steps[row.order_id].append(row)
    for order in Order.objects.all():
        for kind, table, end in (("order", NEXT, order.status), ("payment", NEXT_PAYMENT, order.payment_status)):
            way = [row for row in steps[order.pk] if row.kind == kind]
            assert way[0].from_status == ""
            assert way[-1].to_status == end
            assert all(row.to_status in table[row.from_status] for row in way)
            assert [row.from_status for row in way[1:]] == [row.to_status for row in way[:-1]]
        moments = [row.at for row in steps[order.pk]]
        assert moments == sorted(moments)
        assert moments[0] == order.placed_at


def test_what_came_back_was_paid_back(shop: None) -> None:
    write(2000)

    back = Order.objects.filter(status="refunded")
    assert 0.005 < back.count() / 2000 < 0.03
    assert Return.objects.count() == Refund.objects.count() == back.count()
    for order in back:
        returned = Return.objects.get(order=order)
        assert returned.refund
        assert returned.refund.amount == order.total
        units = returned.lines.aggregate(units=Sum("received_quantity"))["units"]
        assert units == order.lines.aggregate(units=Sum("quantity"))["units"]


def test_it_is_the_same_for_the_same_seed_and_another_for_another(shop: None) -> None:
    write(300, seed=7)
    first = figures()
    assert write(300, seed=7) == 0
    assert figures() == first

    assert write(300, seed=8) == 300
    assert Order.objects.count() == 600


def test_a_run_that_was_killed_is_completed(shop: None) -> None:
    write(2300)
    whole = figures()
    _forget()

    def killed(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_past_orders(orders=2300, seed=7, now=NOON, advance=killed, shoppers=30)
    assert Order.objects.count() == 1000

    assert write(2300) == 1300
    assert figures() == whole
    assert check_inventory(now=now()).differences == ()


def test_a_shopper_sees_past_orders_like_any_other(shop: None, client: Client) -> None:
    user = get_user_model().objects.create_user("shopper@example.com", "x", name="Robin")
    write(known_shoppers=[user.email])
    client.force_login(user)

    assert 12 <= Order.objects.filter(user=user).count() <= 40
    order = Order.objects.filter(user=user, status="delivered").first()
    assert order
    page = client.get(f"/orders/{order.number}/")
    assert page.status_code == 200
    assert "Delivered" in page.text
    assert order.number in client.get("/orders/").text + page.text
    seen = selectors.order_view(number=order.number, shopper=Shopper(user_id=user.pk))
    assert seen.total.amount == order.total
    assert [entry.to_status for entry in seen.history][-1] == "delivered"


def test_staff_can_not_refund_what_no_provider_took(shop: None) -> None:
    write(20)
    payment = Payment.objects.filter(status="captured").first()
    assert payment
    amount = Money(payment.amount, payment.currency)

    with pytest.raises(ProviderRefused):
        refund(payment_id=payment.pk, amount=amount, key=uuid.uuid4(), reason="x", actor_id=None, now=now())


def test_shares_are_plausible(shop: None) -> None:
    write(3000)

    by_status = Counter(Order.objects.values_list("status", flat=True))
    assert by_status["delivered"] > 0.92 * 3000
    assert 0.01 < by_status["cancelled"] / 3000 < 0.035
    guests = Order.objects.filter(user=None).count()
    assert 0.03 < guests / 3000 < 0.08
    assert not Order.objects.filter(placed_at__gt=NOON).exists()
    halves = [Order.objects.filter(placed_at__lt=NOON - timedelta(days=365)).count()]
    assert halves[0] < 0.45 * 3000
    december = Order.objects.filter(placed_at__month=12).count()
    assert december > 1.4 * Order.objects.filter(placed_at__month=2).count()


def test_what_is_bought_together_goes_together() -> None:
    paths = ["kitchen-dining/cookware", "kitchen-dining/knives", "garden/watering", "garden/plant-pots"]
    products = [Sold(id=number, family=number, category=paths[number % 4], demand=1.0) for number in range(200)]
    assortment = Assortment(products, seed=7)
    pairs: Counter[bool] = Counter()
    for number in range(2000):
        first, *others = assortment.draw(random.Random(number), 3, NOON)
        pairs.update(other.category.split("/")[0] == first.category.split("/")[0] for other in others)

    assert pairs[True] / pairs.total() > 0.75  # by chance it would be half


def test_nothing_is_bought_before_it_was_there() -> None:
    later = NOON + timedelta(days=1)
    products = [
        Sold(id=number, family=number, category="a/b", demand=1.0, released=later if number % 2 else None)
        for number in range(20)
    ]

    found = Assortment(products, seed=7).draw(random.Random(1), 8, NOON)

    assert found
    assert all(product.id % 2 == 0 for product in found)


def test_a_shop_of_nothing_has_no_past(transactional_db: None) -> None:
    install_defaults(currency="USD")

    assert write(10) == 0
    assert not Order.objects.exists()


def test_time_goes_from_two_years_ago_to_now() -> None:
    calendar = Calendar(NOON)
    moments = [calendar.moment(share / 1000, random.Random(share)) for share in range(1000)]

    assert moments[0] < NOON - timedelta(days=725)
    assert max(moments) < NOON
    assert all(later - earlier > timedelta(days=-1) for earlier, later in pairwise(moments))
    assert baskets.DAYS == 730


def _forget() -> None:
    """Empty the tables of the past, the ledger too, which only a truncation can."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE orders_order, payments_payment, inventory_allocation CASCADE")
        cursor.execute("TRUNCATE inventory_stockmovement")
        cursor.execute(
            "INSERT INTO inventory_stockmovement (inventory_id, kind, quantity, reason, reference, at) "
            "SELECT id, 'received', quantity, '', '', now() FROM inventory_inventory WHERE quantity > 0"
        )
