"""Which rates and which ways to ship count where, as staff wrote them down."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.money import Money
from pricing import selectors, services
from pricing.errors import NoShipping, UnknownShippingMethod
from pricing.forms import ShippingMethodForm, TaxRateForm
from pricing.models import ShippingMethod, TaxRate
from pricing.types import QuoteLine
from tests.factories import make_shipping_method, make_tax_rate

pytestmark = pytest.mark.django_db
LINE = QuoteLine(
    product_id=1, quantity=1, unit_price=Money(Decimal("100.00"), "USD"), tax_class="standard", weight_grams=1000
)


def test_a_region_goes_before_its_country() -> None:
    make_tax_rate(country="CA", rate=Decimal("0.05"))
    make_tax_rate(country="CA", region="QC", rate=Decimal("0.14975"))

    quebec = selectors.tax_rules(country="CA", region=" qc ")
    alberta = selectors.tax_rules(country="CA", region="AB")

    assert quebec.rates == {"standard": Decimal("0.14975")}
    assert alberta.rates == {"standard": Decimal("0.05")}


def test_a_country_without_rates_has_no_tax() -> None:
    make_tax_rate(country="DE")

    rules = selectors.tax_rules(country="US", region="TX")

    assert (rules.rates, rules.included) == ({}, False)


def test_where_rates_disagree_the_one_for_standard_goods_says_how_all_are_taxed() -> None:
    make_tax_rate(country="DE", rate=Decimal("0.19"), is_included=True)
    make_tax_rate(country="DE", rate=Decimal("0.07"), tax_class="reduced", is_included=False)

    rules = selectors.tax_rules(country="DE", region="")

    assert rules.included is True
    assert rules.rates == {"standard": Decimal("0.19"), "reduced": Decimal("0.07")}


def test_only_active_ways_that_go_there_in_this_currency_are_offered() -> None:
    make_shipping_method(code="everywhere")
    make_shipping_method(code="german", countries=["DE", "AT"])
    make_shipping_method(code="american", countries=["US"])
    make_shipping_method(code="euros", currency="EUR")
    make_shipping_method(code="gone", is_active=False)

    found = selectors.shipping_methods(country="de", subtotal=LINE.unit_price, weight_grams=1)

    assert [choice.code for choice in found] == ["everywhere", "german"]


def test_a_way_that_does_not_go_there_is_unknown_there() -> None:
    make_shipping_method(code="everywhere")
    make_shipping_method(code="american", countries=["US"])

    with pytest.raises(UnknownShippingMethod):
        selectors.quote(lines=[LINE], country="DE", region="", shipping_method="american", currency="USD")


def test_a_shop_without_ways_to_ship_says_so() -> None:
    with pytest.raises(NoShipping):
        selectors.quote(lines=[LINE], country="DE", region="", shipping_method=None, currency="USD")


def test_a_quote_takes_one_query_however_many_lines() -> None:
    make_shipping_method()
    make_tax_rate(country="DE")

    with CaptureQueriesContext(connection) as queries:
        selectors.quote(lines=[LINE] * 20, country="DE", region="", shipping_method=None, currency="USD")

    assert len(queries) == 1


def test_the_defaults_make_a_shop_that_ships_and_taxes() -> None:
    services.install_defaults(currency="USD")

    german = selectors.quote(lines=[LINE], country="DE", region="", shipping_method=None, currency="USD")
    texan = selectors.quote(lines=[LINE], country="US", region="TX", shipping_method="express", currency="USD")

    assert (german.shipping_method, german.tax_included, german.total) == ("europe", True, LINE.unit_price)
    assert german.tax == Money(Decimal("15.97"), "USD")
    assert (texan.shipping, texan.tax) == (Money(Decimal("16.45"), "USD"), Money(Decimal("0.00"), "USD"))


def test_the_defaults_fit_a_currency_without_cents() -> None:
    services.install_defaults(currency="JPY")

    yen = selectors.shipping_methods(country="US", subtotal=Money(Decimal(100), "JPY"), weight_grams=1000)

    assert [(choice.code, choice.amount.amount) for choice in yen[:2]] == [
        ("standard", Decimal(545)),
        ("express", Decimal(1645)),
    ]


def test_installing_the_defaults_again_keeps_what_staff_changed() -> None:
    services.install_defaults(currency="USD")
    ShippingMethod.objects.filter(code="standard").update(flat_amount=Decimal("1.00"))
    counts = (ShippingMethod.objects.count(), TaxRate.objects.count())

    services.install_defaults(currency="USD")

    assert ShippingMethod.objects.get(code="standard").flat_amount == Decimal("1.00")
    assert (ShippingMethod.objects.count(), TaxRate.objects.count()) == counts


def test_staff_can_not_say_that_a_country_is_taxed_both_ways() -> None:
    make_tax_rate(country="DE", is_included=True)
    given = {"country": "DE", "tax_class": "reduced", "name": "MwSt.", "rate": "0.07"}

    mixed = TaxRateForm({**given, "is_included": False})
    same = TaxRateForm({**given, "is_included": True})

    assert "say otherwise" in str(mixed.errors)
    assert same.is_valid()


def test_staff_can_not_ship_to_a_country_that_does_not_exist() -> None:
    given = {
        "code": "x",
        "name": "X",
        "flat_amount": "1",
        "amount_per_kg": "0",
        "currency": "usd",
        "tax_class": "standard",
        "min_days": "1",
        "max_days": "2",
        "position": "0",
        "is_active": True,
    }

    wrong = ShippingMethodForm({**given, "countries": "DE,XX"})
    right = ShippingMethodForm({**given, "countries": "de,at"})

    assert "XX" in str(wrong.errors["countries"])
    assert right.is_valid(), right.errors
    assert (right.cleaned_data["countries"], right.cleaned_data["currency"]) == (["DE", "AT"], "USD")
