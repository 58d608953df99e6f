"""Thumbnails in all sizes of a picture, made when it is saved and found by name from then on (`catalog.pictures`)."""

import io
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from easy_thumbnails import engine
from PIL import Image

from catalog.pictures import SIZES, thumbnail_name
from core.transactions import refuse_transaction


def make_thumbnails(*, file: str) -> None:
    """Make the thumbnails of the picture kept as ``file``; those of an earlier picture of that name are replaced.

    The picture is read once, and each size is made of the next larger one. A picture that has the form of a thumbnail is taken as
    it is. Raises FileNotFoundError where there is no such file, and Pillow's UnidentifiedImageError where it is no picture.
    """
    refuse_transaction("catalog.thumbnails.make_thumbnails")
    aliases: dict[str, dict[str, Any]] = settings.THUMBNAIL_ALIASES[""]
    with default_storage.open(file) as source:
        written = source.read()
    image = engine.generate_source_image(io.BytesIO(written), {}, fail_silently=False)
    for size in sorted(SIZES, key=lambda size: aliases[size]["size"], reverse=True):
        name = thumbnail_name(file, size)
        if file.endswith(f".{settings.THUMBNAIL_EXTENSION}") and image.size == aliases[size]["size"]:
            _replace(name, io.BytesIO(written))
        else:
            image = _shrunk(image, aliases[size])
            _replace(name, engine.save_pil_image(image, filename=name))


def _shrunk(image: Image.Image, alias: dict[str, Any]) -> Image.Image:
    """``image`` as ``alias`` wants it; to a whole fraction of its size by averaging, which takes a fifth of the time."""
    width, height = alias["size"]
    factor = image.width // width
    if factor > 1 and image.size == (width * factor, height * factor) and image.mode == "RGB":
        return image.reduce(factor)
    shrunk: Image.Image = engine.process_image(image, alias)
    return shrunk


def has_thumbnails(*, file: str) -> bool:
    """Whether all sizes of ``file`` are there."""
    return all(default_storage.exists(thumbnail_name(file, size)) for size in SIZES)


def _replace(name: str, thumbnail: io.BytesIO) -> None:
    default_storage.delete(name)
    default_storage.save(name, File(thumbnail))
