"""An import from its first line to its last: batches, how far it got, and what to do about rows that are refused."""

import gc
import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.db import connection, transaction

from catalog import imports
from catalog import operations as catalog
from catalog.feeds import mapping as mappings
from catalog.feeds import stored
from catalog.feeds.mapping import FeedMapping
from catalog.feeds.reading import columns
from catalog.feeds.refusals import RefusedLine
from catalog.feeds.tree import Tree, read_tree
from catalog.imports import Run, Tally
from catalog.types import PartKind
from core.clock import now
from core.locks import advisory
from ecommerce.importing.batches import Batch, Outcome
from ecommerce.importing.reading import ReadJob, Rows, read_batches
from ecommerce.seeding import WAREHOUSES
from inventory import bulk as inventory

DIFFERENCES_KEPT = 20
LOCK = "import products"
MANY = 1000
TABLES = (
    "catalog_category",
    "catalog_brand",
    "catalog_productfamily",
    "catalog_product",
    "catalog_attribute",
    "catalog_productattribute",
    "catalog_productmedia",
    "inventory_inventory",
)
Advance = Callable[[int], None]


class ImportStopped(Exception):
    """A row was refused and nothing is to be changed then; the message says which and why."""


class ImportBusy(Exception):
    """Another import is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrder:
    """What to bring in, and how."""

    file: Path
    mapping: str | None = None
    categories: Path | None = None
    limit: int | None = None
    dry_run: bool = False
    all_or_nothing: bool = False
    restart: bool = False


@dataclass(slots=True)
class ImportResult:
    """What came of it. ``resumed_at`` is the line after which an earlier run had been interrupted, 0 for none."""

    mapping: str
    outcome: Outcome = field(default_factory=Outcome)
    resumed_at: int = 0
    tree_refused: tuple[RefusedLine, ...] = ()


def run_import(order: ImportOrder, *, advance: Advance) -> ImportResult:
    """Bring the file in, in batches of one transaction each, or in one in all.

    An import of the same file that was interrupted is taken up where it stopped. Raises FeedProblem and OSError for files that
    can not be used, ImportStopped where nothing was changed because of a refused row, and ImportBusy.
    """
    found = columns(order.file)
    mapping = mappings.choose(order.mapping, found)
    mapping.check(found)
    with advisory(LOCK) as mine:
        if not mine:
            raise ImportBusy("Another import is under way: wait until it has ended.")
        with _uncollected():
            return _Import(order, mapping, advance).run()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without Python's search for cycles, which takes a quarter of the time: rows make none, and every batch is let go."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Import:
    def __init__(self, order: ImportOrder, mapping: FeedMapping, advance: Advance) -> None:
        self._order = order
        self._mapping = mapping
        self._advance = advance
        self._tree = _read_tree(order, mapping)
        self._result = ImportResult(
            mapping.name, tree_refused=tuple(RefusedLine(line=line, refusal=why) for line, why in self._tree.refused)
        )

    def run(self) -> ImportResult:
        with ExitStack() as stack:
            if self._order.all_or_nothing and not self._order.dry_run:
                stack.enter_context(transaction.atomic(durable=True))
            self._stop_at(self._result.tree_refused)
            run = None if self._order.dry_run else self._begin()
            for rows in stack.enter_context(closing(read_batches(self._job(run)))):
                self._batch(rows, run)
                self._advance(rows.count)
            if run:
                imports.finish(run_id=run.id, now=now())
                _analyze(self._result.outcome.tally)
                self._result.outcome.refused = imports.refusals(run_id=run.id)
        return self._result

    def _begin(self) -> Run:
        with transaction.atomic():
            renamed = catalog.upsert_categories(categories=self._tree.categories)
            catalog.announce_part(kind=PartKind.CATEGORY, ids=renamed, now=now())
            if self._mapping.stock_seed is not None:
                inventory.install_warehouses(warehouses=WAREHOUSES)
            run = imports.begin(
                fingerprint=_fingerprint(self._order),
                file_name=str(self._order.file),
                restart=self._order.restart,
                now=now(),
            )
        self._result.resumed_at = run.line
        self._result.outcome.tally = run.tally
        self._advance(run.tally.rows)
        return run

    def _job(self, run: Run | None) -> ReadJob:
        limit = self._order.limit
        return ReadJob(
            file=self._order.file,
            mapping=self._order.mapping,
            paths=self._tree.paths,
            skip=run.line if run else 0,
            limit=limit if limit is None or run is None else max(limit - run.tally.rows, 0),
        )

    def _batch(self, rows: Rows, run: Run | None) -> None:
        self._stop_at(rows.refused)
        moment = now()
        with ExitStack() as stack:
            if run:
                stack.enter_context(transaction.atomic())
            batch = Batch(rows.lines, self._mapping, locked=run is not None, planned=self._planned)
            batch.decide()
            self._stop_at(batch.outcome.refused)
            refused = sorted([*rows.refused, *batch.outcome.refused], key=lambda row: row.line)
            tally = batch.outcome.tally + Tally(refused=len(refused) - batch.outcome.tally.refused)
            if run:
                batch.write(moment)
                imports.advance(run_id=run.id, line=rows.last, tally=tally, refused=refused)
        self._add(batch.outcome, tally, refused, keep_refused=run is None)

    def _planned(self) -> set[str]:
        return {record.path for record in self._tree.categories}

    def _add(self, outcome: Outcome, tally: Tally, refused: list[RefusedLine], *, keep_refused: bool) -> None:
        total = self._result.outcome
        total.tally += tally
        total.fields.update(outcome.fields)
        if self._order.dry_run:
            total.differences += outcome.differences[: DIFFERENCES_KEPT - len(total.differences)]
        if keep_refused:
            total.refused += refused

    def _stop_at(self, refused: "list[RefusedLine] | tuple[RefusedLine, ...]") -> None:
        if refused and self._order.all_or_nothing:
            first = min(refused, key=lambda row: row.line)
            raise ImportStopped(f"line {first.line}: {first.refusal.detail}")


def _read_tree(order: ImportOrder, mapping: FeedMapping) -> Tree:
    if order.categories:
        return read_tree(order.categories, known=stored.known_categories())
    return Tree(tuple(mapping.rules.categories()) if mapping.rules else (), {}, ())


def _analyze(tally: Tally) -> None:
    """Tell PostgreSQL's planner about many new rows at once; until it looked by itself, pages would be slow."""
    if tally.created + tally.changed >= MANY:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")  # of large tables it takes longer than any page may
            cursor.execute(f"ANALYZE {', '.join(TABLES)}")


def _fingerprint(order: ImportOrder) -> str:
    """The same for the same file with the same categories, mapping and limit."""
    digest = hashlib.sha256(f"{order.mapping} {order.limit}".encode())
    mapping = Path(order.mapping) if order.mapping and order.mapping not in mappings.shipped() else None
    for path in filter(None, (order.file, order.categories, mapping)):
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
