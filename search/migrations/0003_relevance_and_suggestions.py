import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

# The documents get their new column like any other change: family by family, beside everything else.
NOTE_ALL = "INSERT INTO search_searchwork (family_id) SELECT family_id FROM search_searchdocument WHERE is_live"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("search", "0002_sorts_by_index")]

    operations = [
        migrations.CreateModel(
            name="SearchWord",
            fields=[
                ("word", models.CharField(max_length=64, primary_key=True, serialize=False, verbose_name="word")),
                ("families", models.IntegerField(verbose_name="families")),
                (
                    "remains",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), default=list, size=None
                    ),
                ),
            ],
            options={
                "indexes": [django.contrib.postgres.indexes.GinIndex(fields=["remains"], name="search_word_remains")],
            },
        ),
        migrations.CreateModel(
            name="SearchStem",
            fields=[
                ("stem", models.CharField(max_length=64, primary_key=True, serialize=False, verbose_name="stem")),
                ("families", models.IntegerField(verbose_name="families")),
                ("title", models.IntegerField(default=0, verbose_name="in titles")),
                ("names", models.IntegerField(default=0, verbose_name="in names")),
                ("details", models.IntegerField(default=0, verbose_name="in details")),
                ("description", models.IntegerField(default=0, verbose_name="in descriptions")),
            ],
        ),
        migrations.CreateModel(
            name="SearchText",
            fields=[
                ("name", models.CharField(max_length=16, primary_key=True, serialize=False, verbose_name="name")),
                ("families", models.IntegerField(verbose_name="families")),
                ("length", models.FloatField(verbose_name="length")),
            ],
        ),
        migrations.CreateModel(
            name="SearchKind",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stem", models.CharField(max_length=64, verbose_name="stem")),
                ("category", models.CharField(max_length=500, verbose_name="category")),
                ("weight", models.FloatField(verbose_name="weight")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("stem", "category"), name="search_kind_once")],
            },
        ),
        migrations.AddField(
            model_name="searchdocument",
            name="lengths",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.SmallIntegerField(), null=True, size=None
            ),
        ),
        migrations.AddField(
            model_name="searchdocument",
            name="beginnings",
            field=django.contrib.postgres.search.SearchVectorField(null=True),
        ),
        AddIndexConcurrently(
            model_name="searchdocument",
            index=django.contrib.postgres.indexes.GinIndex(fields=["beginnings"], name="search_document_beginnings"),
        ),
        migrations.RunSQL(NOTE_ALL, migrations.RunSQL.noop),
    ]
