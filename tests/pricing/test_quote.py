"""Quotes: exact to the coin in every currency, with parts that add up to the whole."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import EXPONENTS, Money, total
from pricing import policies
from pricing.errors import AmountTooLarge, NoShipping, UnknownShippingMethod
from pricing.types import Quote, QuoteLine, ShippingTariff, TaxRules

NO_TAX = TaxRules(rates={}, included=False)


def _line(
    price: str, currency: str = "USD", quantity: int = 1, tax_class: str = "standard", grams: int = 0
) -> QuoteLine:
    return QuoteLine(
        product_id=1,
        quantity=quantity,
        unit_price=Money(Decimal(price), currency),
        tax_class=tax_class,
        weight_grams=grams,
    )


def _tariff(
    flat: str, currency: str = "USD", code: str = "standard", per_kg: str = "0", free: str | None = None
) -> ShippingTariff:
    return ShippingTariff(
        code=code,
        name=code.title(),
        flat_amount=Decimal(flat),
        amount_per_kg=Decimal(per_kg),
        free_from=None if free is None else Decimal(free),
        currency=currency,
        tax_class="standard",
        min_days=1,
        max_days=2,
    )


def _rules(*, included: bool, **rates: str) -> TaxRules:
    return TaxRules(rates={name: Decimal(rate) for name, rate in rates.items()}, included=included)


def _quote(
    lines: list[QuoteLine], *tariffs: ShippingTariff, tax: TaxRules = NO_TAX, method: str | None = None
) -> Quote:
    currency = lines[0].unit_price.currency
    return policies.quote(lines=lines, tariffs=tariffs, tax=tax, shipping_method=method, currency=currency)


def _usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def test_added_tax_comes_on_top_of_goods_and_shipping() -> None:
    tax = _rules(included=False, standard="0.0725")

    quote = _quote([_line("19.99", quantity=3)], _tariff("4.95"), tax=tax)

    assert quote.subtotal == _usd("59.97")
    assert quote.shipping == _usd("4.95")
    assert quote.tax == _usd("4.71")  # 4.347825 on the goods and 0.358875 on shipping, rounded once
    assert (quote.lines[0].tax, quote.shipping_tax) == (_usd("4.35"), _usd("0.36"))
    assert quote.total == _usd("69.63")
    assert quote.tax_included is False


def test_included_tax_is_inside_the_total() -> None:
    tax = _rules(included=True, standard="0.19", reduced="0.07")
    lines = [_line("119.00", "EUR"), _line("10.70", "EUR", tax_class="reduced")]

    quote = _quote(lines, _tariff("5.95", "EUR"), tax=tax)

    assert quote.total == Money(Decimal("135.65"), "EUR")
    assert [line.tax for line in quote.lines] == [Money(Decimal("19.00"), "EUR"), Money(Decimal("0.70"), "EUR")]
    assert quote.shipping_tax == Money(Decimal("0.95"), "EUR")
    assert quote.tax == Money(Decimal("20.65"), "EUR")
    assert quote.tax_included is True


def test_tax_is_rounded_once_and_not_line_by_line() -> None:
    tax = _rules(included=False, standard="0.05")
    lines = [_line("0.10"), _line("0.10"), _line("0.10")]

    quote = _quote(lines, _tariff("0"), tax=tax)

    assert quote.tax == _usd("0.02")  # 0.015; line by line it would have been 0.03
    assert [line.tax for line in quote.lines] == [_usd("0.01"), _usd("0.01"), _usd("0.00")]


def test_yen_have_no_decimals() -> None:
    tax = _rules(included=False, standard="0.10", reduced="0.08")
    lines = [_line("1999", "JPY"), _line("155", "JPY", quantity=3, tax_class="reduced")]

    quote = _quote(lines, _tariff("333", "JPY", per_kg="77"), tax=tax)

    assert quote.tax == Money(Decimal(270), "JPY")  # 199.9 + 37.2 + 33.3 = 270.4
    assert [line.tax for line in quote.lines] == [Money(Decimal(200), "JPY"), Money(Decimal(37), "JPY")]
    assert quote.shipping_tax == Money(Decimal(33), "JPY")
    assert quote.total == Money(Decimal(1999 + 465 + 333 + 270), "JPY")


def test_dinars_have_three_decimals() -> None:
    tax = _rules(included=True, standard="0.05")

    quote = _quote([_line("1.999", "KWD", quantity=7)], _tariff("0.250", "KWD"), tax=tax)

    assert quote.subtotal == Money(Decimal("13.993"), "KWD")
    assert quote.tax == Money(Decimal("0.678"), "KWD")  # 14.243 / 21 = 0.678238...
    assert quote.total == Money(Decimal("14.243"), "KWD")


def test_goods_of_a_class_without_a_rate_are_not_taxed() -> None:
    tax = _rules(included=False, standard="0.20")

    quote = _quote([_line("10.00", tax_class="zero")], _tariff("0"), tax=tax)

    assert (quote.tax, quote.lines[0].tax_rate) == (_usd("0.00"), Decimal(0))


def test_shipping_costs_by_weight_to_the_gram() -> None:
    lines = [_line("10.00", quantity=3, grams=333), _line("1.00", grams=2)]

    quote = _quote(lines, _tariff("4.95", per_kg="1.50"))

    assert quote.shipping == _usd("6.45")  # 4.95 + 1.50 * 1.001 kg = 6.4515


def test_shipping_is_free_from_its_amount_on() -> None:
    tariff = _tariff("4.95", free="50.00")

    below = _quote([_line("49.99")], tariff)
    at = _quote([_line("50.00")], tariff)

    assert (below.shipping, at.shipping) == (_usd("4.95"), _usd("0.00"))


def test_no_method_named_is_the_cheapest_and_of_two_as_cheap_the_first() -> None:
    tariffs = [_tariff("9.00", code="fast"), _tariff("5.00", code="slow"), _tariff("5.00", code="slower")]

    quote = _quote([_line("10.00")], *tariffs)

    assert quote.shipping_method == "slow"
    assert [choice.code for choice in quote.shipping_methods] == ["fast", "slow", "slower"]


def test_the_method_named_is_taken() -> None:
    quote = _quote([_line("10.00")], _tariff("5.00", code="slow"), _tariff("9.00", code="fast"), method="fast")

    assert (quote.shipping_method, quote.shipping_name, quote.shipping) == ("fast", "Fast", _usd("9.00"))


def test_an_unknown_method_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownShippingMethod) as refusal:
        _quote([_line("10.00")], _tariff("5.00", code="slow"), method="teleport")

    assert refusal.value.code == "unknown_shipping_method"
    assert refusal.value.params == {"shipping_methods": ["slow"]}


def test_a_place_that_nothing_ships_to_is_refused() -> None:
    with pytest.raises(NoShipping):
        _quote([_line("10.00")])


def test_more_money_than_can_be_written_down_is_refused() -> None:
    with pytest.raises(AmountTooLarge):
        _quote([_line("99999999999.99", quantity=2)], _tariff("0"))


def test_lines_of_another_currency_are_a_defect() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        policies.quote(
            lines=[_line("10.00", "EUR")], tariffs=[_tariff("0")], tax=NO_TAX, shipping_method=None, currency="USD"
        )


def test_a_quote_as_json_has_amounts_as_strings() -> None:
    quote = _quote([_line("10.00", quantity=2)], _tariff("5.00"), tax=_rules(included=False, standard="0.1"))

    found = quote.to_json()

    assert found["total"] == {"amount": "27.50", "currency": "USD"}
    assert found["lines"][0]["tax"] == {"amount": "2.00", "currency": "USD"}
    assert found["shipping_methods"][0]["code"] == "standard"


@given(
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    units=st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 50), st.integers(0, 5000)), min_size=1, max_size=8),
    rates=st.lists(st.integers(0, 99_999), min_size=3, max_size=3),
    flat=st.integers(0, 10_000),
    included=st.booleans(),
)
def test_parts_add_up_to_the_whole(
    currency: str, units: list[tuple[int, int, int]], rates: list[int], flat: int, included: bool
) -> None:
    classes = ["standard", "reduced", "zero"]
    tax = TaxRules(rates=dict(zip(classes, [Decimal(r).scaleb(-5) for r in rates], strict=True)), included=included)
    lines = [
        QuoteLine(
            product_id=i,
            quantity=quantity,
            unit_price=Money.from_minor(price, currency),
            tax_class=classes[i % 3],
            weight_grams=grams,
        )
        for i, (price, quantity, grams) in enumerate(units)
    ]
    tariff = _tariff(str(Money.from_minor(flat, currency).amount), currency, per_kg="1")

    quote = _quote(lines, tariff, tax=tax)

    exact = [
        money.amount * rate / (1 + rate) if included else money.amount * rate
        for money, rate in [
            *((line.total, line.tax_rate) for line in quote.lines),
            (quote.shipping, quote.shipping_tax_rate),
        ]
    ]
    coin = Decimal(1).scaleb(-EXPONENTS.get(currency, 2))
    parts = [*(line.tax for line in quote.lines), quote.shipping_tax]
    assert total(parts, currency) == quote.tax
    assert total([line.total for line in quote.lines], currency) == quote.subtotal
    assert abs(quote.tax.amount - sum(exact)) <= coin / 2
    assert all(abs(part.amount - share) < coin * len(parts) for part, share in zip(parts, exact, strict=True))
    added = quote.tax if not included else Money.zero(currency)
    assert quote.total == quote.subtotal + quote.shipping + added
