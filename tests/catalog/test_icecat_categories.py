"""The tree made for Icecat's products: how its rules are read, where products go, and how large its categories are."""

import gzip
import json
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.staticfiles import finders

from catalog.icecat.categories import category_of, icecat_categories, rules
from catalog.icecat.rulebook import BadRule, parse_rules
from catalog.pictures import department_picture
from tests.requirements import icecat_products

OTHER = "office/other-products"
REST = "\nElse > Rest\n    *\n"


@cache
def counted() -> Counter[str]:
    """How many of Icecat's products are in each leaf."""
    with gzip.open(icecat_products(), "rt", encoding="utf-8") as lines:
        return Counter(category_of(json.loads(line)) for line in lines)


def row(title: str, **fields: Any) -> dict[str, Any]:
    return {"title": title, **fields}


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("    kettle", "line 1: a rule stands here before any category."),
        ("Kitchen\n    kettle", "line 1: Kitchen is not two or three names with > in between."),
        ("A > B > C > D\n    kettle", "line 1: A > B > C > D is not two or three names with > in between."),
        ("Home > !\n    kettle", "line 1: Home > ! is not two or three names with > in between."),
        ("> Kettles\n    kettle", "line 1: Kettles is not two or three names with > in between."),
        ("Home > Kitchen\n    kettle,, pan", "line 2: there are no words where some are due: kettle,, pan"),
        ("Home > Kitchen\n    kettle; colour =", "line 2: there are no words where some are due: colour ="),
        ("# Home\n\nHome > Kitchen\n    pan;", "line 4: there are no words where some are due: pan;"),
        ("Home > Kitchen\n    a kettle made of copper", "line 2: a kettle made of copper is longer than 4 words."),
        (
            "Home > Kitchen\n    *\n    pan",
            "line 3: the rule above takes everything that is left, so this one is never asked.",
        ),
        ("Home > Kitchen\n    kettle", "the last rule has to be *, for what no rule knows."),
        (
            "Home > Kitchen\n    pan\n> Pans\n    pan" + REST,
            "the last rule within Home > Kitchen has to be *, for the rest of it.",
        ),
        ("A > B\n    pan\nA > B > C\n    pot" + REST, "A > B has products of its own, and A > B > C below it."),
    ],
)
def test_a_rule_that_can_not_be_followed_is_one_clear_line(written: str, complaint: str) -> None:
    with pytest.raises(BadRule) as raised:
        parse_rules(written)

    assert str(raised.value) == complaint


def test_the_first_rule_that_a_product_meets_decides() -> None:
    book = parse_rules("A > Cases\n    laptop case\nA > Laptops\n    laptop; not sleeve, # bags" + REST)

    assert book.place_of(row("Laptop case 15 inch")) == ("A", "Cases")
    assert book.place_of(row("LAPTOP-CASES")) == ("A", "Cases")
    assert book.place_of(row("Laptop 15 inch")) == ("A", "Laptops")
    assert book.place_of(row("Laptop with 2 bags")) == ("Else", "Rest")
    assert book.place_of(row("Sleeve for a laptop")) == ("Else", "Rest")
    assert book.place_of(row("Laptopcase")) == ("Else", "Rest")


def test_a_rule_may_ask_attributes_and_go_on_in_another_line() -> None:
    book = parse_rules(
        "A > Ink\n    cartridge,\n        tank; ink_type = *;\n        not pages = 500\nA > Toner\n    *; technology = laser"
        + REST
    )

    assert book.place_of(row("Tank", attr_t_ink_type="dye")) == ("A", "Ink")
    assert book.place_of(row("Tank")) == ("Else", "Rest")
    assert book.place_of(row("Tank", attr_t_ink_type="dye", attr_n_pages=500)) == ("Else", "Rest")
    assert book.place_of(row("Tank", attr_t_technology="Laser printing")) == ("A", "Toner")


def test_a_category_is_divided_for_its_own_products_only() -> None:
    book = parse_rules("A > Cables\n    cable\n> Red\n    red\n> Other\n    *" + REST)

    assert book.place_of(row("Red cable")) == ("A", "Cables", "Red")
    assert book.place_of(row("Cable")) == ("A", "Cables", "Other")
    assert book.place_of(row("Red hat")) == ("Else", "Rest")


def test_the_description_is_asked_where_the_title_says_nothing() -> None:
    book = parse_rules("A > Pans\n    pan\nA > Lids\n    lid\n> Glass\n    glass\n> Other\n    *" + REST)

    assert book.place_of(row("XL-12", short_description="A lid of glass")) == ("A", "Lids", "Other")
    assert book.place_of(row("Lid", short_description="For a pan")) == ("A", "Lids", "Other")


def test_neither_maker_nor_code_count_as_words() -> None:
    book = parse_rules("A > Pans\n    pan\nA > By Panco\n    *; supplier = pan co" + REST)

    assert book.place_of(row("Pan Co 7-PAN", supplier="Pan Co", name="7-PAN")) == ("A", "By Panco")
    assert book.place_of(row("Pan Co 7-PAN", supplier="Other", name="7-PAN")) == ("A", "Pans")
    assert book.place_of(row("")) == ("Else", "Rest")
    assert book.place_of({}) == ("Else", "Rest")


