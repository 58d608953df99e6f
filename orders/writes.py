"""Changes of order rows that the caller has locked or made: the one place where a status is written, with its history row."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from cart.types import LockedCart
from catalog.types import SellableProduct
from orders import policies
from orders.errors import InvalidTransition
from orders.events import publish_status
from orders.models import Order, OrderHistory, OrderLine
from orders.types import CheckoutRequest, OrderStatus, PaymentStatus, PostalAddress
from payments.types import PaymentRef
from pricing.types import Quote


@dataclass(frozen=True, slots=True)
class MadeBy:
    """Which request makes an order: whose key, which key, and what tells the request from another one."""

    owner: str
    key: str
    fingerprint: str


def create(
    *,
    request: CheckoutRequest,
    cart: LockedCart,
    quote: Quote,
    payment: PaymentRef,
    products: dict[int, SellableProduct],
    made_by: MadeBy,
    now: datetime,
) -> Order:
    """A new order waiting for its payment, with its lines, its history's first rows and its event. ``cart`` is the locked one."""
    order = Order.objects.create(
        number=payment.reference,
        user_id=cart.user_id,
        cart_id=cart.id,
        payment_id=payment.id,
        email=request.email,
        status="",
        payment_status="",
        currency=quote.total.currency,
        subtotal=quote.subtotal.amount,
        shipping=quote.shipping.amount,
        tax=quote.tax.amount,
        total=quote.total.amount,
        tax_included=quote.tax_included,
        shipping_method=quote.shipping_method,
        shipping_name=quote.shipping_name,
        shipping_address=address_json(request.shipping_address),
        billing_address=address_json(request.billing_address),
        quote=quote.to_json(),
        idempotency_owner=made_by.owner,
        idempotency_key=made_by.key,
        request_fingerprint=made_by.fingerprint,
        placed_at=now,
        updated_at=now,
    )
    _write_lines(order, quote, products)
    move_payment(order, PaymentStatus.PENDING, now=now)
    move(order, OrderStatus.PENDING_PAYMENT, now=now)
    return order


def _write_lines(order: Order, quote: Quote, products: dict[int, SellableProduct]) -> None:
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            product_id=line.product_id,
            position=position,
            sku=products[line.product_id].sku,
            title=products[line.product_id].title,
            quantity=line.quantity,
            unit_price=line.unit_price.amount,
            total=line.total.amount,
            tax_rate=line.tax_rate,
            tax=line.tax.amount,
            currency=line.total.currency,
        )
        for position, line in enumerate(quote.lines)
    )


def move(order: Order, wanted: OrderStatus, *, now: datetime, actor_id: int | None = None, note: str = "") -> None:
    """Take ``order`` to ``wanted``: status, history row, event. Raises InvalidTransition where that does not follow."""
    before = order.status
    if not policies.may_become(before, wanted):
        raise InvalidTransition(
            _("An order that is “%(before)s” can not become “%(wanted)s”.") % {"before": before, "wanted": wanted},
            params={"order_status": str(before), "wanted": str(wanted)},
        )
    order.status = wanted
    order.updated_at = now
    order.save(update_fields=["status", "updated_at"])
    OrderHistory.objects.create(
        order=order,
        kind=OrderHistory.Kind.ORDER,
        from_status=before,
        to_status=wanted,
        at=now,
        actor_id=actor_id,
        note=note,
    )
    publish_status(order, now=now)


def move_payment(order: Order, wanted: PaymentStatus, *, now: datetime, note: str = "") -> bool:
    """Note where the order's money stands, if that is forwards; whether it was. What comes late or twice changes nothing."""
    before = order.payment_status
    if not policies.payment_may_become(before, wanted):
        return False
    order.payment_status = wanted
    order.updated_at = now
    order.save(update_fields=["payment_status", "updated_at"])
    OrderHistory.objects.create(
        order=order, kind=OrderHistory.Kind.PAYMENT, from_status=before, to_status=wanted, at=now, note=note
    )
    return True


def address_json(address: PostalAddress) -> dict[str, str]:
    """An address as an order keeps it."""
    return {
        "name": address.name,
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "region": address.region,
        "postal_code": address.postal_code,
        "country": address.country,
        "phone": address.phone,
    }
