"""What staff see of the search: what is said of each family, which index serves, and what shoppers search for."""

import json

from django.contrib import admin, messages
from django.contrib.postgres.search import SearchQuery
from django.core.exceptions import PermissionDenied
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from catalog.types import ListingFilters
from core.admin import ReadOnlyAdmin
from core.clock import now
from search import selectors, services
from search.figures import OFTEN, SHOWN_SESSIONS, search_figures
from search.log_models import SearchLog
from search.models import Placement, QueryRule, SearchDocument, SearchIndex, Synonyms

_LONGEST_NUMBER = 19  # digits: more do not fit into a bigint


class WaitingFilter(admin.SimpleListFilter):
    """Documents that Elasticsearch has not been told of."""

    title = gettext_lazy("sent to Elasticsearch")
    parameter_name = "sent"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        """What can be chosen."""
        return [("no", _("not yet"))]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[SearchDocument]") -> "QuerySet[SearchDocument]":
        """Those chosen."""
        return queryset.filter(version__gt=F("indexed_version")) if self.value() == "no" else queryset


@admin.register(SearchDocument)
class SearchDocumentAdmin(ReadOnlyAdmin):
    """What both engines search: for "why is this not found?"."""

    list_display = ("family_id", "title", "brand", "is_live", "in_stock", "version", "indexed_version", "updated_at")
    list_filter = ("is_live", "in_stock", WaitingFilter)
    search_fields = ("words",)
    search_help_text = gettext_lazy(
        "Words as a shopper types them, a SKU or EAN, the address of a brand, or a family's number."
    )
    fields = ("family_id", "is_live", "version", "indexed_version", "updated_at", "said")
    readonly_fields = ("said",)
    show_full_result_count = False
    actions = ("look_again",)

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[SearchDocument]", search_term: str
    ) -> "tuple[QuerySet[SearchDocument], bool]":
        """Each way by its own index: the table may be long."""
        typed = search_term.strip()
        if not typed:
            return queryset, False
        wanted = (
            Q(words=SearchQuery(typed, config="english")) | Q(codes__contains=[typed.upper()[:64]]) | Q(brand=typed)
        )
        if typed.isdecimal() and len(typed) < _LONGEST_NUMBER:
            wanted |= Q(pk=int(typed))
        return queryset.filter(wanted), False

    @admin.display(description=gettext_lazy("title"))
    def title(self, row: SearchDocument) -> str:
        """As it is searched."""
        return str(row.document.get("title", ""))

    @admin.display(description=gettext_lazy("document"))
    def said(self, row: SearchDocument) -> str:
        """All that is said of the family."""
        return format_html("<pre>{}</pre>", json.dumps(row.document, indent=2, ensure_ascii=False))

    @admin.action(description=gettext_lazy("Build again from the catalogue"))
    def look_again(self, request: HttpRequest, queryset: "QuerySet[SearchDocument]") -> None:
        """Have the documents rebuilt as if their products had changed."""
        noted = services.look_again(family_ids=list(queryset.values_list("pk", flat=True)))
        told = ngettext("%(noted)d family is looked at again.", "%(noted)d families are looked at again.", noted)
        messages.info(request, told % {"noted": noted})


@admin.register(Synonyms)
class SynonymsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Synonyms, as registered
    """Words that mean the same; what is saved is searched by at once."""

    list_display = ("words", "is_active")
    list_filter = ("is_active",)
    search_fields = ("words",)


class PlacementInline(admin.TabularInline):  # type: ignore[type-arg]  # Placement, as below
    """Families first or last."""

    model = Placement
    raw_id_fields = ("family",)
    extra = 1


@admin.register(QueryRule)
class QueryRuleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # QueryRule, as registered
    """What shoppers get for one query; a rule that is not active can be looked at before it is."""

    list_display = ("query", "redirect_to", "is_active", "look")
    list_filter = ("is_active",)
    search_fields = ("query",)
    fields = ("query", "redirect_to", "is_active", "look")
    readonly_fields = ("look",)
    inlines = (PlacementInline,)

    @admin.display(description=gettext_lazy("preview"))
    def look(self, row: QueryRule) -> str:
        """The way to what shoppers would see."""
        if not row.pk:
            return _("Save first, as not active if shoppers should not see it yet.")
        return format_html('<a href="{}">{}</a>', reverse("admin:search_preview", args=[row.pk]), _("What it shows"))

    def get_urls(self) -> list[URLPattern]:
        """Add the preview."""
        page = path("<int:rule_id>/preview/", self.admin_site.admin_view(self.preview), name="search_preview")
        return [page, *super().get_urls()]

    def preview(self, request: HttpRequest, rule_id: int) -> HttpResponse:
        """The first page of results, as if the rule were active."""
        rule = get_object_or_404(QueryRule, pk=rule_id)
        if not self.has_view_permission(request, rule):
            return HttpResponse(_("You may not see query rules."), status=403)
        placed = {row.family_id: row.get_place_display() for row in rule.placements.all()}
        listing = selectors.search(filters=ListingFilters(query=rule.query), preview=rule.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("What “%(query)s” shows") % {"query": rule.query},
            "rule": rule,
            "listing": listing,
            "rows": [(card, placed.get(card.family_id, "")) for card in listing.cards],
        }
        return TemplateResponse(request, "admin/search/preview.html", context)


@admin.register(SearchIndex)
class SearchIndexAdmin(ReadOnlyAdmin):
    """Indexes in Elasticsearch; `manage.py build_search_index` makes one, and goes back to the one before."""

    list_display = ("name", "state", "built_to", "created_at", "served_from", "served_to")
    list_filter = ("state",)
    ordering = ("-pk",)


@admin.register(SearchLog)
class SearchLogAdmin(ReadOnlyAdmin):
    """What shoppers search for, in figures. The log's rows have no page: what few people typed is nobody's business."""

    def get_urls(self) -> list[URLPattern]:
        """The page of figures alone."""
        page = self.admin_site.admin_view(self.changelist_view)
        return [path("", page, name="search_searchlog_changelist")]

    def changelist_view(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """The last week's searches beside those of the week before."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("Searches"),
            "opts": self.opts,
            "figures": search_figures(now=now()),
            "often": OFTEN,
            "fewest": SHOWN_SESSIONS,
        }
        return TemplateResponse(request, "admin/search/searches.html", context)
