"""How the outcome of a checkout is said over the API: bytes that can be stored and said again."""

from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer

from core.idempotency import Answer
from core.problems import CONTENT_TYPE, problem_of
from orders.errors import InvalidTransition, PaymentDeclined
from orders.serializers import OrderSerializer
from orders.types import OrderStatus, OrderView

RETRY_SECONDS = 2


def checkout_answer(order: OrderView) -> Answer:
    """201 for a paid order, 202 for one that waits, 402 for a declined one, 409 for one that was given up."""
    location = f"/api/v1/orders/{order.number}"
    if order.status == OrderStatus.PAYMENT_FAILED:
        reason = next((entry.note for entry in reversed(order.history) if entry.note), "")
        return _refusal(
            PaymentDeclined(
                _("The payment was declined. Nothing was charged, and the goods are back in the cart."),
                params={"number": order.number, "reason": reason, "order_status": order.status},
            )
        )
    if order.status == OrderStatus.CANCELLED:
        return _refusal(
            InvalidTransition(
                _("This order was cancelled."), params={"number": order.number, "order_status": order.status}
            )
        )
    body = JSONRenderer().render(OrderSerializer(order).data)
    headers = {"Content-Type": "application/json", "Location": location}
    if order.status == OrderStatus.PENDING_PAYMENT:
        return Answer(status=202, body=body, headers={**headers, "Retry-After": str(RETRY_SECONDS)})
    return Answer(status=201, body=body, headers=headers)


def _refusal(error: PaymentDeclined | InvalidTransition) -> Answer:
    problem = problem_of(error)
    assert problem is not None
    return Answer(
        status=problem.status, body=JSONRenderer().render(problem.document()), headers={"Content-Type": CONTENT_TYPE}
    )
