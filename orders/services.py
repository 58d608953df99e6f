"""Checkout, exactly once, and settling what was left open (DESIGN.md section 4, "Checkout")."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from cart import operations as cart
from cart.types import LockedCart
from catalog import selectors as catalog
from core import clock, idempotency
from core.errors import DomainError
from core.idempotency import Answer, Claim
from core.shopper import Shopper
from core.transactions import unit_of_work
from inventory import operations as inventory
from inventory.types import OrderMove
from orders import metrics, operations, policies, selectors, writes
from orders.errors import EmptyCart, PriceChanged
from orders.models import Order, OrderLine
from orders.types import CheckoutRequest, OrderStatus, OrderView
from payments import gateways
from payments import operations as payments
from payments.types import Authorisation, AuthorisationOutcome, PaymentRef
from pricing.types import Quote

logger = logging.getLogger(__name__)
SCOPE = "orders"
# Younger ones are most likely still in the hands of the request that placed them.
SETTLE_AFTER = timedelta(seconds=30)
SETTLE_BATCH = 500
SETTLE_SECONDS = 20.0
Render = Callable[[OrderView], Answer]


@dataclass(frozen=True, slots=True)
class _Placed:
    order_id: int
    number: str
    payment: PaymentRef
    is_new: bool
    is_pending: bool


def place_order(
    *, shopper: Shopper, request: CheckoutRequest, key: str, fingerprint: str, render: Render, now: datetime
) -> Answer:
    """Buy the shopper's cart, once for each ``key``; ``render`` makes the answer, which is stored with its outcome.

    A repeat gets the stored answer, or the order as it stands, marked as a replay. Raises EmptyCart, PriceChanged,
    ProductUnavailable, InsufficientInventory, and what `core.idempotency.claim` and `pricing.selectors.quote` raise: then
    nothing was charged and nothing is held that was not before.
    """
    owner, cart_id = selectors.owner_of(shopper=shopper)
    if owner is None:
        raise EmptyCart(_("There is nothing in the cart."))
    claimed = idempotency.claim(scope=SCOPE, owner=owner, key=key, fingerprint=fingerprint, now=now)
    if isinstance(claimed, Answer):
        metrics.ORDERS.labels(status="duplicate").inc()
        return idempotency.as_replay(claimed)
    with _given_back(claimed, now):
        placed = _place(claimed, cart_id=cart_id, owner=owner, key=key, request=request, now=now)
    try:
        return _conclude(claimed, placed, render)
    except idempotency.LeaseLost:
        raise
    except Exception:
        # There is an order, and perhaps money held: the next try goes on from here, and settling does without any.
        idempotency.release(claimed, now=clock.now())
        raise


@contextmanager
def _given_back(claimed: Claim, now: datetime) -> Iterator[None]:
    """Until there is an order: a refusal is remembered with the claim, and after anything else the claim is given back."""
    try:
        yield
    except idempotency.LeaseLost:
        raise
    except idempotency.KeyReused:
        idempotency.forget(claimed)
        raise
    except DomainError as refusal:
        metrics.ORDERS.labels(status="failed").inc()
        idempotency.refuse(claimed, refusal, now=now)
        raise
    except Exception:
        idempotency.forget(claimed)
        raise


def cancel_order(*, number: str, actor_id: int, reason: str, now: datetime) -> None:
    """Cancel an order that was not shipped: its goods go back, and so does its money, held or taken.

    Raises OrderNotFound, InvalidTransition for an order that is past that, and what `payments.operations.schedule_void` does.
    """
    with unit_of_work():
        operations.cancel(number=number, actor_id=actor_id, reason=reason, now=now)


def settle_payments(*, now: datetime) -> int:
    """Ask the provider about every payment that is neither final nor young, and let the orders follow; how many were settled.

    One that the provider does not know, or that waits for its shopper, is given up at its deadline. Safe to repeat. In no
    order and for some seconds only: so no payment that takes long, or always fails, keeps the others waiting for ever.
    """
    waiting = Order.objects.filter(status=OrderStatus.PENDING_PAYMENT, placed_at__lt=now - SETTLE_AFTER)
    begin = time.monotonic()
    settled = 0
    for order_id in list(waiting.order_by("?").values_list("pk", flat=True)[:SETTLE_BATCH]):
        if time.monotonic() - begin > SETTLE_SECONDS:
            break
        try:
            settled += settle_payment(order_id=order_id, now=now)
        except DomainError as refusal:
            logger.warning("Order %d could not be settled: %s", order_id, refusal.detail)
    return settled


def settle_payment(*, order_id: int, now: datetime) -> bool:
    """Ask the provider about one order's payment, and let the order follow; whether it waits no longer."""
    with unit_of_work():
        payment = payments.lock_payment(payment_id=Order.objects.values_list("payment_id", flat=True).get(pk=order_id))
    found = gateways.look_up(payment=payment)
    with unit_of_work():
        if found is not None:
            order = operations.conclude(order_id=order_id, authorisation=found, now=now)
            if order.status != OrderStatus.PENDING_PAYMENT:
                return True
        if now < payment.deadline_at:
            return False
        operations.give_up(order_id=order_id, now=now)
    return True


