"""A file of categories: ``id``, ``parent`` (an id of the file, or the address of a category there is), ``name``, and more.

Only ``id`` and ``name`` are needed; without a slug the name makes one.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.text import slugify

from catalog.feeds import values
from catalog.feeds.reading import RawRow, columns, read_rows
from catalog.feeds.refusals import Code, FeedProblem, Refusal, RefusedRow, refuse
from catalog.records import CategoryRecord

COLUMNS = ("id", "parent", "name", "slug", "description")
LONGEST_PATH = 500
DEEPEST = 10


@dataclass(frozen=True, slots=True)
class _Written:
    """A category as the file has it."""

    line: int
    id: str
    parent: str
    name: str
    slug: str
    description: str


@dataclass(frozen=True, slots=True)
class Tree:
    """What a file of categories says: parents first, the addresses by id, and the lines that were refused."""

    categories: tuple[CategoryRecord, ...]
    paths: Mapping[str, str]
    refused: tuple[tuple[int, Refusal], ...]


def read_tree(path: Path, *, known: Mapping[str, str]) -> Tree:
    """Read the categories in ``path``; ``known`` has the address of each there is, by itself and by those
    it had formerly.

    A line is refused that is below itself, below nothing, or below one that was refused. Raises OSError and FeedProblem.
    """
    _check_columns(path)
    refused: list[tuple[int, Refusal]] = []
    written: dict[str, _Written] = {}
    for row in read_rows(path):
        try:
            category = _parse(row)
            if category.id in written:
                refuse(Code.REPEATED, "id", f"the id {category.id} was in line {written[category.id].line} already")
            written[category.id] = category
        except RefusedRow as problem:
            refused.append((row.line, problem.refusal))
    placed: dict[str, tuple[str, _Written]] = {}
    for category in written.values():
        try:
            slug_path = _path(category, written, known)
            if slug_path in placed:
                refuse(
                    Code.REPEATED, "slug", f"its address {slug_path} is that of line {placed[slug_path][1].line} too"
                )
            placed[slug_path] = (slug_path, category)
        except RefusedRow as problem:
            refused.append((category.line, problem.refusal))
    gone = {category.id for category in written.values() if category.line in {line for line, _ in refused}}
    for slug_path, category in list(placed.values()):
        above = next((parent for parent in _above(category, written) if parent in gone), None)
        if above is not None:
            refused.append((category.line, Refusal(Code.UNKNOWN, "parent", f"{above}, which it is below, was refused")))
            del placed[slug_path]
    records = [
        CategoryRecord(path=slug_path, name=category.name, description=category.description)
        for slug_path, category in sorted(placed.values(), key=lambda pair: pair[0].count("/"))
    ]
    return Tree(
        categories=tuple(records),
        paths={category.id: slug_path for slug_path, category in placed.values()},
        refused=tuple(sorted(refused, key=lambda pair: pair[0])),
    )


def rows_of(categories: Collection[CategoryRecord]) -> Iterator[dict[str, str]]:
    """The rows of a file that `read_tree` reads back."""
    for record in categories:
        parent, _, slug = record.path.rpartition("/")
        yield {
            "id": record.path,
            "parent": parent,
            "name": record.name,
            "slug": slug,
            "description": record.description,
        }


def _check_columns(path: Path) -> None:
    found = columns(path)
    for name in ("id", "name"):
        if name not in found:
            raise FeedProblem(f"{path} is no file of categories: the column {name} is missing.")
    for name in found:
        if name not in COLUMNS:
            raise FeedProblem(f"{path} is no file of categories: nothing is known of the column {values.short(name)}.")


def _parse(row: RawRow) -> _Written:
    if row.refusal:
        raise RefusedRow(row.refusal.code, row.refusal.field, row.refusal.detail)
    name = _text(row.values, "name", 200)
    slug = _text(row.values, "slug", 200) or slugify(name)
    category_id = _text(row.values, "id", LONGEST_PATH)
    if not category_id or not name:
        refuse(Code.MISSING, "name" if category_id else "id", f"{'name' if category_id else 'id'} is empty")
    if not re.fullmatch(r"[-a-zA-Z0-9_]+", slug):
        shown = f"slug {values.short(slug)} has other characters than letters, digits, - and _"
        refuse(Code.INVALID, "slug", shown if slug else "the name makes no slug: give it one")
    return _Written(
        line=row.line,
        id=category_id,
        parent=_text(row.values, "parent", LONGEST_PATH),
        name=name,
        slug=slug,
        description=_text(row.values, "description", 10_000),
    )


def _text(row: Mapping[str, Any], name: str, longest: int) -> str:
    value = row.get(name)
    return values.text(name, value, longest=longest) if values.is_given(value) else ""


def _above(category: _Written, written: Mapping[str, _Written]) -> Iterator[str]:
    """The ids of what it is below in the file, which has no circles any more."""
    parent = category.parent
    while parent in written:
        yield parent
        parent = written[parent].parent


def _path(category: _Written, written: Mapping[str, _Written], known: Mapping[str, str]) -> str:
    """The address, by way of all parents; of one that has been readdressed in the shop, the one it has now. Raises RefusedRow."""
    way = [category]
    while (parent := way[-1].parent) in written:
        if any(parent == below.id for below in way):
            circle = " > ".join([parent, *(below.id for below in reversed(way))])
            refuse(Code.CYCLE, "parent", f"{category.id} is below itself: {circle}"[:300])
        way.append(written[parent])
    if parent and parent not in known:
        refuse(Code.UNKNOWN, "parent", f"there is no category {values.short(parent)} to put it below")
    found = known[parent] if parent else ""
    for node in reversed(way):
        found = f"{found}/{node.slug}" if found else node.slug
        found = known.get(found, found)
    if len(found) > LONGEST_PATH or found.count("/") >= DEEPEST:
        refuse(Code.TOO_LONG, "parent", f"it is more than {DEEPEST} levels or {LONGEST_PATH} characters deep")
    return found
