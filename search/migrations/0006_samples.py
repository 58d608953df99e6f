from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Func, Q

SLOT = Func(template="((family_id * 40503) & 65535)", output_field=models.BigIntegerField())


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("search", "0005_search_log")]

    operations = [
        migrations.CreateModel(
            name="SearchCategory",
            fields=[
                ("path", models.CharField(max_length=500, primary_key=True, serialize=False, verbose_name="address")),
                ("families", models.IntegerField(verbose_name="families")),
            ],
            options={"verbose_name_plural": "search categories"},
        ),
        AddIndexConcurrently(
            model_name="searchdocument",
            index=models.Index(
                SLOT,
                name="search_document_sampled",
                include=("family_id", "brand", "categories", "rating", "review_count"),
                condition=Q(is_live=True),
            ),
        ),
    ]
