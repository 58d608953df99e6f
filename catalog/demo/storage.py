"""Draws the demo's pictures into the shop's storage, and leaves alone what is there already."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from catalog.demo.pictures import draw
from catalog.demo.products import PictureOrder
from catalog.thumbnails import has_thumbnails, make_thumbnails

THREADS = 4  # Pillow draws and encodes without the interpreter's lock


def store_pictures(*, orders: Sequence[PictureOrder]) -> Iterator[str]:
    """Draw and store what is missing, with its thumbnails; the name of each picture as it is done."""
    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(_store, orders)


def _store(order: PictureOrder) -> str:
    if not default_storage.exists(order.file):
        default_storage.save(order.file, ContentFile(draw(kind=order.kind, colour=order.colour, ground=order.ground)))
    if not has_thumbnails(file=order.file):
        make_thumbnails(file=order.file)
    return order.file
