"""An import that is killed: whole batches are in the shop, and the same command again brings the rest, and no row twice."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import pytest
from django.db import connection

from catalog.models import ImportRun, Product, ProductAttribute
from core.clock import now
from core.models import OutboxEvent
from ecommerce.importing.reading import LARGE
from inventory.models import Inventory
from inventory.services import check_inventory
from tests.factories import make_category, make_warehouse
from tests.requirements import REPOSITORY
from tests.servers.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.servers]
ROWS, BAD = 4000, (700, 2100, 3200)
STOPS_AT, LATE = 2500, "A brand that somebody else is adding"


def write_file(path: Path) -> Path:
    with path.open("w") as file:
        for number in range(1, ROWS + 1):
            row = {
                "sku": f"{number:05}",
                "title": f"Chair {number}",
                "brand": LATE if number == STOPS_AT else "Oakline",
                "category": "chairs",
                "price": -1 if number in BAD else number,
                "attributes": [{"code": f"c{place}", "value": str(number)} for place in range(5)],
                "stock": {"east": number},
                "description": "So long that a process of its own reads the file. " * 4,
            }
            file.write(json.dumps(row) + "\n")
    return path


@contextmanager
def importing(file: Path, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """The command in a process of its own, on the database of this test."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    database_url = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
    process = subprocess.Popen(
        [sys.executable, str(REPOSITORY / "manage.py"), "import_products", str(file)],
        cwd=folder,
        env={**os.environ, "DATABASE_URL": database_url, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def adding_brand() -> Iterator[None]:
    """A transaction that the third batch has to wait for, so that it is under way when the end comes."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("INSERT INTO catalog_brand (name, slug) VALUES (%s, 'late')", [LATE])
        yield
        other.rollback()


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_import_is_taken_up_where_it_stopped(tmp_path: Path, sign: signal.Signals) -> None:
    make_category(name="Chairs")
    make_warehouse(code="east")
    file = write_file(tmp_path / "products.jsonl")
    with adding_brand(), importing(file, tmp_path) as first:
        wait_for(lambda: ImportRun.objects.filter(line=2000).exists() or None, "no batch was done", seconds=60)
        readers = psutil.Process(first.pid).children()
        first.send_signal(sign)
        first.wait(timeout=30)
    assert file.stat().st_size > LARGE
    assert len(readers) == 1
    assert psutil.wait_procs(readers, timeout=20)[1] == []

    done = ImportRun.objects.get()
    assert done.finished_at is None
    assert done.line == 2000
    assert first.returncode == {signal.SIGKILL: -signal.SIGKILL, signal.SIGINT: 130}[sign]
    in_shop = Product.objects.count()
    assert in_shop == done.line - done.refused
    assert ProductAttribute.objects.count() == 5 * in_shop
    assert Inventory.objects.count() == in_shop

    with importing(file, tmp_path) as second:
        out, err = second.communicate(timeout=120)

    assert second.returncode == 1
    assert f"Went on after line {done.line}, where an earlier run was interrupted." in out
    assert f"{ROWS - len(BAD)} products are new, 0 changed, 0 unchanged." in out
    assert "3 rows were refused: see products.refused.csv" in err
    with (tmp_path / "products.refused.csv").open(newline="") as report:
        assert [int(line["line"]) for line in csv.DictReader(report)] == list(BAD)
    assert Product.objects.count() == ROWS - len(BAD)
    # Each product was announced once: nothing that had been done was done again.
    assert OutboxEvent.objects.filter(type="product.changed").count() == ROWS - len(BAD)
    assert check_inventory(now=now()).differences == ()
