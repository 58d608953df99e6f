"""Which products a list holds: `ListingFilters` as conditions on `Product`."""

from collections.abc import Collection
from functools import reduce
from operator import or_

from django.conf import settings
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Upper
from django.utils.module_loading import import_string

from catalog.models import Brand, Product, ProductAttribute
from catalog.types import ListingFilters

ACTIVE = Q(is_active=True, family__is_active=True, family__seller__is_active=True)
# Word for word the expression of the index `product_search`, or PostgreSQL would read every row instead.
DOCUMENT = SearchVector("title", "description", config="english")
WORDS_LIMIT = 32
QUERY_LIMIT = 200


def clean_query(query: str) -> str:
    """What somebody typed, in a form PostgreSQL takes: no NUL, at most QUERY_LIMIT characters and WORDS_LIMIT words."""
    return " ".join(query.replace("\x00", " ")[:QUERY_LIMIT].split()[:WORDS_LIMIT])


def text_query(words: str) -> SearchQuery:
    """``words`` as people type them: quotes keep words together, a minus excludes, OR is or."""
    return SearchQuery(words, config="english", search_type="websearch")


def within(category: str, prefix: str = "family__category") -> Q:
    """Being in the category of a slug path, or anywhere below it."""
    return Q(**{f"{prefix}__slug_path": category}) | Q(**{f"{prefix}__slug_path__startswith": f"{category}/"})


def conditions(filters: ListingFilters) -> dict[str, Q]:
    """One condition per name that ``filters`` narrows by. Runs one query when there is text to look for, else none."""
    found: dict[str, Q] = {"active": ACTIVE}
    if filters.category:
        found["category"] = within(filters.category)
    query = clean_query(filters.query)
    if query:
        found["query"] = _about(query)
    if filters.brands:
        found["brand"] = Q(family__brand__slug__in=filters.brands)
    if filters.price_min is not None or filters.price_max is not None:
        found["price"] = price_between(filters)
    if filters.rating is not None:
        found["rating"] = Q(rating__gte=filters.rating)
    if filters.in_stock:
        found["in_stock"] = Q(import_string(settings.IN_STOCK_CONDITION)("pk"))
    for code, values in filters.attributes:
        found[f"attr.{code}"] = Q(has_attribute(code, values))
    return found


def price_between(filters: ListingFilters) -> Q:
    """Costing what ``filters`` allows; everything does where it names no price."""
    least = Q() if filters.price_min is None else Q(price__gte=filters.price_min)
    most = Q() if filters.price_max is None else Q(price__lte=filters.price_max)
    return least & most


def has_attribute(code: str, values: Collection[str]) -> Exists:
    """Having one of ``values`` for the attribute ``code``."""
    return Exists(
        ProductAttribute.objects.filter(product=OuterRef("pk"), attribute__code=code, value__in=tuple(values))
    )


def matching(found: dict[str, Q], *, without: Collection[str] = ()) -> "QuerySet[Product]":
    """The products that fulfil all conditions but those named in ``without``."""
    chosen = Product.objects.all()
    for name, condition in found.items():
        if name not in without:
            chosen = chosen.filter(condition)
    return chosen


def _about(query: str) -> Q:
    """Products whose words match, or that are named exactly: by SKU, by EAN, by their brand and the rest by words."""
    code = query.upper()
    about = Q(Exists(Product.objects.annotate(code=Upper("sku")).filter(pk=OuterRef("pk"), code=code)))
    arms = [_contains(query), Q(eans__contains=[query]), about]
    words = query.lower().split()
    for brand_id, name in _brands_among(words):
        rest = " ".join(word for word in words if word not in name.lower().split())
        arms.append(Q(family__brand_id=brand_id) & (_contains(rest) if rest else Q()))
    return reduce(or_, arms)


def _contains(words: str) -> Q:
    matches = Product.objects.annotate(document=DOCUMENT).filter(document=text_query(words))
    return Q(pk__in=matches.values("pk"))


def _brands_among(words: list[str]) -> list[tuple[int, str]]:
    """The brands all of whose name is in ``words``; a few at most."""
    typed = set(words)
    begin_alike = reduce(or_, (Q(name__istartswith=word) for word in typed))
    candidates = Brand.objects.filter(begin_alike).values_list("pk", "name")[:50]
    return [(pk, name) for pk, name in candidates if typed.issuperset(name.lower().split())][:3]
