"""Checkout, exactly once, and settling what was left open (DESIGN.md section 4, "Checkout")."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from cart import operations as cart
from cart.types import LockedCart
from catalog import selectors as catalog
from catalog.types import SellableProduct
from core import clock, idempotency
from core.errors import DomainError
from core.idempotency import Answer, Claim
from core.shopper import Shopper
from core.transactions import unit_of_work
from inventory import operations as inventory
from inventory.types import OrderMove
from orders import metrics, operations, policies, selectors, writes
from orders.errors import EmptyCart, PriceChanged
from orders.models import Order
from orders.types import CheckoutRequest, OrderStatus, OrderView
from payments import gateways
from payments import operations as payments
from payments.types import Authorisation, AuthorisationOutcome, PaymentRef
from pricing.types import Quote

logger = logging.getLogger(__name__)
# Younger ones are most likely still in the hands of the request that placed them.
SETTLE_AFTER = timedelta(seconds=30)
SETTLE_BATCH = 500
SETTLE_SECONDS = 20.0
Render = Callable[[OrderView], Answer]


@dataclass(frozen=True, slots=True)
class _Placed:
    """The key's order after transaction A; ``made`` is all of it where this request has made it."""

    order_id: int
    number: str
    payment: PaymentRef
    is_pending: bool
    made: writes.NewOrder | None = None


def place_order(
    *, shopper: Shopper, request: CheckoutRequest, key: str, fingerprint: str, render: Render, now: datetime
) -> Answer:
    """Buy the shopper's cart, once for each ``key``; ``render`` makes the answer, which is stored with its outcome.

    A repeat gets the stored answer, or the order as it stands, marked as a replay. Raises EmptyCart, PriceChanged,
    ProductUnavailable, InsufficientInventory, and what `core.idempotency.claim` and `pricing.selectors.quote` raise: then
    nothing was charged and nothing is held that was not before.
    """
    owner, cart_id = selectors.owner_of(shopper=shopper, key=key)
    if owner is None:
        raise EmptyCart(_("There is nothing in the cart."))
    claimed = idempotency.claim(scope=selectors.SCOPE, owner=owner, key=key, fingerprint=fingerprint, now=now)
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
            order = operations.conclude(order_id=order_id, authorisation=found, now=now).order
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
    refusal: DomainError | writes.KeyHasOrder | None = None
    if claimed.fence == 1:  # nobody has had the key, or so long ago that it was forgotten: there is hardly an order
        try:
            with unit_of_work():
                idempotency.hold(claimed)
                return _buy(claimed, cart_id=cart_id, owner=owner, key=key, request=request, now=now)
        except idempotency.LeaseLost:
            raise
        except (DomainError, writes.KeyHasOrder) as problem:
            refusal = problem
    with unit_of_work():
        idempotency.hold(claimed)
        order = Order.objects.filter(idempotency_owner=owner, idempotency_key=key).first()
        if order is not None:
            return _repeated(claimed, order)
        if refusal is not None:
            raise refusal
        return _buy(claimed, cart_id=cart_id, owner=owner, key=key, request=request, now=now)


def _repeated(claimed: Claim, order: Order) -> _Placed:
    """An order that another request of the key has made. Raises KeyReused where that was not the same."""
    if order.request_fingerprint != claimed.fingerprint:
        raise idempotency.reused()
    payment = payments.lock_payment(payment_id=order.payment_id)
    return _Placed(order.pk, order.number, payment, is_pending=order.status == OrderStatus.PENDING_PAYMENT)


def _buy(
    claimed: Claim, *, cart_id: int | None, owner: str, key: str, request: CheckoutRequest, now: datetime
) -> _Placed:
    """The heart of transaction A: cart, quote, payment, order, holds. Locks in the one order of rule 3."""
    if cart_id is None:
        raise EmptyCart(_("There is nothing in the cart."))
    locked = cart.lock(cart_id=cart_id)
    products = catalog.sellable(product_ids=[line.product_id for line in locked.lines])
    quote = _agreed_quote(locked, products, request)
    payment = payments.open_payment(
        reference=policies.new_number(), amount=quote.total, method=request.payment_method, now=now
    )
    made = writes.create(
        request=request,
        cart=locked,
        quote=quote,
        payment=payment,
        products=products,
        made_by=writes.MadeBy(owner, key, claimed.fingerprint),
        now=now,
    )
    line_ids = {line.product_id: line.pk for line in made.lines}
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
    return _Placed(made.row.pk, made.row.number, payment, is_pending=True, made=made)


def _agreed_quote(locked: LockedCart, products: Mapping[int, SellableProduct], request: CheckoutRequest) -> Quote:
    """What the cart costs now. Raises PriceChanged where that is not what the shopper saw, and as `selectors.quote_lines`."""
    quote = selectors.quote_products(
        wanted=[(line.product_id, line.quantity) for line in locked.lines],
        products=products,
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
    try:
        with_cart = authorisation.outcome == AuthorisationOutcome.DECLINED
        answer, is_final = _follow(claimed, placed, authorisation, render, with_cart=with_cart, now=now)
    except operations.CartNeeded:
        answer, is_final = _follow(claimed, placed, authorisation, render, with_cart=True, now=now)
    if not is_final:
        # Nothing final to say again: a repeat finds the order and tells how it stands then.
        idempotency.release(claimed, now=now)
    return answer if placed.made else idempotency.as_replay(answer)


def _follow(
    claimed: Claim, placed: _Placed, authorisation: Authorisation, render: Render, *, with_cart: bool, now: datetime
) -> tuple[Answer, bool]:
    """Transaction B; the answer, and whether it is final. Raises `operations.CartNeeded`."""
    made = placed.made
    with unit_of_work():
        idempotency.hold(claimed)
        end = operations.conclude(
            order_id=placed.order_id,
            authorisation=authorisation,
            line_ids=[line.pk for line in made.lines] if made else (),
            with_cart=with_cart,
            now=now,
        )
        # What this request has written is known, unless somebody else has moved the order meanwhile.
        is_known = made is not None and end.since == made.row.updated_at
        history = (*made.history, *end.steps) if made is not None and is_known else None
        view = selectors.view_of(end.order, lines=made.lines if made else None, history=history)
        answer = render(view)
        is_final = end.order.status != OrderStatus.PENDING_PAYMENT
        if is_final:
            idempotency.store(claimed, answer, now=now)
    return answer, is_final


def _authorise(placed: _Placed) -> Authorisation:
    return gateways.authorise(
        payment=placed.payment,
        return_url=f"{settings.PUBLIC_URL}/orders/{placed.number}/",
        metadata={"order_number": placed.number, "payment_id": str(placed.payment.id)},
    )
