"""Which category a product of Icecat belongs to: it has none, so its title and attributes decide, by `categories.txt`."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.text import slugify

from catalog.icecat.rulebook import Place, RuleBook, parse_rules
from catalog.records import CategoryRecord


def category_of(row: Mapping[str, Any]) -> str:
    """The slug path of the category that ``row``, one line of Icecat's catalogue, belongs to."""
    return _path(rules().place_of(row))


def icecat_categories() -> list[CategoryRecord]:
    """All categories that `category_of` may name and those above them, each after the one that it is in."""
    leaves = sorted(rules().leaves())
    places = dict.fromkeys(leaf[:depth] for leaf in leaves for depth in range(1, len(leaf) + 1))
    return [CategoryRecord(path=_path(place), name=place[-1]) for place in places]


@cache
def rules() -> RuleBook:
    """The rules that come with the shop."""
    return parse_rules(Path(__file__).with_name("categories.txt").read_text(encoding="utf-8"))


@cache
def _path(place: Place) -> str:
    return "/".join(slugify(name) for name in place)
