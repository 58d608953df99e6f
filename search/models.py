"""What is searched: a document per family with its variants, the same for both engines, and the indexes it is copied to."""

import re

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from core.fields import AmountField
from search import log_models  # noqa: F401 - Django looks for models here
from search.stop_words import STOP_WORDS
from search.text import normalized

SYNONYM_WORDS = 3
# No second slash and no backslash: browsers take either for another host.
PAGE_OF_OURS = re.compile(r"/(?!/)[^\\\x00-\x20]*")
# When what has no date was released, as the engines' statements say it too: an index serves only what is said alike.
LONG_AGO = Func(template="'-infinity'::timestamptz", output_field=models.DateTimeField())

SLOT = Func(template="((family_id * 40503) & 65535)", output_field=models.BigIntegerField())


class SearchDocument(models.Model):
    """A family as it is searched. Its row stays when nothing of it is sold any more: a late update must not bring it back."""

    family_id = models.BigIntegerField(_("family"), primary_key=True)
    # Grows with every change; Elasticsearch keeps the highest it was given and refuses the rest.
    version = models.BigIntegerField(_("version"), default=0)
    indexed_version = models.BigIntegerField(_("version in Elasticsearch"), default=0)
    is_live = models.BooleanField(_("found"), default=False)
    document = models.JSONField(_("document"), default=dict)
    updated_at = models.DateTimeField(_("updated"))

    # Of the document, what PostgreSQL searches, filters, counts and sorts by.
    brand = models.CharField(_("brand"), max_length=200, blank=True)
    # The category's address and those of all above it.
    categories = ArrayField(models.CharField(max_length=500), default=list)
    codes = ArrayField(models.CharField(max_length=64), default=list)
    rating = models.DecimalField(_("rating"), max_digits=3, decimal_places=2, default=0)
    review_count = models.IntegerField(_("reviews"), default=0)
    units_sold = models.IntegerField(_("units sold"), default=0)
    popularity = models.FloatField(_("popularity"), default=0)
    in_stock = models.BooleanField(_("in stock"), default=False)
    released_at = models.DateTimeField(_("released"), null=True)
    words = SearchVectorField(null=True)
    # The words of title, brand and kind as they are written, for what is found by how words begin.
    beginnings = SearchVectorField(null=True)
    # Of title, names, details and description in ``words``: how many words each has.
    lengths = ArrayField(models.SmallIntegerField(), null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="search_document_indexed_no_newer", condition=models.Q(indexed_version__lte=F("version"))
            )
        ]
        indexes = [
            GinIndex(name="search_document_words", fields=["words"]),
            GinIndex(name="search_document_beginnings", fields=["beginnings"]),
            GinIndex(name="search_document_codes", fields=["codes"]),
            GinIndex(name="search_document_categories", fields=["categories"]),
            # What facets are counted from lies in it, so that a walk through a department need not fetch the rows.
            models.Index(
                name="search_document_shown",
                fields=["-in_stock", "-popularity", "-family_id"],
                include=["brand", "categories", "rating", "review_count"],
                condition=models.Q(is_live=True),
            ),
            models.Index(
                name="search_document_rated",
                fields=["-rating", "-review_count", "-family_id"],
                condition=models.Q(is_live=True),
            ),
            models.Index(
                Coalesce("released_at", LONG_AGO).desc(),
                F("family_id").desc(),
                name="search_document_newest",
                condition=models.Q(is_live=True),
            ),
            models.Index(
                name="search_document_sold",
                fields=["-units_sold", "-popularity", "-family_id"],
                condition=models.Q(is_live=True),
            ),
            # A part of all, spread evenly (`search.sampling`): what is counted lies in it.
            models.Index(
                SLOT,
                name="search_document_sampled",
                include=["family_id", "brand", "categories", "rating", "review_count"],
                condition=models.Q(is_live=True),
            ),
            models.Index(name="search_document_brand", fields=["brand"], condition=models.Q(is_live=True)),
            models.Index(
                name="search_document_unsent",
                fields=["family_id"],
                condition=models.Q(version__gt=F("indexed_version")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.family_id}, version {self.version}"


class SearchWork(models.Model):
    """That a family may have changed: its document is to be rebuilt. Rows are only added and taken: nobody waits for anybody."""

    family_id = models.BigIntegerField(_("family"))

    def __str__(self) -> str:
        return str(self.family_id)


class SearchVariant(models.Model):
    """A variant of a live document: what filters and facets look at. A family matches if one variant fits them all."""

    product_id = models.BigIntegerField(_("product"), primary_key=True)
    document = models.ForeignKey(SearchDocument, on_delete=models.CASCADE, related_name="variants")
    position = models.IntegerField(_("position in its family"), default=0)
    price = AmountField(_("price"))
    in_stock = models.BooleanField(_("in stock"), default=False)
    # "code=value", of the attributes that are offered as filters.
    attributes = ArrayField(models.TextField(), default=list)

    class Meta:
        indexes = [
            models.Index(name="search_variant_price", fields=["price", "document"]),
            GinIndex(name="search_variant_attributes", fields=["attributes"]),
        ]

    def __str__(self) -> str:
        return str(self.product_id)


class SearchWord(models.Model):
    """A word that stands in titles, brands or kinds of live documents: what a typed word may have been meant to be."""

    word = models.CharField(_("word"), max_length=64, primary_key=True)
    families = models.IntegerField(_("families"))
    # The word, and what is left of it without one or two of its letters: words with any of them in common are close.
    remains = ArrayField(models.CharField(max_length=64), default=list)

    class Meta:
        indexes = [GinIndex(name="search_word_remains", fields=["remains"])]

    def __str__(self) -> str:
        return self.word


class SearchStem(models.Model):
    """In how many live documents a stem stands: in any of their texts, and in each. An estimate, from a part of a large shop."""

    stem = models.CharField(_("stem"), max_length=64, primary_key=True)
    families = models.IntegerField(_("families"))
    title = models.IntegerField(_("in titles"), default=0)
    names = models.IntegerField(_("in names"), default=0)
    details = models.IntegerField(_("in details"), default=0)
    description = models.IntegerField(_("in descriptions"), default=0)

    def __str__(self) -> str:
        return self.stem


class SearchKind(models.Model):
    """How much a stem says that the things of a category are what it names: see `search.learning`."""

    stem = models.CharField(_("stem"), max_length=64)
    category = models.CharField(_("category"), max_length=500)
    weight = models.FloatField(_("weight"))

    class Meta:
        constraints = [models.UniqueConstraint(name="search_kind_once", fields=["stem", "category"])]

    def __str__(self) -> str:
        return f"{self.stem}: {self.category}"


class SearchCategory(models.Model):
    """How many live documents a category has, those below it too; that with no path is the whole shop."""

    path = models.CharField(_("address"), max_length=500, primary_key=True)
    families = models.IntegerField(_("families"))

    class Meta:
        verbose_name_plural = "search categories"

    def __str__(self) -> str:
        return f"{self.path}: {self.families}"


class SearchText(models.Model):
    """One of the texts of documents: how many live documents have it, and its usual length in words."""

    name = models.CharField(_("name"), max_length=16, primary_key=True)
    families = models.IntegerField(_("families"))
    length = models.FloatField(_("length"))

    def __str__(self) -> str:
        return self.name


def _without_stop_words(text: str) -> str:
    return " ".join(word for word in normalized(text).split() if word not in STOP_WORDS)


class Synonyms(models.Model):
    """Words that mean the same to shoppers: whoever types one finds what has another."""

    words = models.CharField(_("words"), max_length=500, help_text=_("With commas between them: sofa, couch, settee."))
    is_active = models.BooleanField(_("active"), default=True)
    # The same as searches look them up: each as `search.text` has it.
    entries = ArrayField(models.CharField(max_length=200), default=list, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = _("synonyms")
        indexes = [GinIndex(name="search_synonyms_entries", fields=["entries"], condition=models.Q(is_active=True))]

    def __str__(self) -> str:
        return self.words

    def clean(self) -> None:
        """Raises ValidationError for fewer than two words, and for more letters in one than a search looks at."""
        self.entries = list(dict.fromkeys(filter(None, (_without_stop_words(word) for word in self.words.split(",")))))
        if len(self.entries) < 2:
            raise ValidationError({"words": _("Name at least two, with a comma between them.")})
        if any(len(entry.split()) > SYNONYM_WORDS for entry in self.entries):
            raise ValidationError({"words": _("One of them has too many words.")})


class QueryRule(models.Model):
    """What staff decided for one query: families first or last, or another page."""

    query = models.CharField(
        _("query"), max_length=200, unique=True, help_text=_("As shoppers type it; case says nothing.")
    )
    redirect_to = models.CharField(
        _("leads to"),
        max_length=500,
        blank=True,
        help_text=_("A page of this shop, such as /c/garden/, instead of results."),
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("query rule")

    def __str__(self) -> str:
        return self.query

    def clean(self) -> None:
        """Raises ValidationError for a query without a word, and for an address that is not of this shop."""
        self.query = normalized(self.query)
        if not self.query:
            raise ValidationError({"query": _("A query has at least one word.")})
        if self.redirect_to and not PAGE_OF_OURS.fullmatch(self.redirect_to):
            raise ValidationError({"redirect_to": _("An address of this shop begins with one slash.")})


class Placement(models.Model):
    """A family that is shown first or last for a query."""

    class Place(models.TextChoices):
        PINNED = "pinned", _("First")
        BURIED = "buried", _("Last")

    rule = models.ForeignKey(QueryRule, on_delete=models.CASCADE, related_name="placements")
    family = models.ForeignKey(
        "catalog.ProductFamily", on_delete=models.CASCADE, related_name="+", verbose_name=_("family")
    )
    place = models.CharField(_("place"), max_length=10, choices=Place, default=Place.PINNED)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        ordering = ("position", "id")
        constraints = [models.UniqueConstraint(name="search_placement_once", fields=["rule", "family"])]

    def __str__(self) -> str:
        return f"{self.place}: {self.family_id}"


class SearchIndex(models.Model):
    """An index in Elasticsearch. Changes go to the one that serves and to one that is being built: none is lost meanwhile."""

    class State(models.TextChoices):
        BUILDING = "building", _("Being built")
        SERVING = "serving", _("Serving")
        KEPT = "kept", _("Kept for a roll-back")
        DROPPED = "dropped", _("Dropped")

    name = models.CharField(_("name"), max_length=200, unique=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.BUILDING)
    # The last family that a build has copied: where it goes on after it was interrupted.
    built_to = models.BigIntegerField(_("built up to"), default=0)
    created_at = models.DateTimeField(_("created"))
    served_from = models.DateTimeField(_("served from"), null=True, blank=True)
    served_to = models.DateTimeField(_("served to"), null=True, blank=True)

    class Meta:
        verbose_name_plural = "search indexes"
        constraints = [
            models.UniqueConstraint(
                name="search_index_one_serves", fields=["state"], condition=models.Q(state="serving")
            ),
            models.UniqueConstraint(
                name="search_index_one_is_built", fields=["state"], condition=models.Q(state="building")
            ),
        ]

    def __str__(self) -> str:
        return self.name
