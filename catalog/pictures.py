"""Addresses of pictures, made without a query or a look at the disk: thumbnails are made when a picture is saved."""

from django.conf import settings
from django.core.files.storage import default_storage
from django.templatetags.static import static

from catalog.types import Picture

SIZES = ("card", "page", "line")
# Drawn for the departments that the shop comes with (`catalog.demo.vectors`); any other one is shown by the parcel.
DEPARTMENTS = frozenset(
    {
        "accessories",
        "bags-travel",
        "cables",
        "clothing",
        "components",
        "computers",
        "garden",
        "home-living",
        "home-personal-care",
        "kitchen-dining",
        "monitors-projectors",
        "networking",
        "office",
        "phones-audio-photo",
        "power",
        "printing",
        "software-services",
        "sports-outdoors",
        "stationery-art",
        "storage",
        "toys-games",
    }
)
GENERIC = "parcel"


def thumbnail_name(file: str, size: str) -> str:
    """The name in storage under which easy-thumbnails' alias namer keeps ``file`` in ``size``."""
    return f"{file}.{size}.{settings.THUMBNAIL_EXTENSION}"


def department_picture(slug: str) -> str:
    """The address of a department's drawing, the generic one for a department of the merchant's own."""
    return static(f"catalog/pictures/{slug if slug in DEPARTMENTS else GENERIC}.svg")


def picture_of(*, file: str, alt: str, title: str, category_path: str) -> Picture:
    """The picture kept as ``file``, or the drawing of the product's department where there is none."""
    if not file:
        drawing = department_picture(category_path.split("/", 1)[0])
        return Picture(card_url=drawing, page_url=drawing, line_url=drawing, alt="")
    card, page, line = (default_storage.url(thumbnail_name(file, size)) for size in SIZES)
    return Picture(card_url=card, page_url=page, line_url=line, alt=alt or title)
