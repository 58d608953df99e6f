from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Func, Q
from django.db.models.functions import Coalesce

LONG_AGO = Func(template="'-infinity'::timestamptz", output_field=models.DateTimeField())


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("search", "0001_initial")]

    # What replaces an index comes before it goes: searches have one at any moment, also on the way back.
    operations = [
        AddIndexConcurrently(
            model_name="searchdocument",
            index=models.Index(
                name="search_document_shown",
                fields=["-in_stock", "-popularity", "-family_id"],
                include=("brand", "categories", "rating", "review_count"),
                condition=Q(is_live=True),
            ),
        ),
        RemoveIndexConcurrently(model_name="searchdocument", name="search_document_popular"),
        AddIndexConcurrently(
            model_name="searchdocument",
            index=models.Index(
                name="search_document_rated",
                fields=["-rating", "-review_count", "-family_id"],
                condition=Q(is_live=True),
            ),
        ),
        AddIndexConcurrently(
            model_name="searchdocument",
            index=models.Index(
                Coalesce("released_at", LONG_AGO).desc(),
                F("family_id").desc(),
                name="search_document_newest",
                condition=Q(is_live=True),
            ),
        ),
        AddIndexConcurrently(
            model_name="searchdocument",
            index=models.Index(
                name="search_document_sold",
                fields=["-units_sold", "-popularity", "-family_id"],
                condition=Q(is_live=True),
            ),
        ),
    ]
