"""The pages of checkout and of orders."""

import json
import uuid
from typing import Any

from csp.decorators import csp_update
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms.utils import flatatt
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cart import selectors as carts
from core import idempotency
from core.clock import now
from core.errors import DomainError
from core.idempotency import Answer
from core.shopper import shopper_of
from orders import selectors, services
from orders.errors import EmptyCart, PriceChanged
from orders.forms import RECALCULATE, CheckoutForm
from orders.types import OrderStatus, OrderView
from payments import selectors as payments
from pricing.errors import NoShipping, UnknownShippingMethod
from pricing.types import Quote

DEFAULT_COUNTRY = "US"
SEE_OTHER = 303


@never_cache
def checkout(request: HttpRequest) -> HttpResponseBase:
    """The one page of checkout: shows what it costs, works it out anew, or buys."""
    card_entry = payments.card_entry()
    if card_entry is None:
        return _checkout(request)
    # Only where a card is entered may the provider's script run.
    return csp_update(dict(card_entry.content_security_policy))(_checkout)(request)


def _checkout(request: HttpRequest) -> HttpResponse:
    if request.method == "POST" and "update" not in request.POST:
        return _buy(request)
    typed = request.POST if request.method == "POST" else None
    initial = {"country": DEFAULT_COUNTRY, "email": getattr(request.user, "email", "")}
    return _show(request, CheckoutForm(initial={**initial, **(typed.dict() if typed else {})}))


@require_safe
@never_cache
def order(request: HttpRequest, number: str) -> HttpResponse:
    """One order, for its own shopper."""
    view = selectors.order_view(number=number, shopper=shopper_of(request))
    return render(request, "orders/order.html", {"order": view, "waits": view.status == OrderStatus.PENDING_PAYMENT})


@require_safe
@never_cache
@login_required
def orders(request: HttpRequest) -> HttpResponse:
    """The user's orders."""
    page = selectors.orders_of(user_id=request.user.pk or 0)
    return render(request, "orders/list.html", {"orders": page.orders})


def _buy(request: HttpRequest) -> HttpResponse:
    form = CheckoutForm(request.POST)
    if not form.is_valid():
        return _show(request, form)
    said = json.dumps(
        {name: value for name, value in request.POST.items() if name != "csrfmiddlewaretoken"}, sort_keys=True
    )
    try:
        answer = services.place_order(
            shopper=shopper_of(request),
            request=form.to_request(),
            key=form.cleaned_data["idempotency_key"],
            fingerprint=idempotency.fingerprint_of(method="POST", path=request.path, body=said.encode()),
            render=_page_answer,
            now=now(),
        )
    except idempotency.InProgress as refusal:
        number = selectors.number_of(shopper=shopper_of(request), key=form.cleaned_data["idempotency_key"])
        if number is not None:  # the first of two clicks is at the provider: the order's page tells how it ends
            return redirect("order", number)
        messages.warning(request, refusal.detail)
        return redirect("orders" if request.user.is_authenticated else "checkout")
    except PriceChanged:
        form.add_error(
            None, _("Shipping and tax for this address are worked out now: please look at the total, and buy again.")
        )
        return _show(request, form)
    except DomainError as refusal:
        form.add_refusals(refusal.errors)
        if not refusal.errors:
            form.add_error(None, refusal.detail)
        return _show(request, form)
    if answer.status >= 400:
        form.add_error(None, str(json.loads(answer.body).get("detail", "")))
        return _show(request, form)
    return redirect(answer.headers["Location"])


def _page_answer(view: OrderView) -> Answer:
    """On to the order's page, or to the bank's where it asks for a confirmation."""
    to_bank = view.status == OrderStatus.PENDING_PAYMENT and view.next_action_url
    where = view.next_action_url if to_bank else reverse("order", args=[view.number])
    return Answer(status=SEE_OTHER, body=b"", headers={"Location": where})


def _show(request: HttpRequest, form: CheckoutForm) -> HttpResponse:
    """The page with what the cart costs now, and a fresh key: what was refused is another try."""
    shopper = shopper_of(request)
    try:
        quote = _quote(request, form)
    except EmptyCart:
        return redirect("cart")
    except DomainError as refusal:
        messages.error(request, refusal.detail)
        return redirect("cart")
    hidden = {"total": quote.total.amount, "idempotency_key": str(uuid.uuid4())}
    if form.is_bound:
        form.data = {**form.data.dict(), **hidden}  # type: ignore[attr-defined]  # a bound form's data is the QueryDict given
    else:
        form.initial.update(hidden)
    context: dict[str, Any] = {
        "form": form,
        "quote": quote,
        "cart": carts.fresh_view(shopper=shopper, now=now()),
        "recalculate": flatatt(RECALCULATE),
        "card_entry": payments.card_entry(),
    }
    return render(request, "orders/checkout.html", context)


def _quote(request: HttpRequest, form: CheckoutForm) -> Quote:
    """What the cart costs with what was typed so far; ways and countries that do not fit are passed over."""
    country, region = form["country"].value() or DEFAULT_COUNTRY, form["region"].value() or ""
    method = request.POST.get("shipping_method") or None
    for where, how in ((country, method), (country, None), (DEFAULT_COUNTRY, None)):
        try:
            return selectors.quote_cart(
                shopper=shopper_of(request), country=where, region=region, shipping_method=how, now=now()
            )
        except (UnknownShippingMethod, NoShipping) as refusal:
            messages.warning(request, refusal.detail)
    raise EmptyCart(_("Nothing can be shipped."))
