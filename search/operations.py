"""What other apps and event handlers compose into their own transaction."""

from collections.abc import Collection
from datetime import datetime, timedelta

from catalog import selectors as catalog
from core.transactions import require_transaction
from inventory import selectors as inventory
from orders import selectors as orders
from search import locks, writes
from search.projection import dead_document, live_document

SALES_COUNT_FOR = timedelta(days=90)


def note_products(*, product_ids: Collection[int]) -> None:
    """Have the documents of these products' families rebuilt soon. Raises RuntimeError outside a transaction."""
    require_transaction("search.operations.note_products")
    writes.add_work(catalog.families_of(product_ids=product_ids))


def note_families(*, family_ids: Collection[int]) -> None:
    """Have the documents of these families rebuilt soon. Raises RuntimeError outside a transaction."""
    require_transaction("search.operations.note_families")
    writes.add_work(family_ids)


def rebuild(*, family_ids: Collection[int], now: datetime) -> set[int]:
    """Bring these families' documents up to what the shop knows, under their locks; whose have changed.

    Raises RuntimeError outside a transaction.
    """
    require_transaction("search.operations.rebuild")
    locks.documents(family_ids=family_ids)
    facts = catalog.family_facts(family_ids=family_ids)
    product_ids = [variant.id for family in facts.values() for variant in family.variants]
    stock = inventory.availability(product_ids=product_ids)
    sold = orders.units_sold(product_ids=product_ids, since=now - SALES_COUNT_FOR)
    documents = [
        live_document(facts[family_id], stock=stock, units_sold=sold)
        if family_id in facts
        else dead_document(family_id)
        for family_id in sorted(family_ids)
    ]
    return writes.save_documents(documents, now=now)
