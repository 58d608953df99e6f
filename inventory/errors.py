"""What can be refused about stock."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from core.errors import Conflict
from inventory.policies import Shortage


class InsufficientInventory(Conflict):
    """Less can be had than was asked for; ``params["lines"]`` says of which products, and how many are available."""

    code = "insufficient_inventory"

    @classmethod
    def of(cls, shortages: Sequence[Shortage]) -> "InsufficientInventory":
        """The refusal for these lines."""
        return cls(
            _("There is not enough in stock."),
            params={
                "lines": [
                    {"product_id": line.product_id, "requested": line.requested, "available": line.available}
                    for line in shortages
                ]
            },
        )


class HoldsMissing(Conflict):
    """An order line to be sold holds nothing."""

    code = "holds_missing"


class StockIsReserved(Conflict):
    """Units that are promised can not leave the books."""

    code = "stock_is_reserved"


class NothingToRestock(Conflict):
    """More is to come back than the order line took."""

    code = "nothing_to_restock"
