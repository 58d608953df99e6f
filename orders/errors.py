"""What can stand in the way of an order."""

from core.errors import Conflict, InvalidInput, NotFound


class EmptyCart(Conflict):
    """There is nothing to buy."""

    code = "empty_cart"


class ProductUnavailable(Conflict):
    """A line's product is no longer sold; params name the products."""

    code = "product_unavailable"


class PriceChanged(Conflict):
    """The total shown is not what it costs now; params hold the present quote."""

    code = "price_changed"


class PaymentDeclined(Conflict):
    """The provider said no; params name the order and the reason."""

    code = "payment_declined"


class InvalidAddress(InvalidInput):
    """An address that nobody could deliver to."""

    code = "invalid_address"


class InvalidTransition(Conflict):
    """Where the order stands, this can not be done."""

    code = "invalid_transition"


class RefundExceedsLine(Conflict):
    """More of a line would be refunded than was bought and not refunded yet; params name the lines and what is left."""

    code = "refund_exceeds_line"


class OrderNotFound(NotFound):
    """There is no such order, or it is not the asker's."""

    code = "order_not_found"
