"""Every lock on the catalogue: products by id, so that two who want the same ones wait instead of blocking each other."""

from collections.abc import Collection

from django.db import connection

from catalog.models import Product


def products_by_sku(skus: Collection[str]) -> list[int]:
    """Lock the products with these SKUs; their ids. One query."""
    locked = Product.objects.select_for_update(no_key=True).filter(sku__any_of=skus).order_by("pk")
    return list(locked.values_list("pk", flat=True))


def category_tree() -> None:
    """Keep everybody else from changing categories; reading goes on. One statement."""
    # A move changes the places of others, and a new address those below: no set of rows would do.
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE catalog_category IN SHARE ROW EXCLUSIVE MODE")
