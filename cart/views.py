"""The cart's pages. Each post changes one thing through one service; htmx gets the cart back, other browsers a redirect."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cart import selectors, services
from cart.types import CartChange, CartView
from core.clock import now
from core.errors import DomainError, InvalidInput
from core.shopper import remember_cart, shopper_of


@require_safe
@never_cache
def cart(request: HttpRequest) -> HttpResponse:
    """The cart."""
    return _show(request, selectors.cart_view(shopper=shopper_of(request), now=now()))


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Put a product into the cart, held for the shopper."""
    product_id, quantity = _whole(request, "product_id"), _whole(request, "quantity", default=1)
    return _change(
        request,
        lambda: services.add_item(shopper=shopper_of(request), product_id=product_id, quantity=quantity, now=now()),
        done=_("It is in your cart, and held for you."),
    )


@require_POST
def item(request: HttpRequest, item_id: int) -> HttpResponse:
    """Change how many there are of a line; none takes it out."""
    shopper, quantity = shopper_of(request), _whole(request, "quantity")
    if quantity == 0:
        return _change(
            request, lambda: services.remove_item(shopper=shopper, item_id=item_id, now=now()), done=_("Taken out.")
        )
    return _change(
        request, lambda: services.change_item(shopper=shopper, item_id=item_id, quantity=quantity, now=now()), done=""
    )


@require_POST
def hold(request: HttpRequest, item_id: int) -> HttpResponse:
    """Hold a lapsed line again."""
    return _change(
        request,
        lambda: services.hold_item(shopper=shopper_of(request), item_id=item_id, now=now()),
        done=_("It is held for you again."),
    )


@require_POST
def clear(request: HttpRequest) -> HttpResponse:
    """Take everything out."""
    return _change(
        request, lambda: services.clear(shopper=shopper_of(request), now=now()), done=_("Your cart is empty.")
    )


def _change(request: HttpRequest, use_case: Callable[[], CartChange], *, done: str) -> HttpResponse:
    """Run ``use_case`` and show what came of it: a refusal is a message above the cart, nothing typed is lost."""
    try:
        change = use_case()
    except DomainError as refusal:
        messages.error(request, refusal.detail)
        if request.headers.get("HX-Request"):
            return _show(request, selectors.cart_view(shopper=shopper_of(request), now=now()))
        return redirect(str(request.META["HTTP_REFERER"]) if _is_ours(request) else "cart")
    if done:
        messages.success(request, done)
    response = _show(request, change.cart) if request.headers.get("HX-Request") else redirect("cart")
    if change.created:
        remember_cart(response, change.token)
    return response


def _show(request: HttpRequest, view: CartView) -> HttpResponse:
    template = "cart/lines.html" if request.headers.get("HX-Request") else "cart/cart.html"
    return render(request, template, {"cart": view, "oob": bool(request.headers.get("HX-Request"))})


def _is_ours(request: HttpRequest) -> bool:
    origin = f"{request.scheme}://{request.get_host()}/"
    return str(request.META.get("HTTP_REFERER", "")).startswith(origin)


def _whole(request: HttpRequest, name: str, *, default: int | None = None) -> int:
    given = request.POST.get(name, "").strip()
    if not given and default is not None:
        return default
    if not given.isascii() or not given.isdecimal() or len(given) > 12:
        raise InvalidInput(_("Give a whole number."))
    return int(given)
