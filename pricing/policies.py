"""How shipping and tax are computed: pure, exact until the one rounding to the coin."""

from collections.abc import Sequence
from decimal import Context, Decimal, localcontext

from django.utils.translation import gettext as _

from core.money import MAX_AMOUNT, Money, split
from core.money import total as sum_of
from pricing.errors import AmountTooLarge, NoShipping, UnknownShippingMethod
from pricing.types import Quote, QuotedLine, QuoteLine, ShippingChoice, ShippingTariff, TaxRules

GRAMS_PER_KG = 1000
# Wide enough that the tax contained in the largest amount is exact to far below the smallest coin.
_PRECISION = Context(prec=50)


def quote(
    *,
    lines: Sequence[QuoteLine],
    tariffs: Sequence[ShippingTariff],
    tax: TaxRules,
    shipping_method: str | None,
    currency: str,
) -> Quote:
    """Price ``lines`` with the tariff named ``shipping_method``, or the cheapest of ``tariffs`` where that is None.

    Raises UnknownShippingMethod for a name that is not among ``tariffs``, NoShipping where there are none, AmountTooLarge, and
    ValueError for lines of another currency.
    """
    totals = [_times(line.unit_price, line.quantity) for line in lines]
    subtotal = _sum(totals, currency)
    choices = shipping_choices(
        tariffs=tariffs, subtotal=subtotal, weight_grams=sum(line.weight_grams * line.quantity for line in lines)
    )
    choice = _choose(choices, shipping_method)
    tariff = next(tariff for tariff in tariffs if tariff.code == choice.code)
    rates = [*(tax.rate(line.tax_class) for line in lines), tax.rate(tariff.tax_class)]
    whole, parts = taxes(amounts=[*totals, choice.amount], rates=rates, included=tax.included, currency=currency)
    return Quote(
        lines=tuple(
            QuotedLine(
                product_id=line.product_id,
                quantity=line.quantity,
                unit_price=line.unit_price,
                total=line_total,
                tax_rate=rate,
                tax=part,
            )
            for line, line_total, rate, part in zip(lines, totals, rates, parts, strict=False)
        ),
        subtotal=subtotal,
        shipping=choice.amount,
        shipping_tax_rate=rates[-1],
        shipping_tax=parts[-1],
        tax=whole,
        total=_sum([subtotal, choice.amount] if tax.included else [subtotal, choice.amount, whole], currency),
        tax_included=tax.included,
        shipping_method=choice.code,
        shipping_name=choice.name,
        shipping_methods=choices,
    )


def shipping_choices(
    *, tariffs: Sequence[ShippingTariff], subtotal: Money, weight_grams: int
) -> tuple[ShippingChoice, ...]:
    """What each tariff costs for goods of that value and weight, in the tariffs' order."""
    return tuple(
        ShippingChoice(
            code=tariff.code,
            name=tariff.name,
            amount=shipping_amount(tariff=tariff, subtotal=subtotal, weight_grams=weight_grams),
            min_days=tariff.min_days,
            max_days=tariff.max_days,
        )
        for tariff in tariffs
    )


def shipping_amount(*, tariff: ShippingTariff, subtotal: Money, weight_grams: int) -> Money:
    """Flat, plus by weight to the gram; nothing from ``free_from`` on. Rounded once. Raises AmountTooLarge."""
    if tariff.free_from is not None and subtotal.amount >= tariff.free_from:
        return Money.zero(tariff.currency)
    return _money(tariff.flat_amount + tariff.amount_per_kg * weight_grams / GRAMS_PER_KG, tariff.currency)


def taxes(
    *, amounts: Sequence[Money], rates: Sequence[Decimal], included: bool, currency: str
) -> tuple[Money, list[Money]]:
    """The tax in ``amounts`` (``included``) or on top of them: the whole, rounded once, and its parts, which add up to it."""
    with localcontext(_PRECISION):
        exact = [
            money.amount * rate / (1 + rate) if included else money.amount * rate
            for money, rate in zip(amounts, rates, strict=True)
        ]
        whole = _money(sum(exact, Decimal(0)), currency)
        return whole, split(whole, exact)


def _choose(choices: Sequence[ShippingChoice], code: str | None) -> ShippingChoice:
    if not choices:
        raise NoShipping(_("Nothing in the shop ships to this address."))
    if code is None:
        # Of two that cost the same, the first in the shop's order.
        return min(choices, key=lambda choice: choice.amount.amount)
    for choice in choices:
        if choice.code == code:
            return choice
    raise UnknownShippingMethod(
        _("This way to ship does not exist, or does not go to this address."),
        params={"shipping_methods": [choice.code for choice in choices]},
    )


def _times(price: Money, quantity: int) -> Money:
    return _money(price.amount * quantity, price.currency)


def _sum(parts: Sequence[Money], currency: str) -> Money:
    if sum(part.amount for part in parts) > MAX_AMOUNT:
        raise AmountTooLarge(_("This is more than the shop can sell at once."))
    return sum_of(parts, currency)


def _money(amount: Decimal, currency: str) -> Money:
    if amount > MAX_AMOUNT:
        raise AmountTooLarge(_("This is more than the shop can sell at once."))
    return Money.rounded(amount, currency)
