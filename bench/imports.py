"""How many products a second `import_products` brings in, beside the limit: PostgreSQL taking the same finished rows by COPY."""

import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from tests.requirements import REPOSITORY, data_dir
from tests.servers.shop import database
from tests.worker import WORKER

ROWS = int(os.environ.get("BENCH_IMPORT_ROWS", "20000"))
TABLES = (
    "catalog_category",
    "catalog_brand",
    "catalog_seller",
    "catalog_attribute",
    "catalog_productfamily",
    "catalog_product",
    "catalog_productattribute",
    "catalog_productmedia",
    "inventory_warehouse",
    "inventory_inventory",
    "inventory_stockmovement",
    "core_outboxevent",
)


def main() -> None:
    """Measure and print the table."""
    table = Table(
        "file",
        "products",
        "attributes",
        "seconds",
        "products/s",
        "limit, products/s",
        title="Import into an empty shop",
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, file, options in _files(Path(folder)):
            products, attributes, seconds, limit = _measure(file, options)
            table.add_row(
                name,
                f"{products:,}",
                f"{attributes / products:.1f} each",
                f"{seconds:.1f}",
                f"{products / seconds:,.0f}",
                f"{products / limit:,.0f}",
            )
    Console(width=120).print(table)


def _files(folder: Path) -> Iterator[tuple[str, Path, list[str]]]:
    made = folder / "products.csv"
    tree = folder / "tree.csv"
    tree.write_text("id,name\nchairs,Chairs\n")
    with made.open("w", newline="") as file:
        writer = csv.writer(file)
        names = ["colour", "size", "material", "width-cm", "height-cm", "warranty"]
        writer.writerow(
            ["sku", "title", "brand", "category", "price", "description", *(f"attr.{name}" for name in names)]
        )
        for number in range(ROWS):
            values = [
                ("Red", "Blue", "Oak")[number % 3],
                "SML"[number % 3],
                "Oak",
                20 + number % 180,
                40 + number % 90,
                "2 years",
            ]
            text = f"Chair {number} of oak, with a seat of woven paper cord, for the desk or the table."
            writer.writerow(
                [f"C{number}", f"Chair {number}", f"Brand {number % 300}", "chairs", "19.90", text, *values]
            )
    yield "CSV, six attributes", made, ["--categories", str(tree)]
    icecat = data_dir() / "icecat" / "products.jsonl.gz"
    if icecat.is_file():
        yield "Icecat, stock in three warehouses", icecat, []


def _measure(file: Path, options: list[str]) -> tuple[int, int, float, float]:
    """Products, attributes, and the seconds of the import and of its limit; the command's own start is part of neither."""
    with database(f"bench_import_{WORKER}") as source, database(f"bench_limit_{WORKER}") as target:
        for url in (source, target):
            _manage(url, "migrate", "--no-input", "--verbosity", "0")
        idle = _manage(source, "check", "--tag", "none-of-ours", allow_failure=True)
        seconds = _manage(source, "import_products", str(file), *options) - idle
        with psycopg.connect(source) as here, psycopg.connect(target) as there:
            limit = _copy_all(here, there)
            products, attributes = (_count(there, table) for table in ("catalog_product", "catalog_productattribute"))
    return products, attributes, seconds, limit


def _manage(url: str, *arguments: str, allow_failure: bool = False) -> float:
    environment = {**os.environ, "DATABASE_URL": url, "DATABASE_POOL": "0", "DATABASE_STATEMENT_TIMEOUT_MS": "0"}
    begin = time.perf_counter()
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=not allow_failure, capture_output=True)
    return time.perf_counter() - begin


def _copy_all(here: "psycopg.Connection[tuple[int]]", there: "psycopg.Connection[tuple[int]]") -> float:
    """Take every table over, each in one COPY, with all its indexes and constraints; the seconds of the writing side."""
    seconds = 0.0
    for name in TABLES:
        with here.cursor().copy(f"COPY {name} TO STDOUT (FORMAT binary)") as source:
            rows = [bytes(part) for part in source]
        begin = time.perf_counter()
        with there.cursor().copy(f"COPY {name} FROM STDIN (FORMAT binary)") as copy:
            for part in rows:
                copy.write(part)
        seconds += time.perf_counter() - begin
    begin = time.perf_counter()
    there.commit()
    return seconds + time.perf_counter() - begin


def _count(connection: "psycopg.Connection[tuple[int]]", table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - a name of our own
    return row[0] if row else 0
