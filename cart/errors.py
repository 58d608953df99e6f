"""What can be refused about a cart."""

import math
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.errors import Conflict, FieldError, InvalidInput, NotFound


class CartNotFound(NotFound):
    """The token opens no cart."""

    code = "cart_not_found"

    @classmethod
    def of_token(cls) -> "CartNotFound":
        """The refusal of a token that was never issued, or whose cart is gone."""
        detail = _("This cart token opens no cart. Leave the header X-Cart-Token out to begin a new one.")
        return cls(detail, errors=[FieldError("/X-Cart-Token", "cart_not_found", detail)])


class LineNotFound(NotFound):
    """There is no such line in the shopper's cart."""

    code = "cart_line_not_found"

    @classmethod
    def of_id(cls) -> "LineNotFound":
        """The refusal of a line that is gone, or another shopper's."""
        detail = _("This line is not in your cart.")
        return cls(detail, errors=[FieldError("/id", "cart_line_not_found", detail)])


class UnknownProduct(InvalidInput):
    """The product does not exist, or is not sold (any more)."""

    code = "unknown_product"

    @classmethod
    def of_id(cls) -> "UnknownProduct":
        """The refusal of this product."""
        detail = _("This product is not sold here.")
        return cls(detail, errors=[FieldError("/product_id", "unknown_product", detail)])


class BadQuantity(InvalidInput):
    """A quantity below one."""

    code = "invalid_quantity"

    @classmethod
    def too_low(cls) -> "BadQuantity":
        """The refusal of zero and less."""
        detail = _("Take at least one.")
        return cls(detail, errors=[FieldError("/quantity", "min_value", detail)])


class TooMany(InvalidInput):
    """More of one product than one cart may hold."""

    code = "quantity_above_limit"

    @classmethod
    def of(cls, *, limit: int, in_cart: int) -> "TooMany":
        """The refusal beyond ``limit`` units, of which ``in_cart`` are there already."""
        detail = ngettext(
            "You can buy at most %(limit)d of this.", "You can buy at most %(limit)d of these.", limit
        ) % {"limit": limit}
        return cls(
            detail,
            params={"max_per_order": limit, "in_cart": in_cart},
            errors=[FieldError("/quantity", "max_value", detail)],
        )


class CartIsFull(Conflict):
    """The cart has as many lines as a cart may have."""

    code = "cart_is_full"

    @classmethod
    def at(cls, limit: int) -> "CartIsFull":
        """The refusal beyond ``limit`` lines."""
        detail = _("A cart holds at most %(limit)d different products.") % {"limit": limit}
        return cls(detail, params={"lines_limit": limit}, errors=[FieldError("/product_id", "cart_is_full", detail)])


class HoldLimitReached(Conflict):
    """The product has been held for this cart as long as may be; it can still be bought."""

    code = "hold_limit_reached"

    @classmethod
    def of_line(cls) -> "HoldLimitReached":
        """The refusal of another renewal."""
        return cls(_("We have held this for you as long as we can. You can still buy it while it lasts."))


class TooManyHolds(Conflict):
    """Guests of one address hold as much as such guests may; who logs in is not counted."""

    code = "too_many_holds"

    @classmethod
    def from_here(cls, next_end: timedelta) -> "TooManyHolds":
        """The refusal, until the ``next_end`` of one of those holds."""
        return cls(
            _("A great many things are held for shoppers of your network. Log in to add yours, or try again later."),
            retry_after=max(1, math.ceil(next_end.total_seconds())),
        )
