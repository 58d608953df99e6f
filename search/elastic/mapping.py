"""What Elasticsearch keeps of a family: the seed's mapping, and what a shop needs besides."""

from typing import Any

from django.conf import settings
from elasticsearch.dsl import (
    Boolean,
    Date,
    Document,
    Double,
    Float,
    InnerDoc,
    Integer,
    Keyword,
    Long,
    MetaField,
    Nested,
    Text,
    analyzer,
    token_filter,
    tokenizer,
)

from search.policies import LENGTH_COUNTS, SATURATION
from search.stop_words import STOP_WORDS

# Words end where `search.text` ends them; the same stemmer as PostgreSQL's, which its own analyzer of that name does not have.
_WORDS = tokenizer("shop_words", "pattern", pattern=r"[^\p{L}\p{N}]+")
_ENGLISH = analyzer(
    "shop_english",
    type="custom",
    tokenizer=_WORDS,
    filter=[
        "lowercase",
        "asciifolding",
        token_filter("shop_stop", "stop", stopwords=sorted(STOP_WORDS)),
        token_filter("shop_stem", "snowball", language="English"),
    ],
)
_PLAIN = analyzer("shop_plain", type="custom", tokenizer=_WORDS, filter=["lowercase", "asciifolding"])


def _beginnings() -> Text:
    """Text that is found by how its words begin, while somebody types."""
    return Text(analyzer=_PLAIN, index_prefixes={"min_chars": 2, "max_chars": 12})


class AttributeMapping(InnerDoc):
    """One value of an attribute that lists are narrowed by."""

    name = Keyword()
    value = Keyword()


class VariantMapping(InnerDoc):
    """A variant: a family matches if one of them fits all that is asked of variants."""

    product_id = Long()
    position = Integer()
    price = Double()
    in_stock = Boolean()
    attributes = Nested(AttributeMapping)


class FamilyMapping(Document):
    """A family, as `search.projection` makes it."""

    family_id = Long()
    product_id = Long()
    sku = Keyword()
    slug = Keyword(index=False, doc_values=False)
    title = Text(analyzer=_ENGLISH, fields={"begins": _beginnings()})
    description = Text(analyzer=_ENGLISH)
    details = Text(analyzer=_ENGLISH, similarity="shop_details")
    brand = Keyword()
    brand_name = Text(analyzer=_ENGLISH, fields={"begins": _beginnings()})
    product_type = Text(analyzer=_ENGLISH, fields={"exact": Keyword(), "begins": _beginnings()})
    category_id = Keyword()
    category_path = Keyword()
    category_names = Text(index=False)
    names = Text(analyzer=_ENGLISH)
    kind = Keyword()
    codes = Keyword()
    image = Keyword(index=False, doc_values=False)
    # Double where the seed has float: a float shows 16,777,216.01 as 16,777,216.
    price = Double()
    price_max = Double()
    currency = Keyword()
    rating = Float()
    review_count = Integer()
    units_sold = Integer()
    popularity = Float()
    in_stock = Boolean()
    released_at = Date()
    is_live = Boolean()
    variants = Nested(VariantMapping)

    class Meta:
        dynamic = MetaField("strict")


def index_body() -> dict[str, Any]:
    """Settings and mappings of a new index. While it is filled nothing is refreshed or copied: see `finished_settings`."""
    body: dict[str, Any] = FamilyMapping._index.to_dict()  # noqa: SLF001 - the way its own documentation goes
    body["settings"] |= {"number_of_shards": settings.SEARCH_SHARDS, "number_of_replicas": 0, "refresh_interval": "-1"}
    body["settings"]["similarity"] = {
        "default": {"type": "BM25", "k1": SATURATION, "b": LENGTH_COUNTS["title"]},
        "shop_details": {"type": "BM25", "k1": SATURATION, "b": LENGTH_COUNTS["details"]},
    }
    return body


def finished_settings() -> dict[str, Any]:
    """The settings that an index gets once it is filled."""
    return {"number_of_replicas": settings.SEARCH_REPLICAS, "refresh_interval": settings.SEARCH_REFRESH}
