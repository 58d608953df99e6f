"""The catalogue with its stock as a file that `import_products` takes back."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from django.db import connection, transaction

from catalog.feeds import stored, tree, writing
from inventory import bulk as inventory

BATCH = 1000


def export_products(
    *, file: Path, names: Sequence[str], categories: Path | None = None, advance: Callable[[int], None]
) -> int:
    """Write every product's columns ``names`` to ``file``, and the tree to ``categories``; how many products there were.

    All is of one moment, however long it takes. Raises FeedProblem for a file name that tells no format, and OSError where a file
    can not be written; there is none then.
    """
    count = 0
    with ExitStack() as stack:
        stack.enter_context(transaction.atomic(durable=True))
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        warehouses = sorted(inventory.warehouse_codes())
        write = stack.enter_context(writing.open_table(file, names=names, warehouses=warehouses))
        if categories:
            write_category = stack.enter_context(writing.open_table(categories, names=tree.COLUMNS))
            for row in tree.rows_of(stored.categories()):
                write_category(row)
        for batch in stored.everything(batch=BATCH):
            stock = inventory.stock_on_hand(product_ids=[product.id for product in batch])
            for product in batch:
                write(writing.row_of(product.record, stock.get(product.id, {})))
            count += len(batch)
            advance(len(batch))
    return count
