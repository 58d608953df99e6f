"""Words that nothing has: what was meant instead, fewer of them, or nothing; the same with either engine."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from catalog.types import ListingFilters
from search import services
from search.mending import Mended, better_words, mend
from search.selectors import search
from search.spelling import PREFIX, allowed, remains_of
from tests.factories import make_family, make_product
from tests.search.conftest import NOW, Ready

TITLES = (
    "White hanging heart holder",
    "Red woolly hottie",
    "Glass star frosted holder",
    "Jumbo bag red",
    "Regency cakestand",
)
LETTERS = st.text("abcdefghij", min_size=3, max_size=12)


def shelve(*titles: str, times: int = 1) -> None:
    """Families of these titles, known to the search."""
    for title in titles:
        for _ in range(times):
            make_product(family=make_family(title=title), title=title, description="")
    services.build_documents(now=NOW)
    services.learn(now=NOW)


@given(LETTERS, LETTERS)
def test_words_that_are_close_have_remains_in_common(one: str, other: str) -> None:
    if OSA.distance(one[:PREFIX], other[:PREFIX]) <= allowed(one):
        assert remains_of(one, allowed(one)) & remains_of(other)


@given(LETTERS, st.integers(0, 11), st.sampled_from("abcz"), st.sampled_from(["drop", "put", "change", "swap"]))
def test_one_slip_is_found_wherever_it_is(word: str, place: int, letter: str, slip: str) -> None:
    assert remains_of(slipped(word, place % len(word), letter, slip), 1) & remains_of(word)


def slipped(word: str, place: int, letter: str, slip: str) -> str:
    """``word`` with one slip of the finger."""
    before, here, after = word[:place], word[place], word[place + 1 :]
    if slip == "drop":
        return before + after
    if slip == "put":
        return before + letter + here + after
    if slip == "change":
        return before + letter + after
    return before + after[:1] + here + after[1:]


@pytest.mark.parametrize(
    ("word", "letters"), [("ab", 0), ("abc", 1), ("abcde", 1), ("abcdef", 2), ("x100", 0), ("2022", 0), ("a" * 65, 0)]
)
def test_short_words_may_be_wrong_by_less_and_codes_not_at_all(word: str, letters: int) -> None:
    assert allowed(word) == letters


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("typed", "words", "left_out"),
    [
        ("haning haert", ("hanging", "heart"), ()),
        ("wolly", ("woolly",), ()),
        ("holdre glas", ("holder", "glass"), ()),
        ("regencycakestnd", None, ()),
        ("red submarine", ("red",), ("submarine",)),
        ("woolly cakestand", ("woolly",), ("cakestand",)),
        ("red woolly", None, ()),
        ("zzzz", None, ()),
    ],
)
def test_words_that_nothing_has(typed: str, words: tuple[str, ...] | None, left_out: tuple[str, ...]) -> None:
    shelve(*TITLES)

    mended = mend(typed.split())

    assert mended == (Mended(words, left_out) if words else None)


@pytest.mark.django_db(transaction=True)
def test_what_many_write_otherwise_is_offered_where_little_was_found() -> None:
    shelve("Strange tabel")
    shelve("Oak table", times=12)

    assert better_words(("tabel",)) == ("table",)
    assert better_words(("table",)) is None
    page = search(filters=ListingFilters(query="tabel"))
    assert (page.total, page.did_you_mean, page.searched) == (1, "table", "")


def test_shoppers_get_what_they_meant_and_are_told(ready: Ready) -> None:
    for title in TITLES:
        make_product(family=make_family(title=title), title=title)
    ready()
    services.learn(now=NOW)

    slip = search(filters=ListingFilters(query="glas star"))
    fewer = search(filters=ListingFilters(query="jumbo heart"))
    nothing = search(filters=ListingFilters(query="qqqq xxxx"))
    narrowed = search(filters=ListingFilters(query="jumbo bag", price_min=99999))  # type: ignore[arg-type]  # any number

    assert (slip.total, slip.searched, slip.left_out) == (1, "glass star", ())
    assert (fewer.total, fewer.searched, len(fewer.left_out)) == (
        1,
        " ".join({"jumbo", "heart"} - set(fewer.left_out)),
        1,
    )
    assert (nothing.total, nothing.searched, nothing.left_out) == (0, "", ())
    assert (narrowed.total, narrowed.searched) == (0, "")  # the filter leaves nothing, not the words


@pytest.mark.django_db(transaction=True)
def test_one_slip_in_any_word_of_a_title_leads_to_it() -> None:
    chance = random.Random(3)
    words = ["lantern", "cushion", "teapot", "garland", "bracelet", "umbrella", "notebook", "candle"]
    titles = [f"{one} {other}" for one in words for other in words if one < other]
    shelve(*titles)
    missed = []
    for title in titles:
        typed = title.split()
        place = chance.randrange(2)
        word = typed[place]
        typed[place] = slipped(
            word, chance.randrange(1, len(word) - 1), "z", chance.choice(["drop", "put", "change", "swap"])
        )
        page = search(filters=ListingFilters(query=" ".join(typed)))
        if title not in [card.title for card in page.cards]:
            missed.append((title, typed))

    assert missed == []
