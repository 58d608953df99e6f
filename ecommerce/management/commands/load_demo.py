"""Fills an empty shop with the demo: products with pictures, stock, shipping, taxes, people, and two years of orders."""

from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.module_loading import import_string
from rich.progress import Progress

from accounts.roles import create_roles
from catalog import operations as catalog
from catalog.demo.products import FILTERS, SEED, DemoShop, read_demo
from catalog.demo.storage import store_pictures
from catalog.types import PartKind
from core.clock import now
from ecommerce.past import write_past_orders
from ecommerce.progress import progress_bar
from ecommerce.seeding import WAREHOUSES, seeded_stock
from inventory import bulk as inventory

SHOPPER = "shopper@example.com"
STAFF = "staff@example.com"
ROLES = {"catalogue": "Cleo Catalogue", "warehouse": "Wim Warehouse", "support": "Suri Support"}
PASSWORD = "demo-shop-2026"  # noqa: S105 - printed for everybody who tries the shop
BATCH = 250
ORDERS, SHOPPERS = 20_000, 200


class Command(BaseCommand):
    """`manage.py load_demo`: the same shop every time; running it again restores products and pictures, and keeps the rest."""

    help = "Fill the shop with demo products, stock, shipping, taxes, logins and past orders. Refused in production."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How much of a past the shop is to have."""
        parser.add_argument("--orders", type=int, default=ORDERS, help="how many past orders (default 20,000)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load everything; raises CommandError in production."""
        if settings.PRODUCTION:
            raise CommandError("load_demo makes logins that everybody knows: it is refused with SHOP_ENV=production")
        if not 0 <= options["orders"] <= 10_000_000:
            raise CommandError("--orders must be between 0 and 10,000,000")
        moment = now()
        shop = read_demo(now=moment)
        with progress_bar() as bar, ThreadPoolExecutor(1) as pool:
            drawing = pool.submit(_draw, shop, bar)  # by other processes, while PostgreSQL is busy
            with transaction.atomic():
                _load(shop, bar, moment)
            import_string("pricing.services.install_defaults")(currency=settings.CURRENCY)
            _add_people()
            task = bar.add_task("Orders", total=options["orders"])
            write_past_orders(
                orders=options["orders"],
                seed=SEED,
                now=moment,
                advance=lambda rows: bar.advance(task, rows),
                shoppers=SHOPPERS,
                known_shoppers=[SHOPPER],
            )
            drawing.result()
            import_string("search.services.build_documents")(now=now())
        self.stdout.write(f"{len(shop.products)} products in {len(shop.categories)} categories are in the shop.")
        self.stdout.write(f"Log in as {SHOPPER}, or for the admin as {STAFF}; the password is {PASSWORD}")
        self.stdout.write(f"Staff of one role each: {', '.join(f'{role}@example.com' for role in ROLES)}")


def _draw(shop: DemoShop, bar: Progress) -> None:
    task = bar.add_task("Pictures", total=len(shop.pictures))
    for _name in store_pictures(orders=shop.pictures):
        bar.advance(task, 1)


def _load(shop: DemoShop, bar: Progress, moment: datetime) -> None:
    known = catalog.known_attributes()
    renamed = catalog.upsert_categories(categories=shop.categories)
    catalog.announce_part(kind=PartKind.CATEGORY, ids=renamed, now=moment)
    inventory.install_warehouses(warehouses=WAREHOUSES)
    task = bar.add_task("Products", total=len(shop.products))
    for start in range(0, len(shop.products), BATCH):
        batch = shop.products[start : start + BATCH]
        ids = catalog.upsert_products(products=batch, now=moment)
        stock = list(seeded_stock(seed=SEED, product_ids=ids))
        inventory.install_stock(rows=stock, reference="demo", now=moment)
        bar.advance(task, len(batch))
    offered = catalog.offer_filters(codes=FILTERS - known)
    catalog.announce_part(kind=PartKind.ATTRIBUTE, ids=offered, now=moment)


def _add_people() -> None:
    """The logins; who is there already keeps password, name and roles."""
    create_roles()
    users = get_user_model().objects
    if not users.filter(email=SHOPPER).exists():
        users.create_user(SHOPPER, PASSWORD, name="Robin Shopper")
    if not users.filter(email=STAFF).exists():
        users.create_superuser(STAFF, PASSWORD, name="Sam Staff")
    for role, name in ROLES.items():
        if not users.filter(email=f"{role}@example.com").exists():
            user = users.create_user(f"{role}@example.com", PASSWORD, name=name, is_staff=True)
            user.groups.add(Group.objects.get(name=role))
