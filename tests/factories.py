"""Rows for tests, one plain function each: sensible defaults, everything overridable, nothing random."""

import itertools
import secrets
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import User
from cart.models import Cart, CartItem, HoldStart
from catalog.models import Brand, Category, Product, ProductFamily, Seller
from core.clock import now as clock_now
from inventory.models import Inventory, Reservation, StockMovement, Warehouse
from pricing.models import ShippingMethod, TaxRate
from search.services import build_documents

PASSWORD = "correct-horse-battery"
_numbers = itertools.count(1)


def index_products() -> None:
    """Bring what searches look at up to what the catalogue has, as the relay's job does."""
    build_documents(now=clock_now())


def make_user(**fields: Any) -> User:
    """A shopper whose password is PASSWORD."""
    fields.setdefault("email", f"shopper{next(_numbers)}@example.com")
    return User.objects.create_user(password=fields.pop("password", PASSWORD), **fields)


def make_category(parent: Category | None = None, **fields: Any) -> Category:
    """A category, at the root unless ``parent`` is given."""
    name = fields.setdefault("name", f"Category {next(_numbers)}")
    fields.setdefault("slug", name.lower().replace(" ", "-"))
    fields.setdefault("slug_path", f"{parent.slug_path}/{fields['slug']}" if parent else fields["slug"])
    node: Category = Category.objects.add_child(parent, fields) if parent else Category.objects.add_root(fields)
    return node


def make_family(**fields: Any) -> ProductFamily:
    """A family with a brand, a seller and a category of its own."""
    number = next(_numbers)
    fields.setdefault("title", f"Product {number}")
    fields.setdefault("code", f"family-{number}")
    if "category" not in fields:
        fields["category"] = make_category()
    if "brand" not in fields:
        fields["brand"] = Brand.objects.create(name=f"Brand {number}", slug=f"brand-{number}")
    if "seller" not in fields:
        fields["seller"] = Seller.objects.create(name=f"Seller {number}", slug=f"seller-{number}")
    return ProductFamily.objects.create(**fields)


def make_product(*, stock: int | None = None, **fields: Any) -> Product:
    """A product of 10.00 USD; ``stock`` puts that many into a warehouse of its own."""
    number = next(_numbers)
    if "family" not in fields:
        fields["family"] = make_family(title=fields.get("title", f"Product {number}"))
    defaults = {
        "sku": f"SKU-{number}",
        "slug": f"product-{number}",
        "title": f"Product {number}",
        "price": Decimal("10.00"),
        "currency": "USD",
        "weight_grams": 500,
        "max_per_order": 1000,
    }
    product = Product.objects.create(**{**defaults, **fields})
    if stock is not None:
        make_stock(product=product, quantity=stock)
    return product


def make_warehouse(**fields: Any) -> Warehouse:
    """An active warehouse in the United States."""
    number = next(_numbers)
    return Warehouse.objects.create(
        **{"code": f"wh-{number}", "name": f"Warehouse {number}", "country": "US", **fields}
    )


def make_stock(*, product: Product, quantity: int, warehouse: Warehouse | None = None, **fields: Any) -> Inventory:
    """``quantity`` of ``product`` in a warehouse, with the movement that brought it there."""
    row = Inventory.objects.create(
        product=product, warehouse=warehouse or make_warehouse(), quantity=quantity, **fields
    )
    if quantity:
        StockMovement.objects.create(inventory=row, kind="received", quantity=quantity, reason="test", at=clock_now())
    return row


def make_cart(*, user: User | None = None, **fields: Any) -> Cart:
    """An empty cart of a guest, or of ``user``."""
    return Cart.objects.create(**{"token": secrets.token_urlsafe(32), "user": user, **fields})


def make_cart_item(*, cart: Cart, product: Product, quantity: int = 1, held_until: datetime | None = None) -> CartItem:
    """A line; with ``held_until`` its units are held too, all from the product's first warehouse."""
    item = CartItem.objects.create(
        cart=cart, product=product, quantity=quantity, seen_price=product.price, currency=product.currency
    )
    if held_until is not None:
        row = Inventory.objects.filter(product=product).order_by("warehouse_id")[0]
        Inventory.objects.filter(pk=row.pk).update(reserved=row.reserved + quantity)
        Reservation.objects.create(inventory=row, quantity=quantity, cart_line_id=item.pk, expires_at=held_until)
        HoldStart.objects.create(cart=cart, product=product, first_held_at=clock_now())
    return item


def make_shipping_method(**fields: Any) -> ShippingMethod:
    """Flat 5.00 USD to everywhere."""
    defaults = {"code": f"ship-{next(_numbers)}", "name": "Standard", "flat_amount": Decimal("5.00"), "currency": "USD"}
    return ShippingMethod.objects.create(**{**defaults, **fields})


def make_tax_rate(**fields: Any) -> TaxRate:
    """19 % on top of prices in Germany."""
    return TaxRate.objects.create(**{"country": "DE", "name": "VAT", "rate": Decimal("0.19"), **fields})
