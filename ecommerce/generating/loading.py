"""A generated catalogue brought into the shop: all of it in one transaction, or added block by block to what is there."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from catalog.generated import writing as catalog
from catalog.generated.plan import Plan
from core.copying import reserve_span
from core.indexes import hold_tables, put_back, set_aside
from core.locks import advisory
from core.transactions import unit_of_work
from ecommerce.generating.making import Job, Made, make_blocks
from ecommerce.importing.runs import LOCK
from ecommerce.seeding import WAREHOUSES
from inventory import bulk, generated

TABLES = (*catalog.TABLES, *generated.TABLES)
REFERENCE = "generated"
# For the length of a transaction: writing and indexing take longer than any page may, an index is made faster with memory, and
# PostgreSQL gives up what nobody waits for any more when this process is killed.
_PATIENCE = """
    SET LOCAL statement_timeout = 0;
    SET LOCAL maintenance_work_mem = '256MB';
    SET LOCAL client_connection_check_interval = '2s'
"""


class ShopIsNotEmpty(Exception):
    """There are products already."""


class ShopIsBusy(Exception):
    """Another process brings products in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateOrder:
    """So many products by a seed. ``add`` keeps what is there, and with it all indexes: that takes several times as long."""

    products: int
    seed: int
    now: datetime
    processes: int
    add: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """The first and the last SKU that are new, and how many categories there are."""

    first: str
    last: str
    categories: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Who is told how far it got: of the products of each block; of how many steps follow; of each one's name before it begins.

    After the last of them, that is an empty one.
    """

    products: Callable[[int], None]
    steps: Callable[[int], None]
    step: Callable[[str], None]


def generate(order: GenerateOrder, *, watcher: Watcher) -> Generated:
    """Bring the products in, with stock in three warehouses. Nothing is published.

    Into an empty shop all of it comes in one transaction, in which indexes and foreign keys are made at the end; nobody else gets
    at the catalogue meanwhile. With ``add`` each block is a transaction. `tidy` is to follow.

    Raises ShopIsNotEmpty, ShopIsBusy, MakerEnded, and Unavailable where others use the tables.
    """
    with advisory(LOCK) as mine:
        if not mine:
            raise ShopIsBusy("Products are being brought in by another process: wait until it has ended.")
        plan = _add(order, watcher) if order.add else _fill(order, watcher)
    return Generated(
        first=f"G{plan.first + 1:08}",
        last=f"G{plan.first + plan.products:08}",
        categories=len(plan.places.categories),
    )


def tidy() -> None:
    """Let PostgreSQL look at the new rows now: planner and index-only scans depend on it, and later it would be in the way."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        try:
            cursor.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}")
            cursor.execute("ANALYZE catalog_category, catalog_brand, catalog_seller, catalog_attribute")
        finally:
            cursor.execute("RESET statement_timeout")


def _fill(order: GenerateOrder, watcher: Watcher) -> Plan:
    with unit_of_work():
        _be_patient()
        hold_tables(TABLES)
        if catalog.has_products():
            raise ShopIsNotEmpty("There are products in the shop already: --add keeps them.")
        pieces = set_aside(TABLES)
        job = _job(order)
        with closing(make_blocks(job, processes=order.processes)) as blocks:
            for made in blocks:
                _write(made, watcher)
        watcher.steps(len(pieces))
        put_back(pieces, advance=lambda piece: watcher.step(piece.name))
        watcher.step("")
    return job.plan


def _add(order: GenerateOrder, watcher: Watcher) -> Plan:
    with unit_of_work():
        _be_patient()
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {', '.join(TABLES)} IN SHARE ROW EXCLUSIVE MODE")
        job = _job(order)
    with closing(make_blocks(job, processes=order.processes)) as blocks:
        for made in blocks:
            with unit_of_work():
                _be_patient()
                _write(made, watcher)
    return job.plan


def _be_patient() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_PATIENCE)


def _job(order: GenerateOrder) -> Job:
    plan = catalog.make_plan(
        seed=order.seed,
        products=order.products,
        shop=settings.SHOP_NAME,
        currency=settings.CURRENCY,
        now=order.now,
    )
    bulk.install_warehouses(warehouses=WAREHOUSES)
    ids = generated.warehouse_ids()
    stock = generated.StockPlan(
        seed=order.seed,
        warehouses=tuple(ids[record.code] for record in WAREHOUSES),
        shelf_ids=reserve_span("inventory_inventory", order.products * generated.SHELVES_EACH),
        reference=REFERENCE,
        at=str(order.now),
    )
    return Job(plan, stock)


def _write(made: Made, watcher: Watcher) -> None:
    catalog.write_lines(made.products)
    generated.write_stock(made.stock)
    watcher.products(len(made.products.reviews))
