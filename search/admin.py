"""What staff see of the search: what is said of each family, and which index serves."""

import json

from django.contrib import admin, messages
from django.contrib.postgres.search import SearchQuery
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.admin import ReadOnlyAdmin
from search import services
from search.models import SearchDocument, SearchIndex

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


@admin.register(SearchIndex)
class SearchIndexAdmin(ReadOnlyAdmin):
    """Indexes in Elasticsearch; `manage.py build_search_index` makes one, and goes back to the one before."""

    list_display = ("name", "state", "built_to", "created_at", "served_from", "served_to")
    list_filter = ("state",)
    ordering = ("-pk",)
