"""Whether the right product is found by a title with slips of the finger in it: a gift wholesaler's titles, both engines."""

import csv
import random
import string
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from tests.requirements import REPOSITORY, data_dir

ASKED, AT = 300, 10
SHORTEST = 4  # letters of a word that gets a slip
_TITLES = """
    SELECT StockCode, trim(arg_max(Description, InvoiceDate)), max(UnitPrice)
    FROM read_parquet(?) WHERE regexp_matches(StockCode, '[0-9]') AND UnitPrice > 0 AND Description IS NOT NULL
    GROUP BY 1 ORDER BY 1
"""


def measure(console: Console) -> None:
    """Import the titles into the shop that is there, and print how many of ASKED are among the first AT."""
    titles = _import()
    chance = random.Random(1)  # noqa: S311 - the same titles and slips each time
    asked = chance.sample(sorted(titles), ASKED)
    table = Table(
        *("slips", *(f"{engine}, found" for engine in ("elasticsearch", "postgres"))),
        title=f"{ASKED} of {len(titles):,} titles of a gift wholesaler: the right one among the first {AT}",
    )
    for slips in (0, 1, 2):
        typed = {sku: _slipped(titles[sku], slips, chance) for sku in asked}
        shares = [_found(engine, typed) for engine in ("elasticsearch", "postgres")]
        table.add_row(str(slips), *(f"{share:.1%}" for share in shares))
    console.print(table)


def _import() -> dict[str, str]:
    file = data_dir() / "online-retail" / "invoices.parquet"
    rows = duckdb.connect().execute(_TITLES, [str(file)]).fetchall()
    with tempfile.TemporaryDirectory() as folder:
        tree, products = Path(folder) / "tree.csv", Path(folder) / "products.csv"
        tree.write_text("id,name\ngifts,Gifts\n")
        with products.open("w", newline="") as given:
            writer = csv.writer(given)
            writer.writerow(["sku", "title", "brand", "category", "price"])
            writer.writerows([f"R-{code}", title, "Wholesaler", "gifts", price] for code, title, price in rows if title)
        for arguments in (["import_products", str(products), "--categories", str(tree)], ["build_search_index"]):
            command = [sys.executable, "-W", "ignore", "manage.py", *arguments]
            subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    return {f"R-{code}": title for code, title, _ in rows if title}


def _found(engine: str, typed: dict[str, str]) -> float:
    """The share whose product, or one of the same title, is among the first."""
    from bench.relevance import first  # noqa: PLC0415 - which needs this module

    return sum(sku in first(engine, text) for sku, text in typed.items()) / len(typed)


def _slipped(title: str, slips: int, chance: random.Random) -> str:
    words = title.lower().split()
    long = [place for place, word in enumerate(words) if len(word) >= SHORTEST and word.isalpha()]
    for place in chance.sample(long, min(slips, len(long))):
        words[place] = chance.choice(_SLIPS)(words[place], chance.randrange(1, len(words[place]) - 1), chance)
    return " ".join(words)


def _dropped(word: str, at: int, chance: random.Random) -> str:
    return word[:at] + word[at + 1 :]


def _put(word: str, at: int, chance: random.Random) -> str:
    return word[:at] + chance.choice(string.ascii_lowercase) + word[at:]


def _changed(word: str, at: int, chance: random.Random) -> str:
    return word[:at] + chance.choice(string.ascii_lowercase) + word[at + 1 :]


def _swapped(word: str, at: int, chance: random.Random) -> str:
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


_SLIPS: tuple[Callable[[str, int, random.Random], str], ...] = (_dropped, _put, _changed, _swapped)
