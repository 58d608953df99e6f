"""The product page: one product with its pictures, its specification, and the switcher between its variants."""

from collections import defaultdict

from django.utils.translation import gettext as _

from catalog.models import Category, Product, ProductAttribute, ProductMedia
from catalog.pictures import picture_of
from catalog.types import AttributeValue, CategoryLink, Picture, ProductPage, VariantAxis, VariantChoice
from core.errors import NotFound
from core.money import Money

LARGEST_ID = 2**63 - 1


def load_product_page(*, slug: str | None, product_id: int | None) -> ProductPage:
    """The page of the product named by slug or by id, also when it is no longer sold. At most six queries. Raises NotFound."""
    product = _find(slug, product_id)
    family = product.family
    return ProductPage(
        id=product.pk,
        family_id=family.pk,
        sku=product.sku,
        eans=tuple(product.eans),
        slug=product.slug,
        title=product.title,
        description=product.description,
        brand=family.brand.name,
        brand_slug=family.brand.slug,
        seller=family.seller.name,
        price=Money.rounded(product.price, product.currency),
        compare_at_price=None
        if product.compare_at_price is None
        else Money.rounded(product.compare_at_price, product.currency),
        rating=product.rating,
        review_count=product.review_count,
        max_per_order=product.max_per_order,
        released_at=product.released_at,
        is_active=product.is_active and family.is_active and family.seller.is_active,
        breadcrumbs=_way(family.category),
        pictures=_pictures(product),
        attributes=_specification(product),
        axes=_axes(product),
    )


def _find(slug: str | None, product_id: int | None) -> Product:
    products = Product.objects.select_related("family__category", "family__brand", "family__seller")
    found = None
    if slug is not None:
        found = products.filter(slug=slug).first()
    elif product_id is not None and 0 < product_id <= LARGEST_ID:
        found = products.filter(pk=product_id).first()
    if found is None:
        raise NotFound(_("There is no such product."))
    return found


def _way(category: Category) -> tuple[CategoryLink, ...]:
    length = Category.steplen
    above = [category.path[:end] for end in range(length, len(category.path) + 1, length)]
    nodes = Category.objects.filter(path__in=above).order_by("depth")
    return tuple(CategoryLink(id=node.pk, name=node.name, path=node.slug_path) for node in nodes)


def _pictures(product: Product) -> tuple[Picture, ...]:
    path = product.family.category.slug_path
    files = ProductMedia.objects.filter(product=product).exclude(file="").order_by("position")
    found = [
        picture_of(file=media.file.name or "", alt=media.alt, title=product.title, category_path=path)
        for media in files
    ]
    return tuple(found) or (picture_of(file="", alt="", title=product.title, category_path=path),)


def _specification(product: Product) -> tuple[AttributeValue, ...]:
    rows = ProductAttribute.objects.filter(product=product).select_related("attribute").order_by("position", "pk")
    return tuple(
        AttributeValue(
            code=row.attribute.code,
            name=row.attribute.name,
            value=row.value,
            number=row.number,
            unit=row.attribute.unit,
        )
        for row in rows
    )


def _axes(product: Product) -> tuple[VariantAxis, ...]:
    """The switcher: for each value of an axis the sibling that has it and is otherwise most like this product."""
    axes = product.family.variation_axes
    if not axes:
        return ()
    siblings = list(
        Product.objects.filter(family_id=product.family_id, is_active=True)
        .order_by("position", "pk")
        .only("pk", "slug")
    )
    if product.pk not in {sibling.pk for sibling in siblings}:
        siblings.insert(0, product)
    names: dict[str, str] = {}
    values: dict[int, dict[str, str]] = defaultdict(dict)
    for row in ProductAttribute.objects.filter(product__in=siblings, attribute__code__in=axes).select_related(
        "attribute"
    ):
        names[row.attribute.code] = row.attribute.name
        values[row.product_id][row.attribute.code] = row.value
    return tuple(
        VariantAxis(code=code, name=names[code], choices=_choices(code, product.pk, siblings, values))
        for code in axes
        if code in names
    )


def _choices(
    code: str, here: int, siblings: list[Product], values: dict[int, dict[str, str]]
) -> tuple[VariantChoice, ...]:
    mine = values[here]
    best: dict[str, tuple[int, Product]] = {}
    for sibling in siblings:
        value = values[sibling.pk].get(code)
        if value is None:
            continue
        alike = sum(values[sibling.pk].get(axis) == kept for axis, kept in mine.items() if axis != code)
        if value not in best or alike > best[value][0] or sibling.pk == here:
            best[value] = (len(mine) if sibling.pk == here else alike, sibling)
    others = sum(axis != code for axis in mine)
    return tuple(
        VariantChoice(
            value=value, slug=sibling.slug, selected=mine.get(code) == value, exact=min(alike, others) == others
        )
        for value, (alike, sibling) in best.items()
    )
