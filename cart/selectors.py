"""What pages, API and checkout read of carts."""

from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.db.models import Sum

from cart.locks import carts_open_to
from cart.models import Cart, CartItem
from cart.types import CartItemView, CartRef, CartView
from catalog import selectors as catalog
from catalog.types import SellableProduct
from core.money import Money, total
from core.shopper import Shopper
from inventory import selectors as inventory
from inventory.types import Hold


def find_cart(*, shopper: Shopper) -> CartRef | None:
    """The shopper's cart: a user's own, else the guest's whose token was sent. One query."""
    row = carts_open_to(shopper).first()
    return CartRef(id=row.pk, token=row.token) if row else None


def cart_view(*, shopper: Shopper, now: datetime) -> CartView:
    """The shopper's cart, an empty one where there is none. Four queries; two when it is empty."""
    items = list(
        CartItem.objects.filter(cart__in=carts_open_to(shopper)).select_related("cart").order_by("added_at", "pk")
    )
    products = catalog.sellable(product_ids=[item.product_id for item in items]) if items else {}
    holds = inventory.cart_holds(cart_line_ids=[item.pk for item in items]) if items else {}
    stock = inventory.availability(product_ids=list(products)) if items else {}
    lines = tuple(
        _item_view(
            item,
            products[item.product_id],
            holds.get(item.pk),
            stock[item.product_id].available,
            now,
        )
        for item in items
    )
    return CartView(
        token=_token(shopper, items),
        items=lines,
        subtotal=total((line.total for line in lines if line.sold), settings.CURRENCY),
        item_count=sum(line.quantity for line in lines),
        all_held=all(line.held for line in lines),
    )


def item_count(*, shopper: Shopper) -> int:
    """How many units are in the shopper's cart. One query."""
    found = CartItem.objects.filter(cart__in=carts_open_to(shopper)).aggregate(units=Sum("quantity"))
    return found["units"] or 0


def proves_cart(*, shopper: Shopper, cart_id: int) -> bool:
    """Whether the token sent opens that cart, which must be a guest's: with it guests read their orders. One query."""
    return bool(shopper.cart_token) and Cart.objects.filter(pk=cart_id, token=shopper.cart_token, user=None).exists()


def count_carts(*, cart_line_ids: Collection[int]) -> int:
    """How many carts these lines are in. One query."""
    return CartItem.objects.filter(pk__in=cart_line_ids).values("cart_id").distinct().count()


def is_sold(product: SellableProduct) -> bool:
    """Whether a cart can be filled with it: an active product, priced in the shop's currency."""
    return product.is_active and product.price.currency == settings.CURRENCY


def _token(shopper: Shopper, items: list[CartItem]) -> str:
    if shopper.user_id is not None:
        return ""
    if items:
        return items[0].cart.token
    found = find_cart(shopper=shopper)
    return found.token if found else ""


def _item_view(
    item: CartItem, product: SellableProduct, hold: Hold | None, available: int, now: datetime
) -> CartItemView:
    live = hold is not None and hold.until > now
    held = hold.quantity if hold is not None and live else 0
    sold = is_sold(product)
    seen = Money.rounded(item.seen_price, item.currency)
    return CartItemView(
        id=item.pk,
        product_id=item.product_id,
        sku=product.sku,
        slug=product.slug,
        title=product.title,
        picture=product.picture,
        quantity=item.quantity,
        unit_price=product.price,
        seen_price=seen,
        price_changed=seen != product.price,
        total=product.price * item.quantity,
        held=held >= item.quantity,
        held_until=hold.until if hold is not None and held >= item.quantity else None,
        available_to_buy=min(available + (hold.quantity if hold else 0), product.max_per_order) if sold else 0,
        max_per_order=product.max_per_order,
        sold=sold,
    )
