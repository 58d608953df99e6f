"""Rules that choose a category by what a product is called and made of; `categories.txt` says how they are written."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.utils.text import slugify

LONGEST_PHRASE, DEEPEST = 4, 3
TITLE, DESCRIPTION, MAKER, ANYTHING = "title", "short_description", "supplier", "*"
KNOWN_TEXTS = 4_000
_PREFIXES = ("", "attr_t_", "attr_n_", "attr_b_", "attr_")
_WORD, _WORD_OF_RULE, _DIGITS = re.compile(r"[^\W_]+"), re.compile(r"(?:[^\W_]|#)+"), re.compile(r"\d+")
_CONDITION = re.compile(r"(?P<no>not\s+)?(?:(?P<field>\w+)\s*=)?(?P<words>.*)")

Place = tuple[str, ...]
Phrases = frozenset[str]


class BadRule(ValueError):
    """A line of the rules that nobody can follow."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One of ``phrases`` is (or, where ``wanted`` is false, none is) in ``field``; without phrases, it says anything."""

    field: str
    phrases: Phrases
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """A product that meets all ``conditions`` belongs to ``place``."""

    place: Place
    conditions: tuple[Condition, ...]


@dataclass(slots=True)
class RuleBook:
    """Rules in their order, those that divide a place further, and where what no rule knows belongs."""

    rules: list[Rule] = field(default_factory=list)
    within: dict[Place, list[Rule]] = field(default_factory=dict)
    otherwise: Place = ()
    _by_title: dict[str, list[int]] = field(default_factory=dict)
    _by_maker: dict[str, list[int]] = field(default_factory=dict)
    _always: list[int] = field(default_factory=list)

    def add(self, rule: Rule) -> None:
        """Put ``rule`` after those there are. It is looked at where the title, or else the maker, may be what it waits for."""
        wanted = {each.field: each.phrases for each in reversed(rule.conditions) if each.wanted and each.phrases}
        for name, index in ((TITLE, self._by_title), (MAKER, self._by_maker)):
            if name in wanted:
                for phrase in wanted[name]:
                    index.setdefault(phrase, []).append(len(self.rules))
                break
        else:
            self._always.append(len(self.rules))
        self.rules.append(rule)

    def place_of(self, row: Mapping[str, Any]) -> Place:
        """Where ``row`` belongs, which has a title, perhaps a description, and attributes."""
        title = _phrases(_title(row))
        place = self._first(title, row) or self._first(_phrases(str(row.get(DESCRIPTION) or "")), row)
        said = {TITLE: title}
        return next(
            (rule.place for rule in self.within.get(place, ()) if _is_met(rule, row, said)), place or self.otherwise
        )

    def leaves(self) -> set[Place]:
        """All places that `place_of` may answer with."""
        places = {rule.place for rule in self.rules} - self.within.keys()
        return places.union((rule.place for rules in self.within.values() for rule in rules), [self.otherwise])

    def _first(self, text: Phrases, row: Mapping[str, Any]) -> Place:
        said = {TITLE: text, MAKER: _phrases(str(row.get(MAKER) or ""))}
        called = set(self._always)
        for name, index in ((TITLE, self._by_title), (MAKER, self._by_maker)):
            for phrase in said[name] & index.keys():
                called.update(index[phrase])
        in_order = (self.rules[each] for each in sorted(called))
        return next((rule.place for rule in in_order if _is_met(rule, row, said)), ())


def parse_rules(text: str) -> RuleBook:
    """The rules that ``text`` writes down. Raises BadRule with the number of the first line that is wrong."""
    book = RuleBook()
    place: Place = ()
    above: Place = ()
    for number, line in _joined(text):
        try:
            if book.otherwise:
                raise BadRule("the rule above takes everything that is left, so this one is never asked.")
            if line.startswith(">"):
                place = _place([*above, line[1:]])
            elif not line[0].isspace():
                place = above = _place(line.split(">"))
            else:
                _write(book, Rule(place, tuple(_conditions(line))), above)
        except BadRule as problem:
            raise BadRule(f"line {number}: {problem}") from problem
    _check(book)
    return book


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """The lines that say something, with their numbers; one that is indented further goes on with the line before it."""
    first, line = 0, ""
    for number, written in enumerate([*text.splitlines(), ""], start=1):
        if written.startswith("     ") and written.strip() and line[:1].isspace():
            line = f"{line} {written.strip()}"
            continue
        if line:
            yield first, line
        first, line = number, "" if written.startswith("#") else written.rstrip()


