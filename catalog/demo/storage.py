"""Draws the demo's pictures into the shop's storage, and leaves alone what is there already."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from itertools import zip_longest

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from catalog.demo.pictures import draw
from catalog.demo.products import PictureOrder
from catalog.thumbnails import has_thumbnails, make_thumbnails

FEW = 40  # so many are drawn sooner than another Python has started
MOST_PROCESSES = 4


def store_pictures(*, orders: Sequence[PictureOrder]) -> Iterator[str]:
    """Draw and store what is missing, with its thumbnails; the name of each picture as it is done.

    Many are drawn by several processes, for Pillow keeps the interpreter's lock. Raises RuntimeError when one of them fails; its
    last words are on standard error.
    """
    missing = []
    for order in orders:
        if has_thumbnails(file=order.file):
            yield order.file
        else:
            missing.append(order)
    count = min(os.cpu_count() or 1, MOST_PROCESSES)
    if len(missing) < FEW or count == 1:
        yield from map(_store, missing)
    else:
        yield from _store_apart([missing[number::count] for number in range(count)])


def _store_apart(parts: Sequence[Sequence[PictureOrder]]) -> Iterator[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with ExitStack() as stack:
        processes = []
        for part in parts:
            process = subprocess.Popen(
                [sys.executable, "-m", "catalog.demo.storage"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            processes.append(process)
            job = {"media": str(settings.MEDIA_ROOT), "orders": [asdict(order) for order in part]}
            assert process.stdin
            process.stdin.write(json.dumps(job))
            process.stdin.close()
        for names in zip_longest(*(process.stdout or () for process in processes)):
            yield from (name.strip() for name in names if name)
        if any(process.wait() for process in processes):
            raise RuntimeError("not all pictures could be drawn")


def _store(order: PictureOrder) -> str:
    if not default_storage.exists(order.file):
        default_storage.save(order.file, ContentFile(draw(kind=order.kind, colour=order.colour, ground=order.ground)))
    make_thumbnails(file=order.file)
    return order.file


def main() -> None:
    """A drawing process: the pictures that standard input names, each told when it is done."""
    job = json.load(sys.stdin)
    settings.MEDIA_ROOT = job["media"]
    for written in job["orders"]:
        sys.stdout.write(f"{_store(PictureOrder(**written))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
