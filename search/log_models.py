"""What shoppers searched for and opened, and what of it others may be told."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class SearchLog(models.Model):
    """A list that was shown, for 90 days: what was asked, never by whom. A table of its own for each month, made by SQL
    (`search.log_services`); rows are written by `search.logbook` alone.

    Django takes ``id`` for the key; in the table it is (at, id), since a partitioned one needs the time in it.
    """

    id = models.UUIDField(_("number"), primary_key=True)
    at = models.DateTimeField(_("at"))
    query = models.CharField(_("query"), max_length=200, blank=True)
    filters = models.JSONField(_("filters"), default=dict)
    page = models.IntegerField(_("page"))
    total = models.IntegerField(_("total"))
    engine = models.CharField(_("engine"), max_length=20)
    fallback = models.BooleanField(_("fallback"), default=False)
    latency_ms = models.FloatField(_("latency in ms"))
    # Nothing had the words typed, and what was shown is of others.
    mended = models.BooleanField(_("mended"), default=False)
    # Of who searched on that day (`search.sessions`); empty for who is not known.
    session = models.CharField(_("session"), max_length=32, blank=True)

    class Meta:
        verbose_name = "search"
        verbose_name_plural = "searches"

    def __str__(self) -> str:
        return str(self.id)


class SearchClick(models.Model):
    """That a product of a list was opened; ``position`` is its place in the whole list, from 1. Kept as the log is."""

    pk = models.CompositePrimaryKey("at", "search_id", "product_id")
    at = models.DateTimeField(_("at"))
    search_id = models.UUIDField(_("search"))
    product_id = models.BigIntegerField(_("product"))
    position = models.IntegerField(_("position"))
    session = models.CharField(_("session"), max_length=32, blank=True)

    def __str__(self) -> str:
        return f"{self.search_id}, {self.position}"


class PopularQuery(models.Model):
    """A query that so many searched for that it may be suggested to others (`search.log_services.count_popular`)."""

    query = models.TextField(_("query"), primary_key=True)
    searches = models.IntegerField(_("searches"))
    sessions = models.IntegerField(_("sessions"))
    # What it found at its latest.
    total = models.IntegerField(_("total"))
    updated_at = models.DateTimeField(_("updated"))

    class Meta:
        verbose_name_plural = "popular queries"

    def __str__(self) -> str:
        return self.query