def _place(
    claimed: Claim, *, cart_id: int | None, owner: str, key: str, request: CheckoutRequest, now: datetime
) -> _Placed:
    """Transaction A: the order with its payment, holds moved from cart to order; or the key's order, as it stands."""
    with unit_of_work():
        idempotency.hold(claimed)
        order = Order.objects.filter(idempotency_owner=owner, idempotency_key=key).first()
        if order is not None:
            if order.request_fingerprint != claimed.fingerprint:
                raise idempotency.reused()
            payment = payments.lock_payment(payment_id=order.payment_id)
            return _placed(order, payment, is_new=False)
        if cart_id is None:
            raise EmptyCart(_("There is nothing in the cart."))
        return _buy(claimed, cart_id=cart_id, owner=owner, key=key, request=request, now=now)


def _buy(claimed: Claim, *, cart_id: int, owner: str, key: str, request: CheckoutRequest, now: datetime) -> _Placed:
    """The heart of transaction A: cart, quote, payment, order, holds. Locks in the one order of rule 3."""
    locked = cart.lock(cart_id=cart_id)
    quote = _agreed_quote(locked, request)
    products = catalog.sellable(product_ids=[line.product_id for line in locked.lines])
    number = policies.new_number()
    payment = payments.open_payment(reference=number, amount=quote.total, method=request.payment_method, now=now)
    order = writes.create(
        request=request,
        cart=locked,
        quote=quote,
        payment=payment,
        products=products,
        made_by=writes.MadeBy(owner, key, claimed.fingerprint),
        now=now,
    )
    line_ids = dict(OrderLine.objects.filter(order=order).values_list("product_id", "pk"))
    moves = [
        OrderMove(
            cart_line_id=line.id,
            order_line_id=line_ids[line.product_id],
            product_id=line.product_id,
            quantity=line.quantity,
        )
        for line in locked.lines
    ]
    inventory.move_to_order(moves=moves, near=None, now=now)
    cart.take_all(cart_id=cart_id, now=now)
    return _placed(order, payment, is_new=True)


def _agreed_quote(locked: LockedCart, request: CheckoutRequest) -> Quote:
    """What the cart costs now. Raises PriceChanged where that is not what the shopper saw, and as `selectors.quote_lines`."""
    quote = selectors.quote_lines(
        wanted=[(line.product_id, line.quantity) for line in locked.lines],
        country=request.shipping_address.country,
        region=request.shipping_address.region,
        shipping_method=request.shipping_method,
    )
    if quote.total != request.total:
        detail = _("The total is now %(total)s.") % {"total": quote.total}
        raise PriceChanged(detail, params={"quote": quote.to_json()})
    return quote


def _conclude(claimed: Claim, placed: _Placed, render: Render) -> Answer:
    """Ask the provider where that is still open, then transaction B: the order follows, and the answer is kept with it."""
    authorisation = Authorisation(outcome=AuthorisationOutcome.UNKNOWN)
    if placed.is_pending and not placed.payment.is_settled:
        authorisation = _authorise(placed)
    now = clock.now()
    with unit_of_work():
        idempotency.hold(claimed)
        order = operations.conclude(order_id=placed.order_id, authorisation=authorisation, now=now)
        answer = render(selectors.view_of(order))
        if order.status != OrderStatus.PENDING_PAYMENT:
            idempotency.store(claimed, answer, now=now)
    if order.status == OrderStatus.PENDING_PAYMENT:
        # Nothing final to say again: a repeat finds the order and tells how it stands then.
        idempotency.release(claimed, now=now)
    return answer if placed.is_new else idempotency.as_replay(answer)


def _authorise(placed: _Placed) -> Authorisation:
    return gateways.authorise(
        payment=placed.payment,
        return_url=f"{settings.PUBLIC_URL}/orders/{placed.number}/",
        metadata={"order_number": placed.number, "payment_id": str(placed.payment.id)},
    )


def _placed(order: Order, payment: PaymentRef, *, is_new: bool) -> _Placed:
    is_pending = order.status == OrderStatus.PENDING_PAYMENT
    return _Placed(order.pk, order.number, payment, is_new=is_new, is_pending=is_pending)
