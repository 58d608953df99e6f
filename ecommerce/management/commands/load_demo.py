"""Fills an empty shop with the demo: products with pictures, stock, shipping, taxes, and two people to log in as."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.module_loading import import_string

from catalog import operations as catalog
from catalog.demo.products import FILTERS, SEED, DemoShop, read_demo
from catalog.demo.storage import store_pictures
from core.clock import now
from ecommerce.progress import progress_bar
from ecommerce.seeding import WAREHOUSES, seeded_stock
from inventory import bulk as inventory

SHOPPER = "shopper@example.com"
STAFF = "staff@example.com"
PASSWORD = "demo-shop-2026"  # noqa: S105 - printed for everybody who tries the shop
BATCH = 100


class Command(BaseCommand):
    """`manage.py load_demo`: the same shop every time; running it again restores products and pictures, and keeps the rest."""

    help = "Fill the shop with demo products, stock, shipping, taxes and logins. Refused in production."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load everything; raises CommandError in production."""
        if settings.PRODUCTION:
            raise CommandError("load_demo makes logins that everybody knows: it is refused with SHOP_ENV=production")
        moment = now()
        shop = read_demo(now=moment)
        with progress_bar() as bar:
            for _name in bar.track(
                store_pictures(orders=shop.pictures), total=len(shop.pictures), description="Pictures"
            ):
                pass
            with transaction.atomic():
                self._load(shop, bar, moment)
            import_string("pricing.services.install_defaults")(currency=settings.CURRENCY)
        _add_people()
        self.stdout.write(f"{len(shop.products)} products in {len(shop.categories)} categories are in the shop.")
        self.stdout.write(f"Log in as {SHOPPER} or, for the admin, as {STAFF}; the password is {PASSWORD}")

    def _load(self, shop: DemoShop, bar: Any, moment: Any) -> None:
        known = catalog.known_attributes()
        catalog.upsert_categories(categories=shop.categories)
        inventory.install_warehouses(warehouses=WAREHOUSES)
        task = bar.add_task("Products", total=len(shop.products))
        for start in range(0, len(shop.products), BATCH):
            batch = shop.products[start : start + BATCH]
            ids = catalog.upsert_products(products=batch, now=moment)
            stock = list(seeded_stock(seed=SEED, product_ids=ids))
            inventory.install_stock(rows=stock, reference="demo", now=moment)
            bar.advance(task, len(batch))
        catalog.offer_filters(codes=FILTERS - known)


def _add_people() -> None:
    """The two logins; who is there already keeps password and name."""
    users = get_user_model().objects
    if not users.filter(email=SHOPPER).exists():
        users.create_user(SHOPPER, PASSWORD, name="Robin Shopper")
    if not users.filter(email=STAFF).exists():
        users.create_superuser(STAFF, PASSWORD, name="Sam Staff")