def _place(names: Sequence[str]) -> Place:
    place = tuple(name.strip() for name in names)
    if not 2 <= len(place) <= DEEPEST or not all(slugify(name) for name in place):
        raise BadRule(f"{' > '.join(place)} is not two or three names with > in between.")
    return place


def _conditions(line: str) -> Iterator[Condition]:
    for written in line.split(";"):
        part = _CONDITION.fullmatch(written.strip())
        if part is None:
            raise BadRule(f"{written.strip()} can not be read.")
        name, listed = part["field"] or TITLE, part["words"].strip()
        if listed == ANYTHING:
            if name != TITLE:
                yield Condition(name, frozenset(), wanted=not part["no"])
            continue
        phrases = frozenset(" ".join(_words(phrase, _WORD_OF_RULE)) for phrase in listed.split(","))
        if "" in phrases:
            raise BadRule(f"there are no words where some are due: {written.strip() or line.strip()}")
        if too_long := [phrase for phrase in phrases if phrase.count(" ") >= LONGEST_PHRASE]:
            raise BadRule(f"{min(too_long)} is longer than {LONGEST_PHRASE} words.")
        yield Condition(name, phrases, wanted=not part["no"])


def _write(book: RuleBook, rule: Rule, above: Place) -> None:
    if not rule.place:
        raise BadRule("a rule stands here before any category.")
    if rule.place != above:
        book.within.setdefault(above, []).append(rule)
    elif rule.conditions:
        book.add(rule)
    else:
        book.otherwise = rule.place


def _check(book: RuleBook) -> None:
    if not book.otherwise:
        raise BadRule("the last rule has to be *, for what no rule knows.")
    for above, rules in book.within.items():
        if rules[-1].conditions:
            raise BadRule(f"the last rule within {' > '.join(above)} has to be *, for the rest of it.")
    leaves = book.leaves()
    for leaf in leaves:
        if leaf[:-1] in leaves:
            raise BadRule(f"{' > '.join(leaf[:-1])} has products of its own, and {' > '.join(leaf)} below it.")


def _is_met(rule: Rule, row: Mapping[str, Any], said: dict[str, Phrases]) -> bool:
    """Whether ``row`` meets ``rule``; ``said`` is what its fields say, so far as they were asked."""
    for condition in rule.conditions:
        name = condition.field
        if name not in said:
            value = next((row[key] for prefix in _PREFIXES if (key := prefix + name) in row), None)
            said[name] = frozenset() if value is None else _phrases(str(value))
        found = not said[name].isdisjoint(condition.phrases) if condition.phrases else bool(said[name])
        if found != condition.wanted:
            return False
    return True


def _title(row: Mapping[str, Any]) -> str:
    """The title without the maker's name and code, whose letters mean nothing here: "DVD-12-UPS" by "Case Logic"."""
    title, code = str(row.get(TITLE) or "").removeprefix(str(row.get("supplier") or "")), str(row.get("name") or "")
    return title.replace(code, " ") if " " not in code and any(mark.isdigit() for mark in code) else title


@lru_cache(maxsize=KNOWN_TEXTS)
def _phrases(text: str) -> Phrases:
    """All phrases of ``text`` that a rule may wait for, with the numbers in them as they are and as "#"."""
    words = _words(text, _WORD)
    numbered = [_DIGITS.sub("#", word) for word in words]
    found: set[str] = set()
    for each in (words, numbered) if numbered != words else (words,):
        found.update(each)
        for length in range(2, LONGEST_PHRASE + 1):
            found.update(map(" ".join, zip(*(each[start:] for start in range(length)), strict=False)))
    return frozenset(found)


def _words(text: str, word: re.Pattern[str]) -> list[str]:
    """The words of ``text`` in lower case, and in the singular so far as the last letter tells."""
    found = word.findall(text.lower())
    return [each[:-1] if len(each) > 3 and each[-1] == "s" and each[-2] != "s" else each for each in found]
