"""Conditions on stock that queries of other apps' tables take in, wired by dotted path in the settings."""

from django.db.models import Exists, F, OuterRef

from inventory.models import Inventory


def in_stock(product: str) -> Exists:
    """Whether some active warehouse has the product available; ``product`` names its id in the query around."""
    return Exists(
        Inventory.objects.filter(product=OuterRef(product), warehouse__is_active=True, quantity__gt=F("reserved"))
    )
