"""What pages and API read of orders, and what a purchase would cost."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from cart import selectors as cart
from catalog import selectors as catalog
from catalog.types import SellableProduct
from core import idempotency
from core.money import Money
from core.shopper import Shopper
from orders.errors import EmptyCart, OrderNotFound, ProductUnavailable
from orders.models import Order, OrderHistory, OrderLine
from orders.types import (
    HistoryEntry,
    OrderLineView,
    OrderPage,
    OrderStatus,
    OrderSummary,
    OrderView,
    PaymentStatus,
)
from pricing import selectors as pricing
from pricing.types import Quote, QuoteLine

PAGE_SIZE = 20
SCOPE = "orders"  # of the keys of checkout


def quote_cart(*, shopper: Shopper, country: str, region: str, shipping_method: str | None, now: datetime) -> Quote:
    """What the shopper's cart costs, shipped there; no hold is looked at. Raises as `quote_lines`."""
    view = cart.fresh_view(shopper=shopper, now=now)
    wanted = [(item.product_id, item.quantity) for item in view.items]
    return quote_lines(wanted=wanted, country=country, region=region, shipping_method=shipping_method)


def quote_lines(*, wanted: Sequence[tuple[int, int]], country: str, region: str, shipping_method: str | None) -> Quote:
    """What so many of each product (id, quantity) cost, at the catalogue's prices of now. Two queries.

    Raises EmptyCart, ProductUnavailable, and what `pricing.selectors.quote` raises.
    """
    products = catalog.sellable(product_ids=[product_id for product_id, _quantity in wanted])
    return quote_products(
        wanted=wanted, products=products, country=country, region=region, shipping_method=shipping_method
    )


def quote_products(
    *,
    wanted: Sequence[tuple[int, int]],
    products: Mapping[int, SellableProduct],
    country: str,
    region: str,
    shipping_method: str | None,
) -> Quote:
    """As `quote_lines`, of ``products`` that the caller has just read. One query."""
    if not wanted:
        raise EmptyCart(_("There is nothing in the cart."))
    gone = [product_id for product_id, _quantity in wanted if not _is_sold(products.get(product_id))]
    if gone:
        raise ProductUnavailable(
            _("Something in the cart is no longer sold. Take it out."), params={"product_ids": gone}
        )
    lines = [
        QuoteLine(
            product_id=product_id,
            quantity=quantity,
            unit_price=products[product_id].price,
            tax_class=products[product_id].tax_class,
            weight_grams=products[product_id].weight_grams,
        )
        for product_id, quantity in wanted
    ]
    return pricing.quote(
        lines=lines, country=country, region=region, shipping_method=shipping_method, currency=settings.CURRENCY
    )


def order_view(*, number: str, shopper: Shopper) -> OrderView:
    """An order for its own shopper: the user who placed it, or the guest whose cart it came from. Five queries at most.

    Raises OrderNotFound, also for an order of somebody else: the two are not told apart.
    """
    row = Order.objects.select_related("payment").filter(number=number).first()
    if row is None or not _is_own(row, shopper):
        raise OrderNotFound(_("There is no such order, or it is not yours."))
    return view_of(row)


def owner_of(*, shopper: Shopper, key: str) -> tuple[str | None, int | None]:
    """Whose ``key`` the shopper's is, and which cart is theirs: a user's, or that of the guest who proves it by its token.

    A key that was used as a guest stays the guest's when the shopper, who still sends the token, logs in meanwhile: a repeat
    finds what the first try did. One query; up to four for a user with a token. None and none for a guest without a cart.
    """
    found = cart.find_cart(shopper=shopper)
    if shopper.user_id is None:
        return (_owner_of_cart(found.id), found.id) if found else (None, None)
    guest = cart.find_cart(shopper=Shopper(cart_token=shopper.cart_token)) if shopper.cart_token else None
    cart_id = found.id if found else None
    if guest is not None and _has_used(_owner_of_cart(guest.id), key):
        return _owner_of_cart(guest.id), cart_id
    return f"user:{shopper.user_id}", cart_id


def _owner_of_cart(cart_id: int) -> str:
    return f"cart:{cart_id}"


def _has_used(owner: str, key: str) -> bool:
    orders = Order.objects.filter(idempotency_owner=owner, idempotency_key=key)
    return idempotency.is_known(scope=SCOPE, owner=owner, key=key) or orders.exists()


def number_of(*, shopper: Shopper, key: str) -> str | None:
    """The number of the order that the shopper's Idempotency-Key has made, None while there is none. Five queries at most."""
    owner, _cart_id = owner_of(shopper=shopper, key=key)
    found = Order.objects.filter(idempotency_owner=owner, idempotency_key=key) if owner else Order.objects.none()
    return found.values_list("number", flat=True).first()


