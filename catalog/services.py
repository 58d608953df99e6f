"""Use cases of the catalogue that staff start."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from catalog import operations
from catalog.models import Product


def put_on_sale(*, product_ids: Collection[int], now: datetime) -> int:
    """Let products be bought again; how many were off sale until now."""
    return _switch(product_ids, now, active=True)


def take_off_sale(*, product_ids: Collection[int], now: datetime) -> int:
    """Let products be bought no more, without losing what orders and stock say of them; how many were on sale until now."""
    return _switch(product_ids, now, active=False)


def _switch(product_ids: Collection[int], now: datetime, *, active: bool) -> int:
    with transaction.atomic(durable=True):
        rows = Product.objects.select_for_update(no_key=True).filter(pk__in=product_ids, is_active=not active)
        changed = list(rows.order_by("pk").values_list("pk", flat=True))
        Product.objects.filter(pk__in=changed).update(is_active=active, updated_at=now)
        operations.announce(product_ids=changed, now=now)
    return len(changed)
