"""The one table of problem codes: what each means, which status it has, and what a reader can do about it.

A code that an app adds to its `errors.py` gets its row here; a test compares the two.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.utils.translation import gettext_lazy


@dataclass(frozen=True, slots=True)
class Kind:
    """One stable code: its status, its title, and what a reader can do about it."""

    status: HTTPStatus
    title: Any
    remedy: Any


_ROWS = (
    (
        "invalid_input",
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("The request can not be right"),
        gettext_lazy("See errors for the fields, mend them, and send it again."),
    ),
    (
        "malformed",
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("The request can not be read"),
        gettext_lazy("Send JSON, with the header Content-Type: application/json."),
    ),
    (
        "not_authenticated",
        HTTPStatus.UNAUTHORIZED,
        gettext_lazy("Log in first"),
        gettext_lazy("Get a token at /api/v1/auth/login and send it as Authorization: Token ..."),
    ),
    (
        "wrong_credentials",
        HTTPStatus.UNAUTHORIZED,
        gettext_lazy("E-mail address and password do not fit"),
        gettext_lazy("Check both, or reset the password at /account/password/reset/."),
    ),
    (
        "forbidden",
        HTTPStatus.FORBIDDEN,
        gettext_lazy("Not allowed"),
        gettext_lazy("Use an account that may do this."),
    ),
    (
        "not_found",
        HTTPStatus.NOT_FOUND,
        gettext_lazy("There is no such thing"),
        gettext_lazy("It does not exist, or is not yours."),
    ),
    (
        "method_not_allowed",
        HTTPStatus.METHOD_NOT_ALLOWED,
        gettext_lazy("Not with this method"),
        gettext_lazy("The header Allow names the methods that work."),
    ),
    (
        "not_acceptable",
        HTTPStatus.NOT_ACCEPTABLE,
        gettext_lazy("Not in this format"),
        gettext_lazy("Ask for application/json."),
    ),
    (
        "too_large",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        gettext_lazy("The body is too large"),
        gettext_lazy("Send less at a time."),
    ),
    (
        "unsupported_media_type",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        gettext_lazy("Not in this format"),
        gettext_lazy("Send JSON, with the header Content-Type: application/json."),
    ),
    (
        "conflict",
        HTTPStatus.CONFLICT,
        gettext_lazy("Not in the state things are in"),
        gettext_lazy("Read the thing anew, then decide again."),
    ),
    (
        "page_too_deep",
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("That page is too far back"),
        gettext_lazy("Narrow the list by filters; pages go up to 500."),
    ),
    (
        "insufficient_inventory",
        HTTPStatus.CONFLICT,
        gettext_lazy("Not enough of it is left"),
        gettext_lazy("The field lines says what is available: take less, or something else."),
    ),
    (
        "price_changed",
        HTTPStatus.CONFLICT,
        gettext_lazy("The price has changed"),
        gettext_lazy("The field quote holds the present one: show it, and send its total."),
    ),
    (
        "payment_declined",
        HTTPStatus.PAYMENT_REQUIRED,
        gettext_lazy("The payment was declined"),
        gettext_lazy("Nothing was charged. Try again with another card and a new Idempotency-Key."),
    ),
    (
        "idempotency_key_missing",
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("An Idempotency-Key is needed"),
        gettext_lazy("Send the header Idempotency-Key: one fresh key for each thing you want done once."),
    ),
    (
        "idempotency_key_invalid",
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("The Idempotency-Key can not be used"),
        gettext_lazy("Use 1 to 255 printable ASCII characters, for instance a UUID."),
    ),
    (
        "idempotency_key_reused",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        gettext_lazy("The Idempotency-Key belongs to another request"),
        gettext_lazy("Use a new key for a new request, the old one only to repeat the very same."),
    ),
    (
        "idempotency_in_progress",
        HTTPStatus.CONFLICT,
        gettext_lazy("The first request is still running"),
        gettext_lazy("Ask again after the seconds that Retry-After names."),
    ),
    (
        "too_many_requests",
        HTTPStatus.TOO_MANY_REQUESTS,
        gettext_lazy("Too often"),
        gettext_lazy("Wait for the seconds that Retry-After names."),
    ),
    (
        "unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        gettext_lazy("Away for a moment"),
        gettext_lazy("Try again after the seconds that Retry-After names."),
    ),
    (
        "search_unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        gettext_lazy("Search is away for a moment"),
        gettext_lazy("Try again after the seconds that Retry-After names."),
    ),
    (
        "server_error",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        gettext_lazy("Something broke on our side"),
        gettext_lazy("It has been logged. Trying again may help; with an Idempotency-Key it is safe."),
    ),
    (
        "email_taken",
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("There is an account of this address"),
        gettext_lazy("Log in instead, or reset the password at /account/password/reset/."),
    ),
    (
        "email_not_confirmed",
        HTTPStatus.FORBIDDEN,
        gettext_lazy("The e-mail address is not confirmed yet"),
        gettext_lazy("Follow the link in the message sent to it, then log in again."),
    ),
    (
        "cart_not_found",
        HTTPStatus.NOT_FOUND,
        gettext_lazy("There is no such cart"),
        gettext_lazy("Send the X-Cart-Token that came with the cart's first answer, or put something into a new cart."),
    ),
    (
        "cart_line_not_found",
        HTTPStatus.NOT_FOUND,
        gettext_lazy("There is no such line in the cart"),
        gettext_lazy("Read the cart anew: the line may be gone."),
    ),
    (
        "unknown_product",
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("There is no such product to buy"),
        gettext_lazy("It does not exist, or is not sold any more. Choose another."),
    ),
    (
        "invalid_quantity",
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("The quantity can not be right"),
        gettext_lazy("Send a whole number from 1."),
    ),
    (
        "quantity_above_limit",
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("More than one order may have"),
        gettext_lazy("Take at most what max_per_order says."),
    ),
    (
        "cart_is_full",
        HTTPStatus.CONFLICT,
        gettext_lazy("The cart is full"),
        gettext_lazy("Remove a line, or buy what is in the cart first."),
    ),
    (
        "hold_limit_reached",
        HTTPStatus.CONFLICT,
        gettext_lazy("It was held for as long as may be"),
        gettext_lazy("Buy it now while it is there; it can not be held again yet."),
    ),
    (
        "too_many_holds",
        HTTPStatus.TOO_MANY_REQUESTS,
        gettext_lazy("Too much is held for shoppers of this network"),
        gettext_lazy("Log in, or wait for the seconds that Retry-After names: some of those holds end then."),
    ),
    (
        "holds_missing",
        HTTPStatus.CONFLICT,
        gettext_lazy("The stock was not held"),
        gettext_lazy("Read the order anew, then decide again."),
    ),
    (
        "stock_is_reserved",
        HTTPStatus.CONFLICT,
        gettext_lazy("The stock is promised to somebody"),
        gettext_lazy("Take out at most what is available."),
    ),
    (
        "nothing_to_restock",
        HTTPStatus.CONFLICT,
        gettext_lazy("There is nothing to put back"),
        gettext_lazy("Put back at most what was sold and has not come back yet."),
    ),
    (
        "payment_provider_unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        gettext_lazy("The payment provider is away"),
        gettext_lazy("Nothing is lost. Try again after the seconds that Retry-After names."),
    ),
    (
        "payment_refused",
        HTTPStatus.CONFLICT,
        gettext_lazy("The payment provider refused"),
        gettext_lazy("The field failure_code says why."),
    ),
    (
        "payment_not_found",
        HTTPStatus.NOT_FOUND,
        gettext_lazy("There is no such payment"),
        gettext_lazy("It does not exist, or is not yours."),
    ),
    (
        "payment_not_authorised",
        HTTPStatus.CONFLICT,
        gettext_lazy("The payment is not authorised"),
        gettext_lazy("Only an authorised payment can be captured."),
    ),
    (
        "refund_too_large",
        HTTPStatus.CONFLICT,
        gettext_lazy("More than was paid"),
        gettext_lazy("Refund at most what the field refundable says."),
    ),
    (
        "refund_exceeds_line",
        HTTPStatus.CONFLICT,
        gettext_lazy("More would go back than was bought"),
        gettext_lazy("Refund at most what lines says is left of each."),
    ),
    (
        "refund_key_reused",
        HTTPStatus.CONFLICT,
        gettext_lazy("The key belongs to another refund"),
        gettext_lazy("Use a new key for a new refund."),
    ),
    (
        "webhook_refused",
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("The webhook is not believed"),
        gettext_lazy("Its signature must be made with the shop's webhook secret."),
    ),
    (
        "webhook_too_old",
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("The webhook is too old"),
        gettext_lazy("Sign it anew: old messages are not taken twice."),
    ),
    (
        "webhook_amount_mismatch",
        HTTPStatus.CONFLICT,
        gettext_lazy("The webhook tells of another amount"),
        gettext_lazy("Compare the payment here with the one at the provider."),
    ),
    (
        "unknown_shipping_method",
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("It can not be shipped that way"),
        gettext_lazy("Choose one of shipping_methods in the quote."),
    ),
    (
        "no_shipping",
        HTTPStatus.CONFLICT,
        gettext_lazy("Nothing ships there"),
        gettext_lazy("Choose another address."),
    ),
    (
        "amount_too_large",
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("It would cost too much to write down"),
        gettext_lazy("Take less."),
    ),
    (
        "empty_cart",
        HTTPStatus.CONFLICT,
        gettext_lazy("The cart is empty"),
        gettext_lazy("Put something into it first."),
    ),
    (
        "product_unavailable",
        HTTPStatus.CONFLICT,
        gettext_lazy("Something in the cart is no longer sold"),
        gettext_lazy("Remove the products named, then try again."),
    ),
    (
        "invalid_address",
        HTTPStatus.BAD_REQUEST,
        gettext_lazy("Nobody could deliver there"),
        gettext_lazy("See errors for the fields of the address."),
    ),
    (
        "invalid_transition",
        HTTPStatus.CONFLICT,
        gettext_lazy("The order is past that"),
        gettext_lazy("Read the order anew: its status says what can still be done."),
    ),
    (
        "order_not_found",
        HTTPStatus.NOT_FOUND,
        gettext_lazy("There is no such order"),
        gettext_lazy("It does not exist, or is not yours; a guest sends the X-Cart-Token it was made with."),
    ),
)
KINDS: dict[str, Kind] = {code: Kind(status, title, remedy) for code, status, title, remedy in _ROWS}
