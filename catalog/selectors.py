"""What pages, API and the other apps read of the catalogue."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection
from django.db.models import BigIntegerField, F, Max, Q, QuerySet
from django.utils.translation import gettext as _

from catalog.cards import cards
from catalog.family_facts import load_family_facts
from catalog.matching import ACTIVE
from catalog.models import Category, Product, ProductFamily
from catalog.naming import load_choice_names, load_suggestions
from catalog.pictures import department_picture, picture_of
from catalog.product_pages import load_product_page
from catalog.types import (
    CategoryLink,
    CategoryNode,
    CategoryPage,
    ChoiceNames,
    Department,
    FamilyCard,
    FamilyFacts,
    HomePage,
    OfferedProduct,
    PartKind,
    ProductPage,
    SellableProduct,
    Suggestions,
)
from core.errors import NotFound
from core.money import Money

SHELF_SIZE = 12
_OFFERED = (
    "pk",
    "family_id",
    "sku",
    "title",
    "price",
    "currency",
    "tax_class",
    "weight_grams",
    "family__category__slug_path",
    "review_count",
    "released_at",
)
_POPULAR = (F("reviews").desc(), F("rated").desc())
_NEWEST = (F("newest").desc(nulls_last=True),)
# In the navigation of every page.
_DEPARTMENTS = """
    SELECT id, name, slug_path, description FROM catalog_category WHERE depth = 1 AND is_active ORDER BY name
"""
# Behind every change of a cart, so written as SQL: making it by the ORM takes longer than running it.
_SELLABLE = """
    SELECT p.id, p.sku, p.slug, p.title, p.price, p.currency, p.tax_class, p.weight_grams, p.max_per_order,
        p.is_active AND f.is_active AND s.is_active, coalesce(m.file, ''), coalesce(m.alt, ''), c.slug_path
    FROM catalog_product p
    JOIN catalog_productfamily f ON f.id = p.family_id
    JOIN catalog_seller s ON s.id = f.seller_id
    JOIN catalog_category c ON c.id = f.category_id
    LEFT JOIN LATERAL (
        SELECT file, alt FROM catalog_productmedia WHERE product_id = p.id AND file <> '' ORDER BY position LIMIT 1
    ) m ON true
    WHERE p.id = ANY(%s::bigint[])
"""


def sellable(*, product_ids: Collection[int]) -> dict[int, SellableProduct]:
    """What is sold as ``product_ids``, by id, the inactive too; ids of nothing are left out. One query."""
    ids = [product_id for product_id in product_ids if 0 < product_id <= BigIntegerField.MAX_BIGINT]
    with connection.cursor() as cursor:
        cursor.execute(_SELLABLE, [ids])
        rows = cursor.fetchall()
    return {
        row_id: SellableProduct(
            id=row_id,
            sku=sku,
            slug=slug,
            title=title,
            price=Money.rounded(price, currency),
            tax_class=tax_class,
            weight_grams=grams,
            max_per_order=most,
            is_active=active,
            picture=picture_of(file=file, alt=alt, title=title, category_path=category),
        )
        for row_id, sku, slug, title, price, currency, tax_class, grams, most, active, file, alt, category in rows
    }


def offered() -> Iterator[OfferedProduct]:
    """Every product on sale, by id. One query, read in pieces."""
    rows = Product.objects.filter(ACTIVE).order_by("pk").values_list(*_OFFERED)
    for pk, family, sku, title, price, currency, tax_class, grams, category, reviews, released in rows.iterator():
        yield OfferedProduct(
            id=pk,
            family_id=family,
            sku=sku,
            title=title,
            price=Money.rounded(price, currency),
            tax_class=tax_class,
            weight_grams=grams,
            category=category,
            review_count=reviews,
            released_at=released,
        )


def suggestions(*, typed: str, product_ids: Sequence[int]) -> Suggestions:
    """Those of the products that are on sale, in their order, and the names that begin like ``typed``. One query."""
    return load_suggestions(typed=typed, product_ids=product_ids)


def home() -> HomePage:
    """The front page. Five queries."""
    products = Product.objects.filter(ACTIVE)
    on_sale = products.filter(compare_at_price__isnull=False)
    shelves = [
        list(_families(products, _POPULAR)[:SHELF_SIZE]),
        list(_families(products, _NEWEST)[:SHELF_SIZE]),
        list(_families(on_sale, _POPULAR)[:SHELF_SIZE]),
    ]
    every = {card.product_id: card for card in cards([pair for shelf in shelves for pair in shelf])}
    popular, newest, deals = (_on_shelf(shelf, every) for shelf in shelves)
    return HomePage(departments=departments(), popular=popular, newest=newest, deals=deals)


def family_facts(*, family_ids: Collection[int]) -> dict[int, FamilyFacts]:
    """Those of these families that have something on sale, with all that is said of them, by id. Three queries."""
    return load_family_facts(family_ids)


def families_of(*, product_ids: Collection[int]) -> set[int]:
    """The families that these products belong to. One query."""
    return set(Product.objects.filter(pk__any_of=product_ids).values_list("family_id", flat=True))


def family_ids(*, above: int, at_most: int) -> list[int]:
    """The next families by id behind ``above``, active or not. One query."""
    return list(ProductFamily.objects.filter(pk__gt=above).order_by("pk").values_list("pk", flat=True)[:at_most])


def count_families() -> int:
    """How many families there are. One query."""
    return ProductFamily.objects.count()


def families_with(*, kind: PartKind, part_id: int) -> set[int]:
    """The families of a category or one below it, of a brand or seller, or with an attribute. Two queries at most."""
    families = ProductFamily.objects.order_by()
    if kind == PartKind.CATEGORY:
        path = Category.objects.filter(pk=part_id).values_list("path", flat=True).first()
        found = families.filter(category__path__startswith=path) if path else families.none()
    elif kind == PartKind.ATTRIBUTE:
        found = families.filter(products__attributes__attribute_id=part_id).distinct()
    else:
        found = families.filter(**{f"{kind}_id": part_id})
    return set(found.values_list("pk", flat=True))


def cards_of(*, chosen: Sequence[tuple[int, int]]) -> tuple[FamilyCard, ...]:
    """The cards of pairs of a family and the product to show for it; what went off sale meanwhile is left out. One query."""
    return cards(chosen)


def choice_names(*, brands: Collection[str], attributes: Collection[str], categories: Mapping[str, int]) -> ChoiceNames:
    """What the choices of a list's facets are called: brands by slug, attributes by code, and categories by address, with counts.

    Of categories the active ones, each before what is below it, by name. One query.
    """
    return load_choice_names(brands=brands, attributes=attributes, categories=categories)


def product_page(*, slug: str | None = None, product_id: int | None = None) -> ProductPage:
    """The page of the product named by slug or by id, also when it is no longer sold. At most six queries. Raises NotFound."""
    return load_product_page(slug=slug, product_id=product_id)


def moved_product(*, slug: str) -> str | None:
    """The slug of the product that had ``slug`` formerly; None where none had. One query."""
    found = Product.objects.filter(former_addresses__slug=slug[:500]).first()
    return found.slug if found else None


def moved_category(*, slug_path: str) -> str | None:
    """The address of the category that had ``slug_path`` formerly; None where none had. One query."""
    found: Category | None = Category.objects.filter(
        former_addresses__slug_path=slug_path[:500], is_active=True
    ).first()
    return found.slug_path if found else None


def departments() -> tuple[Department, ...]:
    """The categories at the root, by name. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_DEPARTMENTS)
        return tuple(
            Department(id=pk, name=name, path=path, description=description, picture_url=department_picture(path))
            for pk, name, path, description in cursor.fetchall()
        )


