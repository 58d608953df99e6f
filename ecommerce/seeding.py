"""Warehouses and first stock for a shop that is tried out, decided by a seed."""

import random
from collections.abc import Iterator, Mapping
from decimal import Decimal

from inventory.bulk import StockRecord, WarehouseRecord

SHARE_SOLD_OUT = 0.06
SHARE_LOW = 0.1
WAREHOUSES = (
    WarehouseRecord(
        code="east",
        name="Newark",
        city="Newark",
        region="NJ",
        postal_code="07114",
        country="US",
        latitude=Decimal("40.69370"),
        longitude=Decimal("-74.18400"),
        priority=10,
    ),
    WarehouseRecord(
        code="central",
        name="Memphis",
        city="Memphis",
        region="TN",
        postal_code="38118",
        country="US",
        latitude=Decimal("35.04240"),
        longitude=Decimal("-89.97670"),
        priority=20,
    ),
    WarehouseRecord(
        code="west",
        name="Reno",
        city="Reno",
        region="NV",
        postal_code="89506",
        country="US",
        latitude=Decimal("39.66080"),
        longitude=Decimal("-119.87370"),
        priority=30,
    ),
)


def seeded_stock(*, seed: int, product_ids: Mapping[str, int]) -> Iterator[StockRecord]:
    """Stock of products given by SKU: the same SKU gets the same, some are sold out, some are nearly."""
    for sku, product_id in product_ids.items():
        chance = random.Random(f"{seed} {sku}")  # noqa: S311 - the same every time is what is wanted
        fate = chance.random()
        for warehouse in WAREHOUSES:
            if fate < SHARE_SOLD_OUT:
                quantity = 0
            elif fate < SHARE_SOLD_OUT + SHARE_LOW:
                quantity = chance.randint(1, 3) if warehouse is WAREHOUSES[0] else 0
            else:
                quantity = chance.choice((0, 4, 12, 25, 40)) + chance.randint(1, 20)
            yield StockRecord(product_id=product_id, warehouse_code=warehouse.code, quantity=quantity)