def orders_of(*, user_id: int, page: int = 1) -> OrderPage:
    """A user's orders, the newest first. Three queries."""
    rows = Order.objects.filter(user_id=user_id).order_by("-placed_at", "-pk")
    count = rows.count()
    chosen = list(rows.annotate(units=Coalesce(Sum("lines__quantity"), 0))[(page - 1) * PAGE_SIZE : page * PAGE_SIZE])
    titles = _first_titles([row.pk for row in chosen])
    summaries = tuple(
        OrderSummary(
            number=row.number,
            status=row.status,
            status_label=str(OrderStatus(row.status).label),
            total=Money.rounded(row.total, row.currency),
            placed_at=row.placed_at,
            item_count=row.units,
            first_title=titles.get(row.pk, ""),
        )
        for row in chosen
    )
    return OrderPage(orders=summaries, total=count, page=page, pages=max(-(-count // PAGE_SIZE), 1))


def lines_to_ship(*, product_id: int, warehouse_id: int) -> dict[int, int]:
    """The lines of orders with this product that are paid and not delivered, and how many units left the warehouse for each.

    One query.
    """
    open_orders = (OrderStatus.PAID, OrderStatus.PROCESSING, OrderStatus.SHIPPED)
    here = Q(shipped__shipment__warehouse_id=warehouse_id, shipped__shipment__shipped_at__isnull=False)
    lines = OrderLine.objects.filter(product_id=product_id, order__status__in=open_orders)
    left = lines.annotate(left=Coalesce(Sum("shipped__quantity", filter=here), 0))
    return dict(left.values_list("pk", "left"))


def units_sold(*, product_ids: Collection[int], since: datetime) -> dict[int, int]:
    """How many units of each product were sold since then, in orders that were not called off; none are left out. One query."""
    called_off = (OrderStatus.PENDING_PAYMENT, OrderStatus.PAYMENT_FAILED, OrderStatus.CANCELLED)
    lines = OrderLine.objects.filter(product__pk__any_of=product_ids, order__placed_at__gte=since)
    counted = lines.exclude(order__status__in=called_off).order_by().values_list("product_id")
    return dict(counted.annotate(units=Sum("quantity")))


def products_of(*, number: str) -> set[int]:
    """The products in an order. One query."""
    lines = OrderLine.objects.filter(order__number=number, product__isnull=False)
    return set(lines.values_list("product_id", flat=True))


def view_of(
    row: Order, *, lines: Sequence[OrderLine] | None = None, history: Sequence[OrderHistory] | None = None
) -> OrderView:
    """How an order is shown. A query each for lines and history that are not given, and for a payment not read with it."""
    currency = row.currency
    own_lines = row.lines.order_by("position") if lines is None else lines
    own_history = row.history.order_by("pk") if history is None else history
    return OrderView(
        number=row.number,
        status=row.status,
        status_label=str(OrderStatus(row.status).label),
        payment_status=row.payment_status,
        payment_status_label=str(PaymentStatus(row.payment_status).label),
        email=row.email,
        subtotal=Money.rounded(row.subtotal, currency),
        shipping=Money.rounded(row.shipping, currency),
        tax=Money.rounded(row.tax, currency),
        total=Money.rounded(row.total, currency),
        tax_included=row.tax_included,
        shipping_method=row.shipping_method,
        shipping_name=row.shipping_name,
        shipping_address=row.shipping_address,
        billing_address=row.billing_address,
        placed_at=row.placed_at,
        lines=tuple(_line_view(line) for line in own_lines),
        history=tuple(_history_entry(entry, row.user_id) for entry in own_history),
        next_action_url=row.payment.next_action_url if row.status == OrderStatus.PENDING_PAYMENT else "",
    )


def _is_own(row: Order, shopper: Shopper) -> bool:
    if row.user_id is not None:
        return row.user_id == shopper.user_id
    return row.cart_id is not None and cart.proves_cart(shopper=shopper, cart_id=row.cart_id)


def _is_sold(product: Any) -> bool:
    return product is not None and cart.is_sold(product)


def _first_titles(order_ids: Sequence[int]) -> dict[int, str]:
    first = OrderLine.objects.filter(order_id__in=order_ids).order_by("order_id", "position").distinct("order_id")
    return dict(first.values_list("order_id", "title"))


def _line_view(line: OrderLine) -> OrderLineView:
    return OrderLineView(
        id=line.pk,
        product_id=line.product_id,
        sku=line.sku,
        title=line.title,
        quantity=line.quantity,
        unit_price=Money.rounded(line.unit_price, line.currency),
        total=Money.rounded(line.total, line.currency),
        tax=Money.rounded(line.tax, line.currency),
    )


def _history_entry(entry: OrderHistory, shopper_id: int | None) -> HistoryEntry:
    choices = dict((PaymentStatus if entry.kind == entry.Kind.PAYMENT else OrderStatus).choices)
    label = str(choices.get(entry.to_status, entry.to_status))
    is_money = entry.kind == entry.Kind.PAYMENT
    return HistoryEntry(
        kind=entry.kind,
        from_status=entry.from_status,
        to_status=entry.to_status,
        label=_("Payment: %(what)s") % {"what": label} if is_money else label,
        at=entry.at,
        actor="shop" if entry.actor_id is None else "shopper" if entry.actor_id == shopper_id else "staff",
        note=entry.note,
    )
