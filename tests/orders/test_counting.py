"""A shelf is counted while sold units still lie on it."""

import pytest

from core.clock import now
from inventory import services
from inventory.models import Inventory, StockMovement
from orders.models import OrderLine, Shipment, ShipmentLine
from tests.orders.arranged import basket, buy, order_of
from tests.servers.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


def test_sold_units_that_wait_to_be_shipped_lie_on_the_shelf_and_are_counted_with_it(provider: Simulator) -> None:
    order = order_of(buy(basket(3)))
    row = Inventory.objects.get()
    parcel = Shipment.objects.create(order=order, warehouse=row.warehouse, created_at=now())
    ShipmentLine.objects.create(shipment=parcel, order_line=OrderLine.objects.get(), quantity=1)

    def count(counted: int) -> int:
        return services.count(
            product_id=row.product_id, warehouse_id=row.warehouse_id, counted=counted, actor_id=None, now=now()
        ).quantity

    packed = count(10)
    Shipment.objects.filter(pk=parcel.pk).update(status="shipped", shipped_at=now())
    shipped = count(9)

    assert (row.quantity, packed, shipped) == (7, 7, 7)
    assert StockMovement.objects.filter(kind="adjusted").count() == 0
