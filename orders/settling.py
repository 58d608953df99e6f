"""Settling by hand: what the job does in slices, here from the first order to the last."""

import logging
from dataclasses import dataclass
from datetime import datetime

from core.errors import DomainError
from orders import services
from orders.models import Order
from orders.types import OrderStatus

logger = logging.getLogger(__name__)
BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlingReport:
    """How many orders wait no longer, how many still do, and how many could not be asked about."""

    settled: int
    waiting: int
    failed: int


def settle_all(*, now: datetime) -> SettlingReport:
    """Ask the provider about every order that waits for its payment and is not young, each once; the orders follow.

    Harmless to repeat, and beside the job that does the same.
    """
    last = settled = waiting = failed = 0
    due = Order.objects.filter(status=OrderStatus.PENDING_PAYMENT, placed_at__lt=now - services.SETTLE_AFTER)
    while ids := list(due.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        last = ids[-1]
        for order_id in ids:
            try:
                is_settled = services.settle_payment(order_id=order_id, now=now)
            except DomainError as refusal:
                logger.warning("Order %d could not be settled: %s", order_id, refusal.detail)
                failed += 1
                continue
            settled += is_settled
            waiting += not is_settled
    return SettlingReport(settled=settled, waiting=waiting, failed=failed)
