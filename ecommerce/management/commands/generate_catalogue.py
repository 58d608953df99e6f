"""Fills the shop with as many products and orders as one asks for, to measure with."""

import os
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils.module_loading import import_string
from rich.progress import Progress

from core.clock import now
from core.errors import Unavailable
from ecommerce.generating.loading import GenerateOrder, ShopIsBusy, ShopIsNotEmpty, Watcher, generate, tidy
from ecommerce.generating.making import MakerEnded
from ecommerce.past import write_past_orders
from ecommerce.progress import progress_bar

MOST = 10_000_000
MOST_PROCESSES, USUAL_PROCESSES = 64, 4  # more only wait for PostgreSQL
DISK_FULL = "53100"


class Command(BaseCommand):
    """`manage.py generate_catalogue --products N --orders M --seed S`: the same shop for the same numbers."""

    help = (
        "Fill an empty shop with generated products and past orders, to measure with. The same numbers make the same shop. "
        "Refused in production."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How much, by which seed, and what of a shop that is not empty."""
        parser.add_argument("--products", type=int, required=True, help="how many products; 0 leaves them as they are")
        parser.add_argument("--orders", type=int, default=0, help="how many orders of the last two years (default 0)")
        parser.add_argument("--seed", type=int, default=1, help="what decides all the rest (default 1)")
        parser.add_argument("--add", action="store_true", help="add to the products there are; this takes longer")
        parser.add_argument(
            "--processes",
            type=int,
            default=min(os.cpu_count() or 1, USUAL_PROCESSES),
            help="how many make products (default: one a core, 4 at most)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Generate; raises CommandError for numbers out of range, in production, and where products are in the way."""
        _check(options)
        moment = now()
        with progress_bar() as bar:
            if options["products"]:
                self._products(options, moment, bar)
            if options["orders"]:
                self._orders(options, moment, bar)

    def _products(self, options: dict[str, Any], moment: datetime, bar: Progress) -> None:
        order = GenerateOrder(
            products=options["products"],
            seed=options["seed"],
            now=moment,
            processes=options["processes"],
            add=options["add"],
        )
        stands = "Whole blocks of products are in the shop." if order.add else "Nothing was changed."
        with _told(stands):
            made = generate(order, watcher=_watcher(bar, order.products))
        last = bar.add_task("Statistics", total=1)
        with _told("All products are in the shop."):
            tidy()
        bar.advance(last)
        self.stdout.write(
            f"{order.products:,} products in {made.categories} categories are in the shop, {made.first} to {made.last}."
        )
        self.stdout.write(
            "Nobody was told of them: whatever keeps a copy of the catalogue, such as a search index, is to be built anew."
        )

    def _orders(self, options: dict[str, Any], moment: datetime, bar: Progress) -> None:
        import_string("pricing.services.install_defaults")(currency=settings.CURRENCY)
        task = bar.add_task("Orders", total=options["orders"])
        with _told("Whole batches of orders are in the shop: --products 0 goes on with them."):
            written = write_past_orders(
                orders=options["orders"],
                seed=options["seed"],
                now=moment,
                advance=lambda number: bar.advance(task, number),
            )
        self.stdout.write(f"{written:,} orders are new.")


def _check(options: dict[str, Any]) -> None:
    if settings.PRODUCTION:
        raise CommandError("generate_catalogue fills a shop to measure it: it is refused with SHOP_ENV=production")
    for name in ("products", "orders"):
        if not 0 <= options[name] <= MOST:
            raise CommandError(f"--{name} must be between 0 and {MOST:,}")
    if not options["products"] and not options["orders"]:
        raise CommandError("--products 0 without --orders leaves nothing to do")
    if not 0 <= options["processes"] <= MOST_PROCESSES:
        raise CommandError(f"--processes must be between 0 and {MOST_PROCESSES}; 0 makes products in this one")


@contextmanager
def _told(stands: str) -> Iterator[None]:
    """Whatever may go wrong becomes one line, with what ``stands`` then."""
    try:
        yield
    except (ShopIsNotEmpty, ShopIsBusy) as problem:
        raise CommandError(str(problem)) from problem
    except Unavailable as problem:
        raise CommandError(f"{problem.detail} Stop the shop while products are generated.") from problem
    except MakerEnded as problem:
        raise CommandError(f"{problem} {stands}") from problem
    except (DatabaseError, psycopg.Error) as problem:
        raise CommandError(f"{_reason(problem)} {stands}") from problem
    except KeyboardInterrupt:
        raise CommandError(f"Interrupted. {stands}", returncode=130) from None


def _watcher(bar: Progress, products: int) -> Watcher:
    making = bar.add_task("Products", total=products)
    indexing = bar.add_task("Indexes", total=None, visible=False)
    done = count()
    return Watcher(
        products=lambda number: bar.advance(making, number),
        steps=lambda number: bar.update(indexing, total=number, visible=True),
        step=lambda name: bar.update(indexing, completed=next(done), description=f"Indexes {name}".strip()),
    )


def _reason(problem: Exception) -> str:
    if getattr(problem.__cause__ or problem, "sqlstate", None) == DISK_FULL:
        return "PostgreSQL has no space left on its disk."
    return f"PostgreSQL stopped it: {str(problem).splitlines()[0] if str(problem) else problem!r}."
