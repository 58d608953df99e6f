"""Imports: how far they got, and what they refused; and two indexes less that others begin with."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="productattribute",
            name="attribute",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="values",
                to="catalog.attribute",
            ),
        ),
        migrations.AlterField(
            model_name="productattribute",
            name="product",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="attributes",
                to="catalog.product",
            ),
        ),
        migrations.CreateModel(
            name="ImportRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprint", models.CharField(max_length=64)),
                ("file_name", models.CharField(max_length=255, verbose_name="file")),
                ("line", models.BigIntegerField(default=0, verbose_name="lines done")),
                ("created", models.BigIntegerField(default=0, verbose_name="new")),
                ("changed", models.BigIntegerField(default=0, verbose_name="changed")),
                ("unchanged", models.BigIntegerField(default=0, verbose_name="unchanged")),
                ("refused", models.BigIntegerField(default=0, verbose_name="refused")),
                ("started_at", models.DateTimeField(verbose_name="started")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("finished_at", None)),
                        fields=("fingerprint",),
                        name="import_run_unfinished_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportRefusal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("line", models.BigIntegerField(verbose_name="line")),
                ("code", models.CharField(max_length=20, verbose_name="code")),
                ("field", models.CharField(blank=True, max_length=200, verbose_name="column")),
                ("detail", models.CharField(max_length=500, verbose_name="reason")),
                ("row", models.TextField(blank=True, verbose_name="row")),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="refusals", to="catalog.importrun"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["run", "line"], name="import_refusal_line")],
            },
        ),
    ]
