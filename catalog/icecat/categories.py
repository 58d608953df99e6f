"""Which category a product of Icecat belongs to: it has none, so its title decides, by the rules of `categories.txt`."""

import re
from functools import cache
from pathlib import Path

from django.utils.text import slugify

from catalog.records import CategoryRecord

INK, TONER = ("Printing", "Ink Cartridges"), ("Printing", "Toner")
Place = tuple[str, str]


def category_of(title: str, *, print_technology: str = "") -> str:
    """The slug path of the category that ``title`` belongs to.

    "HP 314A Original Cyan" does not tell ink from toner, so there the print technology decides.
    """
    text = title.lower()
    place = next((place for place, words in _rules() if words.search(text)), INK)
    if place == INK and "laser" in print_technology.lower():
        place = TONER
    return _path(place)


def icecat_categories() -> list[CategoryRecord]:
    """All categories that `category_of` may name, each department before what is in it."""
    places = dict.fromkeys(place for place, _words in _rules())
    departments = dict.fromkeys(department for department, _category in places)
    return [
        *(CategoryRecord(path=slugify(name), name=name) for name in departments),
        *(CategoryRecord(path=_path(place), name=place[1]) for place in places),
    ]


@cache
def _rules() -> tuple[tuple[Place, re.Pattern[str]], ...]:
    found = []
    for line in Path(__file__).with_name("categories.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            names, _, words = line.partition(":")
            department, _, category = names.partition(" / ")
            # The last line has no words and takes everything.
            pattern = rf"(?<![\w-])(?:{words.strip()})(?![\w-])" if words.strip() else ""
            found.append(((department, category), re.compile(pattern)))
    return tuple(found)


def _path(place: Place) -> str:
    return "/".join(slugify(name) for name in place)
