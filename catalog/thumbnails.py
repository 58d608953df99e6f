"""Thumbnails in all sizes of a picture, made when it is saved and found by name from then on (`catalog.pictures`)."""

from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from easy_thumbnails.files import Thumbnailer

from catalog.pictures import SIZES, thumbnail_name
from core.transactions import refuse_transaction


def make_thumbnails(*, file: str) -> None:
    """Make the thumbnails of the picture kept as ``file``; those of an earlier picture of that name are replaced.

    Raises FileNotFoundError where there is no such file, and Pillow's UnidentifiedImageError where it is no picture.
    """
    refuse_transaction("catalog.thumbnails.make_thumbnails")
    aliases = settings.THUMBNAIL_ALIASES[""]
    with default_storage.open(file) as source:
        thumbnailer = Thumbnailer(source, name=file)
        for size in SIZES:
            thumbnail = thumbnailer.generate_thumbnail({**aliases[size], "ALIAS": size})
            _replace(thumbnail_name(file, size), thumbnail)


def has_thumbnails(*, file: str) -> bool:
    """Whether all sizes of ``file`` are there."""
    return all(default_storage.exists(thumbnail_name(file, size)) for size in SIZES)


def _replace(name: str, thumbnail: Any) -> None:
    default_storage.delete(name)
    default_storage.save(name, thumbnail)