def category(*, slug_path: str) -> CategoryPage:
    """The category at ``slug_path``. One query. Raises NotFound; a category below an inactive one is not found either."""
    parts = slug_path.split("/")
    above = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)][:20]
    nodes = list(
        Category.objects.filter(
            Q(slug_path__in=above) | Q(slug_path__startswith=f"{slug_path}/", depth=len(parts) + 1), is_active=True
        ).order_by("depth", "name")
    )
    way = [node for node in nodes if node.slug_path in above]
    if len(way) != len(parts):
        raise NotFound(_("There is no such category."))
    here = way[-1]
    return CategoryPage(
        id=here.pk,
        name=here.name,
        path=here.slug_path,
        description=here.description,
        breadcrumbs=tuple(_link(node) for node in way),
        children=tuple(_link(node) for node in nodes if node.depth > len(parts)),
    )


def breadcrumbs(*, slug_path: str) -> tuple[CategoryLink, ...]:
    """The way from the root to the category at ``slug_path``, itself last. One query."""
    parts = slug_path.split("/")
    above = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)][:20]
    return tuple(_link(node) for node in Category.objects.filter(slug_path__in=above).order_by("depth"))


def category_tree() -> tuple[CategoryNode, ...]:
    """All active categories as a tree. One query."""
    below: dict[str, list[Category]] = {}
    for node in Category.objects.filter(is_active=True).order_by("name"):
        below.setdefault(node.path[: -Category.steplen], []).append(node)

    def branch(path: str) -> tuple[CategoryNode, ...]:
        return tuple(
            CategoryNode(id=node.pk, name=node.name, slug=node.slug, path=node.slug_path, children=branch(node.path))
            for node in below.get(path, [])
        )

    return branch("")


def _families(products: "QuerySet[Product]", order: Sequence[Any]) -> "QuerySet[Product, tuple[int, int]]":
    """Pairs of a family and its first product among ``products``, in that order of families; ties by the newest family."""
    keys = {
        "rated": Max("rating"),
        "reviews": Max("review_count"),
        "newest": Max("released_at"),
        "shown": ArrayAgg("pk", order_by=("position", "pk")),
    }
    grouped = products.values("family_id").annotate(**keys).order_by(*order, "-family_id")
    return grouped.values_list("family_id", F("shown__0"))


def _on_shelf(shelf: Sequence[tuple[int, int]], every: dict[int, FamilyCard]) -> tuple[FamilyCard, ...]:
    return tuple(every[product] for _family, product in shelf if product in every)


def _link(node: Category) -> CategoryLink:
    return CategoryLink(id=node.pk, name=node.name, path=node.slug_path)
