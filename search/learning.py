"""What the catalogue itself says of its words: how rare each is, and which kinds of thing it names.

A word that stands freely in many titles of a category ("Laptop 15 inch", "gaming laptop") names what lies there; where it is only
ever followed by the same word ("laptop bag") it names something else. So a search for laptops finds laptops before bags for them,
without a list of words written by hand.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from search.text import normalized

# Of a category no more titles are read, of a word in it no fewer tell anything.
TITLES_READ, TITLES_NEEDED = 300, 3
# A category's own name says more than any titles do, and below the least nothing is kept.
NAMED, LEARNT, LEAST = 2.0, 0.6, 0.05
_LISTED = re.compile(r"[&,]")
_NUMBER, _END = "#", "$"

Stems = Mapping[str, str]  # of each word; those of none are stop words


def kind_weights(titles: Sequence[str], stems: Stems) -> dict[str, float]:
    """How much each stem names the kind of thing that all ``titles`` are of, from 0 to 1: the share of titles that have it, times
    how freely what follows it varies."""
    having: Counter[str] = Counter()
    following: dict[str, Counter[str]] = defaultdict(Counter)
    for title in titles:
        words = normalized(title).split()
        for word, follower in zip(words, [*words[1:], _END], strict=True):
            if word in stems:
                following[stems[word]][_NUMBER if follower[0].isdigit() else stems.get(follower, follower)] += 1
        having.update({stems[word] for word in words if word in stems})
    return {
        stem: count / len(titles) * _freedom(following[stem])
        for stem, count in having.items()
        if count >= TITLES_NEEDED
    }


def _freedom(followers: Counter[str]) -> float:
    """1 where anything follows, 0 where always the same word does; a number, or the end of the title, binds to nothing."""
    bound = max((count for word, count in followers.items() if word not in (_NUMBER, _END)), default=0)
    return 1 - bound / followers.total()


def named_kinds(names: Sequence[str], stems: Stems) -> set[str]:
    """The stems that a category's own name, and those above it, say its things are; ``names`` begin at the root.

    "Camera Cases" below "Cameras" names cases: a word that only describes there is not taken from above either.
    """
    own = {stems[word] for word in normalized(names[-1]).split() if word in stems}
    above = {stem for name in names[1:-1] for stem in _heads(name, stems)}
    return set(_heads(names[-1], stems)) | (above - own)


def _heads(name: str, stems: Stems) -> Iterator[str]:
    """The last word of each part of "Bags, Sleeves & Cases", where it is a plural or ends the name."""
    parts = [normalized(part).split() for part in _LISTED.split(name)]
    for place, part in enumerate(parts):
        if part and part[-1] in stems and (part[-1].endswith("s") or place == len(parts) - 1):
            yield stems[part[-1]]


def weights_of(titles: Sequence[str], names: Sequence[str], stems: Stems) -> dict[str, float]:
    """By stem, what a category's titles and names say together."""
    found = {stem: LEARNT * weight for stem, weight in kind_weights(titles, stems).items() if weight >= LEAST}
    found |= dict.fromkeys(named_kinds(names, stems), NAMED)
    return {stem: round(weight, 4) for stem, weight in found.items()}


def words_of(texts: Iterable[str]) -> set[str]:
    """All words in ``texts``."""
    return {word for text in texts for word in normalized(text).split()}
