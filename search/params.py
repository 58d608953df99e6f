"""The parameters of a list's address, for pages and API alike: `?brand=a&brand=b&price_min=10&attr.colour=red&page=2`."""

from decimal import Decimal, InvalidOperation

from django.http import QueryDict
from django.utils.translation import gettext as _

from catalog.types import ListingFilters, SortOrder
from core.errors import FieldError, InvalidInput

VALUES_LIMIT = 50
VALUE_LENGTH = 300
MOST = Decimal(10**9)


def listing_filters(params: QueryDict, *, category: str = "") -> ListingFilters:
    """What ``params`` narrow a list to; ``category`` is the one of the page's own address.

    Raises InvalidInput with one FieldError a wrong parameter. Unknown parameters are left alone: addresses gather them.
    """
    errors: list[FieldError] = []
    sort = params.get("sort") or SortOrder.RELEVANCE
    if sort not in SortOrder.values:
        errors.append(
            FieldError(
                "/sort", "invalid_choice", _("Sort by one of: %(names)s.") % {"names": ", ".join(SortOrder.values)}
            )
        )
    rating = _number(params, "rating", errors)
    if rating is not None and rating > 5:
        errors.append(FieldError("/rating", "max_value", _("Ratings go up to 5.")))
    filters = ListingFilters(
        category=(category or _text(params.get("category", ""))).strip("/"),
        query=_text(params.get("q", "")),
        brands=_texts(params, "brand"),
        price_min=_number(params, "price_min", errors),
        price_max=_number(params, "price_max", errors),
        rating=rating,
        in_stock=params.get("in_stock", "").lower() in ("1", "true", "on", "yes"),
        attributes=tuple(
            (name[5:], _texts(params, name)) for name in sorted(params) if name.startswith("attr.") and params.get(name)
        ),
        sort=sort,
    )
    if errors:
        raise InvalidInput(_("Some of the filters can not be understood."), errors=errors)
    return filters


def page_number(params: QueryDict) -> int:
    """The page asked for, 1 when none is. Raises InvalidInput for what is no whole number."""
    given = params.get("page") or "1"
    if not given.isascii() or not given.isdecimal() or len(given) > 9:
        problem = FieldError("/page", "invalid", _("Give a whole number from 1 on."))
        raise InvalidInput(_("There is no such page."), errors=[problem])
    return int(given)


def _number(params: QueryDict, name: str, errors: list[FieldError]) -> Decimal | None:
    given = params.get(name, "")
    if not given:
        return None
    try:
        number = Decimal(given[:30])
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not 0 <= number <= MOST:
        errors.append(FieldError(f"/{name}", "invalid", _("Give a number from 0 on.")))
        return None
    return number


def _texts(params: QueryDict, name: str) -> tuple[str, ...]:
    return tuple(_text(value) for value in params.getlist(name)[:VALUES_LIMIT] if value)


def _text(value: str) -> str:
    # PostgreSQL takes no NUL in a text.
    return value.replace("\x00", "")[:VALUE_LENGTH]
