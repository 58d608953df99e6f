"""What pages, API and checkout read of carts."""

from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.db.models import Sum

from cart import cached, metrics
from cart.locks import carts_open_to
from cart.models import Cart, CartItem
from cart.types import CartItemRecord, CartItemView, CartOwner, CartRecord, CartRef, CartView
from catalog import selectors as catalog
from catalog.types import SellableProduct
from core.money import Money, total
from core.shopper import Shopper
from inventory import selectors as inventory
from inventory.types import Availability, Hold


def find_cart(*, shopper: Shopper) -> CartRef | None:
    """The shopper's cart: a user's own, else the guest's whose token was sent. One query."""
    row = carts_open_to(shopper).first()
    return CartRef(id=row.pk, token=row.token) if row else None


def cart_view(*, shopper: Shopper, now: datetime) -> CartView:
    """The shopper's cart, an empty one where there is none, to be looked at: nothing may be decided by it.

    No query where Valkey has the cart: then prices and what could be bought are up to a minute old, but lines and holds are
    those of the last change. Else as many as `fresh_view`.
    """
    record = cached.read(shopper)
    if record is None:
        return fresh_view(shopper=shopper, now=now)
    metrics.READS.labels("cache").inc()
    return _view(shopper, record, now)


def fresh_view(*, shopper: Shopper, now: datetime) -> CartView:
    """The shopper's cart as PostgreSQL has it. Four queries; two when it is empty, none for who can have none."""
    record = _record(shopper)
    metrics.READS.labels("database").inc()
    if record is not None:
        cached.store(shopper, record)
    return _view(shopper, record, now)


def item_count(*, shopper: Shopper) -> int:
    """How many units are in the shopper's cart. No query where Valkey has the cart, else one."""
    record = cached.read(shopper)
    if record is not None:
        return sum(item.quantity for item in record.items)
    found = CartItem.objects.filter(cart__in=carts_open_to(shopper)).aggregate(units=Sum("quantity"))
    return found["units"] or 0


def owner_of(*, cart_id: int) -> CartOwner | None:
    """Whose cart it is; None when it is gone. One query."""
    row = Cart.objects.filter(pk=cart_id).values_list("user_id", "token").first()
    return CartOwner(user_id=row[0], token=row[1]) if row else None


def lines_of_crowd(*, address: str, since: datetime, but_cart_id: int) -> list[int]:
    """The lines of guests' carts that were changed from this ``address`` (`core.net.pseudonym`) since then. One query."""
    carts = Cart.objects.filter(guest_address=address, updated_at__gt=since).exclude(pk=but_cart_id)
    return list(CartItem.objects.filter(cart__in=carts).values_list("pk", flat=True))


def proves_cart(*, shopper: Shopper, cart_id: int) -> bool:
    """Whether the token sent opens that cart, which must be a guest's: with it guests read their orders. One query."""
    return bool(shopper.cart_token) and Cart.objects.filter(pk=cart_id, token=shopper.cart_token, user=None).exists()


def count_carts(*, cart_line_ids: Collection[int]) -> int:
    """How many carts these lines are in. One query."""
    return CartItem.objects.filter(pk__any_of=cart_line_ids).values("cart_id").distinct().count()


def is_sold(product: SellableProduct) -> bool:
    """Whether a cart can be filled with it: an active product, priced in the shop's currency."""
    return product.is_active and product.price.currency == settings.CURRENCY


def _record(shopper: Shopper) -> CartRecord | None:
    """What PostgreSQL has; the version is read first, so that what is read is never older than it."""
    items = list(
        CartItem.objects.filter(cart__in=carts_open_to(shopper)).select_related("cart").order_by("added_at", "pk")
    )
    if not items:
        empty = carts_open_to(shopper).values_list("version", flat=True).first()
        return None if empty is None else CartRecord(version=empty, items=())
    products = catalog.sellable(product_ids=[item.product_id for item in items])
    holds = inventory.cart_holds(cart_line_ids=[item.pk for item in items])
    stock = inventory.availability(product_ids=list(products))
    return CartRecord(
        version=items[0].cart.version,
        items=tuple(
            _item_record(item, products[item.product_id], holds.get(item.pk), stock.get(item.product_id))
            for item in items
        ),
    )


def _item_record(
    item: CartItem, product: SellableProduct, hold: Hold | None, stock: Availability | None
) -> CartItemRecord:
    return CartItemRecord(
        id=item.pk,
        product_id=item.product_id,
        sku=product.sku,
        slug=product.slug,
        title=product.title,
        picture=product.picture,
        quantity=item.quantity,
        unit_price=product.price,
        seen_price=Money.rounded(item.seen_price, item.currency),
        held_units=hold.quantity if hold else 0,
        held_until=hold.until if hold else None,
        available=stock.available if stock else 0,
        max_per_order=product.max_per_order,
        sold=is_sold(product),
    )


def _view(shopper: Shopper, record: CartRecord | None, now: datetime) -> CartView:
    lines = tuple(_item_view(item, now) for item in record.items) if record else ()
    return CartView(
        token=shopper.cart_token if record is not None and shopper.user_id is None else "",
        items=lines,
        subtotal=total((line.total for line in lines if line.sold), settings.CURRENCY),
        item_count=sum(line.quantity for line in lines),
        all_held=all(line.held for line in lines),
    )


def _item_view(item: CartItemRecord, now: datetime) -> CartItemView:
    held = item.held_until is not None and item.held_until > now and item.held_units >= item.quantity
    return CartItemView(
        id=item.id,
        product_id=item.product_id,
        sku=item.sku,
        slug=item.slug,
        title=item.title,
        picture=item.picture,
        quantity=item.quantity,
        unit_price=item.unit_price,
        seen_price=item.seen_price,
        price_changed=item.seen_price != item.unit_price,
        total=item.unit_price * item.quantity,
        held=held,
        held_until=item.held_until if held else None,
        available_to_buy=min(item.available + item.held_units, item.max_per_order) if item.sold else 0,
        max_per_order=item.max_per_order,
        sold=item.sold,
    )
