"""What a quote can be refused for."""

from core.errors import Conflict, InvalidInput


class UnknownShippingMethod(InvalidInput):
    """There is no such way to ship, or it does not go there."""

    code = "unknown_shipping_method"


class NoShipping(Conflict):
    """Nothing ships there."""

    code = "no_shipping"


class AmountTooLarge(InvalidInput):
    """It would cost more than any amount the shop can write down."""

    code = "amount_too_large"
