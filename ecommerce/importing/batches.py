"""One batch of an import: decide about every row, then write what is good, or only tell what would be written."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from catalog import operations as catalog
from catalog.feeds import stored
from catalog.feeds.fields import Given
from catalog.feeds.mapping import FeedMapping
from catalog.feeds.merging import changes, merge
from catalog.feeds.refusals import Code, Refusal, RefusedLine, RefusedRow, refuse
from catalog.imports import Tally
from catalog.records import ProductRecord, StoredProduct
from ecommerce.importing.reading import Line
from ecommerce.seeding import seeded_stock
from inventory import bulk as inventory
from inventory.bulk import StockRecord

REFERENCE = "import"
Difference = tuple[str, Mapping[str, tuple[Any, Any]]]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a batch came to: how many fields change, and the single changes of products that are known."""

    tally: Tally = field(default_factory=Tally)
    refused: list[RefusedLine] = field(default_factory=list)
    fields: "Counter[str]" = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)


@dataclass(slots=True)
class Batch:
    """Decides about the rows of one batch, by what is in the shop; with ``locked`` that stays so until the transaction ends."""

    lines: Sequence[Line]
    mapping: FeedMapping
    locked: bool
    planned: Callable[[], set[str]] = set  # categories that a dry run would have added
    known: dict[str, StoredProduct] = field(default_factory=dict)
    records: list[ProductRecord] = field(default_factory=list)
    stock: dict[str, dict[str, int]] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)

    def decide(self) -> None:
        """Fill ``records``, ``stock`` and ``outcome``."""
        skus = [line.given["sku"] for line in self.lines]
        self.known = catalog.lock_products(skus=skus) if self.locked else stored.by_sku(skus)
        shop = _Shop.read(self.lines, self.known, self.planned(), locked=self.locked)
        for line in self.lines:
            before = self.known.get(line.given["sku"])
            shop.readdress(line.given)
            try:
                record = merge(given=line.given, current=before.record if before else None, families=shop.families)
                shop.check(record, before, line.given.get("stock", {}))
            except RefusedRow as problem:
                self._refuse(line, problem.refusal)
                continue
            shop.families[record.family_code] = record
            self.records.append(record)
            self.stock[record.sku] = line.given.get("stock", {})
            self._count(record, before, shop.stock_changes(before, self.stock[record.sku]))

    def write(self, now: datetime) -> None:
        """Write what was decided."""
        ids = catalog.upsert_products(products=self.records, now=now, stored=self.known)
        rows = [
            StockRecord(product_id=ids[sku], warehouse_code=code, quantity=quantity)
            for sku, shelves in self.stock.items()
            for code, quantity in shelves.items()
        ]
        inventory.set_stock(rows=rows, reference=REFERENCE, now=now)
        if self.mapping.stock_seed is not None:
            without = {sku: ids[sku] for sku, shelves in self.stock.items() if not shelves}
            seeded = list(seeded_stock(seed=self.mapping.stock_seed, product_ids=without))
            inventory.install_stock(rows=seeded, reference=REFERENCE, now=now)

    def _count(
        self, record: ProductRecord, before: StoredProduct | None, shelves: Mapping[str, tuple[int, int]]
    ) -> None:
        if before is None:
            self.outcome.tally += Tally(created=1)
            return
        found = {**changes(before.record, record), **shelves}
        self.outcome.tally += Tally(changed=1) if found else Tally(unchanged=1)
        if found:
            self.outcome.fields.update(found.keys())
            self.outcome.differences.append((record.sku, found))

    def _refuse(self, line: Line, refusal: Refusal) -> None:
        self.outcome.tally += Tally(refused=1)
        self.outcome.refused.append(RefusedLine(line=line.number, refusal=refusal, row=line.given["sku"]))


@dataclass(slots=True)
class _Shop:
    """What rows of a batch are compared with."""

    families: dict[str, ProductRecord]
    categories: dict[str, str]
    warehouses: set[str]
    promised: dict[tuple[int, str], int]
    on_hand: dict[int, dict[str, int]]
    slugs: dict[str, str]

    @classmethod
    def read(
        cls, lines: Sequence[Line], known: Mapping[str, StoredProduct], planned: set[str], *, locked: bool
    ) -> "_Shop":
        codes = {line.given["family_code"] for line in lines if "family_code" in line.given}
        stocked = {
            known[line.given["sku"]].id for line in lines if line.given.get("stock") and line.given["sku"] in known
        }
        slugs = {line.given["slug"] for line in lines if line.given.get("slug")}
        families = {product.record.family_code: product.record for product in known.values()}
        return cls(
            families=families | (stored.of_families(codes - families.keys()) if codes - families.keys() else {}),
            categories={**{path: path for path in planned}, **stored.known_categories()},
            warehouses=inventory.warehouse_codes(),
            promised=inventory.promised_units(product_ids=stocked) if stocked and locked else {},
            on_hand=inventory.stock_on_hand(product_ids=stocked) if stocked else {},
            slugs=stored.owners_of_slugs(slugs) if slugs else {},
        )

    def readdress(self, given: Given) -> None:
        """Put the address that the category has now in the place of a former one."""
        if given.get("category") in self.categories:
            given["category"] = self.categories[given["category"]]

    def check(self, record: ProductRecord, before: StoredProduct | None, shelves: Mapping[str, int]) -> None:
        """Raise RefusedRow for what the shop does not know, has given to somebody else, or has promised."""
        if record.category not in self.categories:
            refuse(Code.UNKNOWN, "category", f"there is no category {record.category[:100]}")
        if record.slug and self.slugs.setdefault(record.slug, record.sku) != record.sku:
            refuse(Code.TAKEN, "slug", f"the address {record.slug[:100]} belongs to {self.slugs[record.slug]}")
        for code, quantity in shelves.items():
            if code not in self.warehouses:
                refuse(Code.UNKNOWN, f"stock.{code}"[:200], f"there is no warehouse {code[:100]}")
            promised = self.promised.get((before.id, code), 0) if before else 0
            if quantity < promised:
                refuse(Code.PROMISED, f"stock.{code}", f"{promised} units in {code} are promised to shoppers")

    def stock_changes(self, before: StoredProduct | None, shelves: Mapping[str, int]) -> dict[str, tuple[int, int]]:
        """What ``shelves`` change, by ``stock.CODE``."""
        now_there = self.on_hand.get(before.id, {}) if before else {}
        return {
            f"stock.{code}": (now_there.get(code, 0), quantity)
            for code, quantity in shelves.items()
            if now_there.get(code, 0) != quantity
        }
