"""Titles and descriptions of families: words as skewed as those of real shops, in sentences one can read."""

from random import Random

from catalog.generated.skew import BITS, weighed
from catalog.generated.words import Kind, words

_TITLES = weighed(
    (
        "{brand} {Adjective} {material} {noun} {model}",
        "{Adjective} {material} {noun} {model}",
        "{brand} {line} {material} {noun}",
        "{line} {Adjective} {noun} {model}",
        "{brand} {noun} {model}, {adjective}",
        "{line} {material} {noun}, {adjective}",
    ),
    (30, 25, 15, 12, 10, 8),
)
_MIDDLES = (1, 2, 2, 3)
_CONSONANTS = "BCDFGHKLMNPRSTVWXZ"
_NUMBERS = (10, 100, 100, 1000)
_YEARS = ("two", "three", "five", "ten")


def model_number(rng: Random) -> str:
    """A model such as KX-420: rare, and what people look for when they know what they want."""
    first, second = rng.getrandbits(8) % len(_CONSONANTS), rng.getrandbits(8) % len(_CONSONANTS)
    scale = _NUMBERS[rng.getrandbits(2)]
    return f"{_CONSONANTS[first]}{_CONSONANTS[second]}-{int((1 + 8.9 * rng.random()) * scale)}"


def title_of(rng: Random, *, brand: str, line: str, adjective: str, material: str, noun: str, model: str) -> str:
    """What a family is called."""
    return _TITLES[rng.getrandbits(BITS)].format(
        brand=brand,
        line=line,
        adjective=adjective,
        Adjective=_upper_first(adjective),
        material=material,
        noun=noun,
        model=model,
    )


def describe(
    rng: Random, kind: Kind, *, brand: str, line: str, adjective: str, material: str, noun: str, model: str
) -> str:
    """Three to five sentences about a family."""
    bits, known = rng.getrandbits, words()
    feature, other = _two(rng, kind.features)
    use, second_use = _two(rng, kind.uses)
    quality, second_quality = _two(rng, known.qualities)
    fields = {
        "brand": brand,
        "series": line,
        "adjective": adjective,
        "Adjective": _upper_first(adjective),
        "adjective2": kind.adjectives[bits(BITS)],
        "material": material,
        "noun": noun,
        "model": model,
        "use": use,
        "use2": second_use,
        "feature": feature,
        "feature2": other,
        "Feature": _upper_first(feature),
        "quality": quality,
        "quality2": second_quality,
        "place": known.places[bits(BITS)],
        "years": _YEARS[bits(2)],
    }
    middles = dict.fromkeys(kind.middles[bits(BITS)] for _ in range(_MIDDLES[bits(2)]))
    sentences = (kind.openings[bits(BITS)], *middles, known.closings[bits(BITS)])
    return " ".join(sentences).format_map(fields)


def _two(rng: Random, table: tuple[str, ...]) -> tuple[str, str]:
    """Two different ones."""
    first = second = table[rng.getrandbits(BITS)]
    while second == first:
        second = table[rng.getrandbits(BITS)]
    return first, second


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]
