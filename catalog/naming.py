"""Names by what they stand for, and what is named like something typed. Each is asked for many times a second."""

from collections.abc import Collection, Mapping, Sequence

from django.db import connection

from catalog.matching import clean_query
from catalog.types import BrandLink, CategoryLink, ChoiceNames, ProductHit, Suggestions
from core.money import Money

SUGGESTIONS = 6
_BEGINS = "' ' || upper(name) LIKE upper(%(begins)s)"
_SUGGESTED = f"""
    SELECT 'product' AS kind, g.place, p.id, p.sku, p.slug, p.title, p.price, p.currency
    FROM unnest(%(products)s::bigint[]) WITH ORDINALITY g (id, place)
    JOIN catalog_product p ON p.id = g.id AND p.is_active
    JOIN catalog_productfamily f ON f.id = p.family_id AND f.is_active
    JOIN catalog_seller s ON s.id = f.seller_id AND s.is_active
    UNION ALL
    (
        SELECT 'category', row_number() OVER (ORDER BY depth, name) AS place, id, '', slug_path, name, NULL, NULL
        FROM catalog_category WHERE is_active AND {_BEGINS} ORDER BY place LIMIT {SUGGESTIONS}
    )
    UNION ALL
    (
        SELECT 'brand', row_number() OVER (ORDER BY name) AS place, id, '', slug, name, NULL, NULL
        FROM catalog_brand WHERE {_BEGINS} ORDER BY place LIMIT {SUGGESTIONS}
    )
    ORDER BY 1, 2
"""  # noqa: S608 - made of constants

# Behind every list of products, so one statement for all three, as SQL: making it by the ORM takes longer than running it.
_NAMES = """
    SELECT 'brand', slug, name, '', 0, '' FROM catalog_brand WHERE slug = ANY(%(brands)s::varchar[])
    UNION ALL
    SELECT 'attribute', code, name, unit, 0, '' FROM catalog_attribute WHERE code = ANY(%(attributes)s::varchar[])
    UNION ALL
    SELECT 'category', slug_path, name, '', id, path FROM catalog_category
    WHERE slug_path = ANY(%(categories)s::varchar[]) AND is_active
    ORDER BY 6
"""


def load_choice_names(
    *, brands: Collection[str], attributes: Collection[str], categories: Mapping[str, int]
) -> ChoiceNames:
    """Names of brands and attributes, as far as there are such, and the active ones of the categories, with counts. One query."""
    asked = {"brands": list(brands), "attributes": list(attributes), "categories": list(categories)}
    with connection.cursor() as cursor:
        cursor.execute(_NAMES, asked)
        rows = cursor.fetchall()
    return ChoiceNames(
        brands={key: name for kind, key, name, *_ in rows if kind == "brand"},
        attributes={key: (name, unit) for kind, key, name, unit, *_ in rows if kind == "attribute"},
        categories=tuple(
            CategoryLink(id=pk, name=name, path=key, count=categories[key])
            for kind, key, name, _unit, pk, _node in rows
            if kind == "category"
        ),
    )


def load_suggestions(*, typed: str, product_ids: Sequence[int]) -> Suggestions:
    """Those of the products that are on sale, in their order, and names with a word that begins like ``typed``. One query."""
    text = clean_query(typed)
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, f"\\{sign}")
    with connection.cursor() as cursor:
        cursor.execute(_SUGGESTED, {"products": list(product_ids), "begins": f"% {text}%"})
        rows = cursor.fetchall()
    return Suggestions(
        products=tuple(
            ProductHit(id=pk, sku=sku, slug=slug, title=title, price=Money.rounded(price, currency))
            for kind, _place, pk, sku, slug, title, price, currency in rows
            if kind == "product"
        ),
        categories=tuple(CategoryLink(id=row[2], name=row[5], path=row[4]) for row in rows if row[0] == "category"),
        brands=tuple(BrandLink(slug=row[4], name=row[5]) for row in rows if row[0] == "brand"),
        queries=(),
    )