@pytest.mark.parametrize(
    ("title", "fields", "leaf"),
    [
        ("Acme 300B toner cartridge Original Black 1 pc(s)", {}, "printing/toner-cartridges/black-toner"),
        ("Acme 300C toner cartridge Original Cyan", {}, "printing/toner-cartridges/colour-toner"),
        ("Acme 21 Original Magenta", {"attr_t_print_technology": "Laser"}, "printing/toner-cartridges/colour-toner"),
        ("Acme 21 Original Magenta", {"attr_t_print_technology": "Inkjet"}, "printing/ink-cartridges/colour-ink"),
        ("Acme 7 ink cartridge Black", {}, "printing/ink-cartridges/black-ink"),
        ("Acme Multipack 4-colours", {}, "printing/ink-cartridges/ink-multipacks"),
        ("Acme Paper Tray 550 sheets", {"supplier": "Xerox"}, "printing/printer-accessories/trays-feeders"),
        ("Acme JetPrint A4 multifunction printer", {}, "printing/printers/multifunction-printers"),
        ("Acme 12mm label-making tape Black on white", {}, "printing/ribbons-tapes/label-tapes-rolls"),
        ("Acme Glossy Photo Paper A4 20 sheets", {}, "printing/paper-media/photo-paper"),
        ('Acme notebook case 39.6 cm (15.6") Sleeve case', {}, "computers/laptop-bags-sleeves/sleeves"),
        (
            'Acme One Notebook 39.6 cm (15.6") 1920 x 1080 pixels 8 GB',
            {},
            "computers/laptops/everyday-business-laptops",
        ),
        ("Acme GX gaming notebook 1920 x 1080 pixels 16 GB", {}, "computers/laptops/gaming-laptops"),
        ("Acme mouse USB optical 1000 DPI Right-hand", {}, "computers/keyboards-mice/mice-trackballs"),
        ("Acme keyboard USB QWERTZ German", {}, "computers/keyboards-mice/keyboards"),
        ("Acme 3 ft Cat6 Snagless Patch Cable", {}, "cables/network-cables/cat6-cables"),
        ("Acme networking cable 2 m", {"attr_t_cable_standard": "Cat5e"}, "cables/network-cables/cat5e-cables"),
        ("Acme HDMI cable 2 m", {}, "cables/video-cables/hdmi-cables"),
        ("Acme USB 2.0 A/B Cable 3 m", {}, "cables/usb-data-cables/usb-firewire-cables"),
        ("Acme 5m LC/LC Duplex Multimode Fiber Patch Cable", {}, "cables/fibre-optic-cables"),
        ("Acme memory module 8 GB DDR3 1333 MHz", {}, "components/memory/ddr3-memory"),
        ("Acme graphics card GDDR5", {}, "components/graphics-cards"),
        ("Acme M.2 internal solid state drive 512 GB", {}, "storage/hard-drives-ssds/solid-state-drives"),
        ("Acme DVD-R 4.7 GB 25 pc(s)", {}, "storage/discs-tapes/dvd-blu-ray-discs"),
        ("Acme projector lamp 200 W UHP", {}, "monitors-projectors/projectors-screens/projector-lamps"),
        ("Acme flat panel wall mount Black", {}, "monitors-projectors/tv-monitor-mounts/wall-mounts-mounting-parts"),
        ("Acme uninterruptible power supply (UPS) 700 VA", {}, "power/uninterruptible-power-supplies/ups-systems"),
        ("Acme surge protector 6 AC outlet(s)", {}, "power/surge-protectors-power-strips/surge-protectors"),
        ("Acme network switch Unmanaged L2", {}, "networking/network-switches/unmanaged-switches"),
        ("Acme Electric shaver 300", {}, "home-personal-care/shaving-hair-care/shavers-trimmers"),
        ("Acme In-Ear Headphones", {}, "phones-audio-photo/headphones-headsets/headphones"),
        ("Acme 3 year Next Business Day Onsite support", {}, "software-services/warranties-services"),
        ("Acme jigsaw puzzle 500 pc(s)", {"supplier": "Jumbo"}, "toys-games/puzzles-games"),
        ("Acme calculator Pocket Scientific", {}, "office/calculators"),
        ("Acme Frobnicator", {}, OTHER),
    ],
)
def test_a_telling_title_finds_its_leaf(title: str, fields: dict[str, Any], leaf: str) -> None:
    assert category_of(row(title, **fields)) == leaf


def test_every_category_comes_after_the_one_that_it_is_in() -> None:
    paths = [category.path for category in icecat_categories()]

    assert len(paths) == len(set(paths))
    for index, path in enumerate(paths):
        assert "/" not in path or path.rsplit("/", 1)[0] in paths[:index]


def test_the_tree_is_one_that_a_person_can_browse() -> None:
    paths = [category.path for category in icecat_categories()]

    levels = Counter(path.count("/") for path in paths)
    assert (levels[0], max(levels)) == (13, 2)
    assert levels[1] <= 80
    assert len(rules().leaves()) <= 200
    assert max(Counter(path.rsplit("/", 1)[0] for path in paths if "/" in path).values()) <= 10


def test_every_department_has_a_drawing_of_its_own() -> None:
    departments = [category.path for category in icecat_categories() if "/" not in category.path]

    drawings = [department_picture(department) for department in departments]

    assert len(set(drawings)) == len(departments)
    assert not [drawing for drawing in drawings if finders.find(drawing.removeprefix("/static/")) is None]
    assert all("parcel" not in drawing for drawing in drawings)


def test_every_leaf_has_some_products_and_none_has_too_many() -> None:
    found = counted()

    assert found.total() == 19_406
    assert found.keys() == {category.path for category in icecat_categories()} - {
        above for path in found for above in _above(path)
    }
    assert (min(found.values()) >= 10, max(found.values()) <= 1_000) == (True, True)
    assert sum(count < 20 for count in found.values()) <= 20


def test_hardly_anything_is_left_over() -> None:
    found = counted()

    assert found[OTHER] < 0.01 * found.total()


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth, _ in enumerate(pairwise(parts), start=1)]
